"""Entities of the graph: what a key of an event names."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from services.fraud.domain.event import Money
from services.fraud.domain.graph.growth import SizeHistory

__all__ = ["HUB_DEGREE", "EntityName", "EntitySummary", "GoneEdge", "GraphEdge", "entity_number"]

HUB_DEGREE = 64
"""An entity with more links is a hub, such as a shared address: it joins no components, and nobody is near fraud
through it. So many neighbours of an entity are looked at, too."""


class EntityName(NamedTuple):
    """Names an entity of a tenant."""

    kind: str
    """What it is: that of the field that names it, "user_id" for example."""
    value: str


@lru_cache(maxsize=131_072)
def entity_number(name: EntityName) -> int:
    """Returns 64 signed bits that stand for an entity among those of its tenant."""
    hashed = hashlib.sha256(f"{name.kind}\0{name.value}".encode()).digest()
    return int.from_bytes(hashed[:8], signed=True)


class EntitySummary(NamedTuple):
    """What is kept of an entity. Transfers are directed, and counted in and out."""

    number: int
    name: EntityName
    first_time: datetime
    """Of its first event in the graph."""
    last_time: datetime
    component: int
    """The number of one of the entities that are linked with it, whatever lies between."""
    sizes: SizeHistory
    """Of its component."""
    is_full: bool = False
    """True if its component takes in no others any more: it has at least so many members."""
    degree: int = 0
    """Links with others: a transfer there and one back are two."""
    fan_in: int = 0
    """Different entities that it got transfers from."""
    fan_out: int = 0
    most_repeats: int = 0
    """Of the transfers from one entity to another, in which it has a part: the most."""
    smallest_repeated: Money | None = None
    """The smallest amount of a transfer that was not the only one between the two."""
    cycles: int = 0
    """Cycles of transfers that it has a part in."""
    frauds: int = 0
    """Its events that are known to be fraud."""
    fraud_near: int = 0
    """Other entities within two steps that have such events."""

    @property
    def is_hub(self) -> bool:
        return self.degree > HUB_DEGREE


class GraphEdge(NamedTuple):
    """What is kept between two entities."""

    source: int
    target: int
    is_transfer: bool
    events: int
    amount: Money | None
    """The sum, in the currency of the first amount."""
    first_time: datetime
    last_time: datetime


class GoneEdge(NamedTuple):
    """An edge that was deleted."""

    source: int
    target: int
    is_transfer: bool
