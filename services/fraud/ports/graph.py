"""Ports of the graph: where its events come from, what is kept of it, and how it is read.

A store of another kind implements `GraphStore` and `GraphReads` and passes their conformance suite.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from services.fraud.domain.event import Money
from services.fraud.domain.graph.batch import EdgeAddition, FraudChange, GraphEvent, KnownEvent, SeenEntity
from services.fraud.domain.graph.cycles import KnownTransfers
from services.fraud.domain.graph.entities import EntitySummary, GoneEdge, GraphEdge
from services.fraud.domain.graph.growth import SizeHistory
from services.fraud.domain.outbox import Place, PlaceProof

__all__ = [
    "EdgeState",
    "EntityCounts",
    "EntityRef",
    "EntityState",
    "GraphChanges",
    "GraphEvents",
    "GraphPage",
    "GraphReach",
    "GraphReads",
    "GraphStore",
    "ReadEntities",
]


class EntityRef(NamedTuple):
    """Names an entity of any tenant."""

    tenant_id: str
    number: int
    """See `entity_number`."""


class GraphPage(NamedTuple):
    """Events in the order in which they were committed."""

    events: Mapping[str, Sequence[GraphEvent]]
    """By tenant: of those that were asked for."""
    last: Place
    proof: PlaceProof
    reached: datetime
    """All that was committed before this is in the page, or was before it."""
    more: bool
    """True if others follow already."""


class GraphEvents(Protocol):
    """The decided events, as the graph follows them. Every coroutine raises MeshError UNAVAILABLE."""

    async def newest(self) -> tuple[Place, PlaceProof]:
        """Returns the place after which to follow a graph of nothing."""
        ...

    async def follow(self, after: Place, proof: PlaceProof, tenants: Collection[str]) -> GraphPage:
        """Returns what follows a place. Raises MeshError STREAM_POSITION_LOST if that cannot be had."""
        ...

    async def stored(self, tenant_id: str, after: UUID, until: UUID, most: int) -> Sequence[GraphEvent]:
        """Returns stored decisions after one and up to another, in the order of their identifiers."""
        ...


class GraphReach(NamedTuple):
    """How far the graph of a tenant is."""

    begun: UUID
    """Decisions up to this one come from the store, and all others from the outbox."""
    filled: UUID
    """Those up to this one are in the graph."""
    whole: bool
    """True once all of before are."""
    dropped: bool = False
    """True while it is being deleted, or is to be, as another version of the service kept it otherwise."""


class EntityState(NamedTuple):
    """What matters of an entity while others are linked with it."""

    component: int
    degree: int
    frauds: int
    near_fraud: bool
    """True if it is near fraud, or that has to be found out."""


class EdgeState(NamedTuple):
    """What is kept between two entities, after something was added."""

    is_new: bool
    events: int
    smallest: Money | None
    """The smallest amount."""


class EntityCounts(NamedTuple):
    """What is added to the counts of an entity."""

    degree: int = 0
    fan_in: int = 0
    fan_out: int = 0
    cycles: int = 0
    repeats: int = 0
    """Of an edge of transfers: the most are kept."""
    smallest: Money | None = None
    """Of an edge with more than one transfer: the smallest is kept."""


class GraphChanges(Protocol):
    """A transaction on the graph: all of it takes effect, or nothing."""

    async def place(self) -> tuple[Place, PlaceProof] | None:
        """Returns how far the events were followed, and keeps others from following until the transaction ends.

        None if nobody has followed yet.
        """
        ...

    async def move(self, last: Place, proof: PlaceProof, reached: datetime) -> None:
        """Says how far the events were followed."""
        ...

    async def filled(self, tenant_id: str, before: UUID, reached: UUID, *, whole: bool) -> bool:
        """Says how far the decisions of before are in a graph. False if it was not at `before`."""
        ...

    async def see(self, tenant_id: str, seen: Sequence[SeenEntity]) -> Mapping[int, EntityState]:
        """Enters entities, or that they were seen again. Returns how they are then."""
        ...

    async def look(self, tenant_id: str, entities: Collection[int]) -> Mapping[int, EntityState]:
        """Returns how entities are."""
        ...

    async def link(self, tenant_id: str, added: Sequence[EdgeAddition]) -> Sequence[EdgeState]:
        """Enters edges, or adds to them. Returns how each is then, in order."""
        ...

    async def count(self, tenant_id: str, counts: Mapping[int, EntityCounts]) -> None:
        """Adds to the counts of entities."""
        ...

    async def sizes(self, tenant_id: str, components: Collection[int]) -> Mapping[int, SizeHistory]:
        """Returns the sizes of components."""
        ...

    async def join(self, tenant_id: str, moved: Mapping[int, int], sizes: Mapping[int, SizeHistory]) -> None:
        """Moves the members of components to others, and says how large these are now."""
        ...

    async def fill(self, tenant_id: str, components: Collection[int]) -> None:
        """Says that components take in no others."""
        ...

    async def transfers_to(
        self, tenant_id: str, targets: Collection[int], since: datetime, most: int
    ) -> Mapping[int, Sequence[KnownTransfers]]:
        """Returns the transfers to entities since a time: for each from `most` entities, the latest."""
        ...

    async def unlink(self, tenant_id: str, before: datetime, most: int) -> Sequence[GoneEdge]:
        """Deletes some of the edges whose last event was before a time. Counts are left as they are."""
        ...

    async def remove(self, tenant_id: str, entities: Collection[int]) -> None:
        """Deletes those of some entities that have neither edges nor fraud, and takes them off their components."""
        ...

    async def know(self, tenant_id: str, known: Collection[KnownEvent]) -> Sequence[FraudChange]:
        """Keeps which events are known to be fraud. Returns what has changed."""
        ...

    async def forget_frauds(self, tenant_id: str, before: datetime, most: int) -> Sequence[FraudChange]:
        """Keeps no longer that some events from before a time are known to be fraud. Returns them."""
        ...

    async def blame(self, tenant_id: str, frauds: Mapping[int, int]) -> Collection[int]:
        """Adds to the known frauds of entities. Returns those that had none before, or have none now."""
        ...

    async def doubt(self, tenant_id: str, around: Collection[int], hops: int) -> None:
        """Says that how near fraud is has to be found out anew: for entities and those within `hops` of them."""
        ...

    async def doubted(self, tenant_id: str, most: int) -> Collection[int]:
        """Returns some of the entities of which that is so."""
        ...

    async def frauds_near(self, tenant_id: str, entities: Collection[int]) -> Mapping[int, int]:
        """Returns how many other entities with known fraud are within two steps of each.

        Hubs neither count nor are gone through, and of the neighbours of an entity the latest 64 are looked at.
        """
        ...

    async def settle(self, tenant_id: str, near: Mapping[int, int]) -> None:
        """Keeps how many they are, and doubts it no longer."""
        ...


class GraphStore(Protocol):
    """The graphs of all tenants, as they are made. Every coroutine raises MeshError UNAVAILABLE.

    Processes learn from PostgreSQL that a graph became whole, or is dropped, as the tenant's revision moves: in the
    transaction that makes it so, or, where a store is another one, with the next `reach`.
    """

    def begin(self, tenants: Collection[str]) -> AbstractAsyncContextManager[GraphChanges]:
        """Opens a transaction on the graphs of tenants, which takes effect when the block ends."""
        ...

    async def reach(self) -> Mapping[str, GraphReach]:
        """Returns the tenants that have a graph, and how far each is."""
        ...

    async def begin_tenant(self, tenant_id: str, since: UUID, begun: UUID) -> None:
        """Begins the graph of a tenant: decisions after `begun` are followed, those since `since` are filled in."""
        ...

    async def drop(self, tenant_id: str) -> bool:
        """Deletes a part of a graph, and with the last of it that there is one. True if there may be more."""
        ...


class ReadEntities(NamedTuple):
    """What was read of entities."""

    summaries: Mapping[EntityRef, EntitySummary]
    """Of those that are in a graph which is whole."""
    reached: datetime | None
    """All decisions of before are in them; None if nobody has followed yet."""
    missing: Collection[str] = ()
    """Tenants whose graph is not whole."""


class GraphReads(Protocol):
    """The graphs, as they are read. Every coroutine raises MeshError UNAVAILABLE."""

    async def entities(self, refs: Collection[EntityRef]) -> ReadEntities:
        """Returns what is kept of entities, in one round trip."""
        ...

    async def edges(self, tenant_id: str, entities: Collection[int], most: int) -> Sequence[GraphEdge]:
        """Returns the edges of entities: of each at most so many, those with the latest event first."""
        ...
