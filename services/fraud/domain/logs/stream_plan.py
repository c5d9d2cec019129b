"""Divides the records of a log into streams: those that some feature aggregates, with what it needs of them."""

from __future__ import annotations

from dataclasses import dataclass

from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.plan import NUMBERED, OF_LABELS, KindPlan, filter_of
from services.fraud.domain.declared.records import LogRecord

__all__ = ["StreamPlan", "plan_streams", "stream_of"]

NONE = -1


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """Which records are in a stream, and what is kept of them beside their times."""

    types: frozenset[int]
    """Indices of the event types."""
    filter: int
    """The bit of the filter that holds for them, -1 for none."""
    by_currency: bool
    """True for one stream for each currency; records without one are in none."""
    number: int = NONE
    """The column of numbers, which each of them has; -1 for none."""
    squares: bool = False
    least: bool = False
    greatest: bool = False
    counterparts: tuple[int, ...] = ()
    """Columns, which they may have or not."""
    labels: bool = False
    """True if their labels are read."""

    @property
    def values(self) -> bool:
        """True if the numbers themselves are kept, and not their sums alone."""
        return self.least or self.greatest

    @property
    def origin(self) -> StreamPlan:
        """Which records it has, without what is kept of them."""
        return StreamPlan(self.types, self.filter, self.by_currency, self.number)

    def holds(self, record: LogRecord) -> bool:
        """Tells whether an event is of its types, and its filter holds for it."""
        return record.type in self.types and (self.filter < 0 or bool(record.filters >> self.filter & 1))


def plan_streams(plan: KindPlan) -> tuple[StreamPlan, ...]:
    """The different streams that the features of the plan read."""
    readers: dict[StreamPlan, list[Feature]] = {}
    for feature in plan.features:
        if feature.name not in plan.missing:
            readers.setdefault(stream_of(plan, feature), []).append(feature)
    return tuple(_complete(plan, stream, features) for stream, features in readers.items())


def stream_of(plan: KindPlan, feature: Feature) -> StreamPlan:
    """Which records the feature aggregates."""
    number = _column(plan, feature.field) if feature.aggregate in NUMBERED else NONE
    return StreamPlan(
        types=frozenset(plan.types.index(each) for each in feature.counted),
        filter=plan.filters.index(filter_of(feature)) if feature.where else NONE,
        by_currency=feature.same_currency or (number != NONE and plan.numbers[number].money),
        number=number,
    )


def _column(plan: KindPlan, field: str) -> int:
    return [column.field for column in plan.numbers].index(field)


def _complete(plan: KindPlan, stream: StreamPlan, features: list[Feature]) -> StreamPlan:
    aggregates = {feature.aggregate for feature in features}
    compared = {feature.field for feature in features if feature.field and feature.aggregate not in NUMBERED}
    return StreamPlan(
        stream.types,
        stream.filter,
        stream.by_currency,
        stream.number,
        squares=Aggregate.STDDEV in aggregates,
        least=not aggregates.isdisjoint({Aggregate.MIN, Aggregate.TRAVEL_SPEED}),
        greatest=not aggregates.isdisjoint({Aggregate.MAX, Aggregate.TRAVEL_SPEED}),
        counterparts=tuple(sorted(plan.counterparts.index(field) for field in compared)),
        labels=not aggregates.isdisjoint(OF_LABELS),
    )
