"""Places in the outbox of the fraud service, and consecutive events of it as their follower reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, Protocol, TypeVar

__all__ = [
    "BEGINNING",
    "FIRST",
    "UNKNOWN",
    "Batch",
    "Cursor",
    "DecidedPage",
    "FollowedEvent",
    "Position",
    "Proof",
    "Rejected",
]


class Position(NamedTuple):
    """How far a service has followed: the place of the last event in the fraud service's outbox."""

    xid: int
    seq: int


BEGINNING = Position(0, 0)


class Proof(NamedTuple):
    """What tells that the outbox is still the one that was followed. Empty parts are unknown."""

    cluster: str = ""
    """Identifies the PostgreSQL cluster that gave the position out."""
    event: bytes = b""
    """SHA-256 of the event at the position."""


UNKNOWN = Proof()


class FollowedEvent(Protocol):
    """What a follower has made of an event that concerns it."""

    @property
    def tenant_id(self) -> str: ...

    @property
    def decide_time(self) -> datetime:
        """When that of which it tells was written."""
        ...


Item_co = TypeVar("Item_co", bound=FollowedEvent, covariant=True)


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that cannot take effect, whole, and why."""

    payload: bytes
    error: str


@dataclass(frozen=True, slots=True)
class Batch(Generic[Item_co]):
    """Consecutive events: all that there are after `after`, up to `last`."""

    after: Position
    last: Position
    items: Sequence[Item_co]
    """What was made of the events that concern the follower."""
    payloads: Sequence[bytes]
    """The event of each item, at the same index."""
    rejected: Sequence[Rejected] = ()
    proof: Proof = UNKNOWN
    """Of `last`."""
    relay: str = ""
    """Who has published it on the event stream, another after each interruption; empty for what came otherwise."""
    passed_over: int = 0
    """Events that do not concern the follower: its place goes past them like past any other."""

    def __len__(self) -> int:
        """Returns the number of events."""
        return len(self.items) + len(self.rejected) + self.passed_over

    def continues(self, stored: Position) -> bool:
        """Tells whether applying this batch leaves nothing out and adds something.

        It may begin before `stored`: what took effect already does not do so twice.
        """
        return self.after <= stored < self.last

    @property
    def tenants(self) -> set[str]:
        return {item.tenant_id for item in self.items}


class Cursor(NamedTuple):
    """A decision of a tenant, in the order in which all stored ones are read."""

    tenant_id: str
    decision_id: str


FIRST = Cursor("00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000")
"""Before every decision."""


@dataclass(frozen=True, slots=True)
class DecidedPage(Generic[Item_co]):
    """Events of decisions that follow a cursor."""

    batch: Batch[Item_co]
    """Its `last` is a place in the outbox: what was committed before is in this page or in those that follow."""
    following: Cursor | None
    """None if there are no more."""
