"""Sums events up for the graph, so that many take effect with one statement for each thing that they change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.fraud.domain.event import Fields, Money
from services.fraud.domain.graph.entities import EntityName, entity_number
from services.fraud.domain.graph.links import EventLinks

__all__ = [
    "EdgeAddition",
    "FraudChange",
    "GraphBatch",
    "GraphEvent",
    "KnownEvent",
    "SeenEntity",
    "SeenTransfer",
    "sum_up",
]


class GraphEvent(NamedTuple):
    """A decided event as the graph learns of it, or of what a label said of it since."""

    decision_id: UUID
    event_type: str
    fields: Fields
    time: datetime
    is_fraud: bool
    """By what is known now."""
    is_new: bool = True
    """False for one that is in the graph: only what is known of it may be new."""


class SeenEntity(NamedTuple):
    """An entity and when it was seen."""

    number: int
    name: EntityName
    first_time: datetime
    last_time: datetime


@dataclass(slots=True)
class EdgeAddition:
    """What events add to what is kept between two entities."""

    source: int
    target: int
    is_transfer: bool
    first_time: datetime
    last_time: datetime
    events: int = 0
    currency: str = ""
    """Of the first amount. Events in others are counted, and their amounts are not added."""
    amount_minor: int = 0
    smallest_minor: int | None = None

    def add(self, time: datetime, amount: Money | None) -> None:
        self.events += 1
        self.first_time, self.last_time = min(self.first_time, time), max(self.last_time, time)
        if amount is None or self.currency not in ("", amount.currency):
            return
        self.currency = amount.currency
        self.amount_minor += amount.minor
        self.smallest_minor = amount.minor if self.smallest_minor is None else min(self.smallest_minor, amount.minor)


class SeenTransfer(NamedTuple):
    """One transfer."""

    source: int
    target: int
    time: datetime


class KnownEvent(NamedTuple):
    """Whether an event is known to be fraud."""

    decision_id: UUID
    time: datetime
    """Its own."""
    is_fraud: bool
    entities: Sequence[int]


class FraudChange(NamedTuple):
    """An event that became known to be fraud, or no longer counts as that."""

    is_fraud: bool
    entities: Sequence[int]
    """For which it counts: those that it had when it became known."""


@dataclass
class GraphBatch:
    """Events of one tenant, summed up."""

    entities: dict[int, SeenEntity] = field(default_factory=dict)
    edges: dict[tuple[int, int], EdgeAddition] = field(default_factory=dict)
    transfers: list[SeenTransfer] = field(default_factory=list)
    known: dict[UUID, KnownEvent] = field(default_factory=dict)

    def _see(self, name: EntityName, time: datetime) -> int:
        number = entity_number(name)
        before = self.entities.get(number)
        first, last = (time, time) if before is None else (min(before.first_time, time), max(before.last_time, time))
        self.entities[number] = SeenEntity(number, name, first, last)
        return number

    def _link(self, source: int, target: int, event: GraphEvent, *, is_transfer: bool) -> None:
        edge = self.edges.get((source, target))
        if edge is None:
            edge = EdgeAddition(source, target, is_transfer, event.time, event.time)
            self.edges[source, target] = edge
        edge.add(event.time, next((each for each in event.fields.values() if isinstance(each, Money)), None))
        if is_transfer:
            self.transfers.append(SeenTransfer(source, target, event.time))

    def add(self, event: GraphEvent, links: EventLinks) -> None:
        names = links.entities(event.fields)
        entities = [entity_number(each) for each in names]
        self.known[event.decision_id] = KnownEvent(event.decision_id, event.time, event.is_fraud, entities)
        linked = list(links.links(event.fields)) if event.is_new else ()
        # An entity that no event links with another is as if it were not there.
        for name in names if linked else ():
            self._see(name, event.time)
        for each in linked:
            source, target = entity_number(each.source), entity_number(each.target)
            self._link(source, target, event, is_transfer=each.is_transfer)


def sum_up(events: Iterable[GraphEvent], links: Mapping[str, EventLinks]) -> GraphBatch:
    """Sums events up. `links` are those of each event type; events of others are nobody's."""
    batch = GraphBatch()
    for event in events:
        if event.event_type in links:
            batch.add(event, links[event.event_type])
    return batch
