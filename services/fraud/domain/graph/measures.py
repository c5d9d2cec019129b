"""What features read of the graph: a measure of the entity that a key of the event names."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from services.fraud.domain.graph.entities import EntitySummary
from services.fraud.domain.graph.growth import day_of

__all__ = ["GraphMeasure", "is_partial", "measured"]


class GraphMeasure(Enum):
    """A measure of an entity. Each is a whole number but the smallest amount, which is in units of its currency."""

    DEGREE = "degree"
    COMPONENT_SIZE = "component_size"
    COMPONENT_GROWTH = "component_growth"
    FRAUD_WITHIN_TWO_HOPS = "fraud_within_two_hops"
    FAN_IN = "fan_in"
    FAN_OUT = "fan_out"
    MOST_REPEATS = "most_repeats"
    SMALLEST_REPEATED = "smallest_repeated"
    CYCLES = "cycles"

    @property
    def is_number(self) -> bool:
        """Tells whether its values are no whole numbers."""
        return self is GraphMeasure.SMALLEST_REPEATED


_KEPT = {
    GraphMeasure.DEGREE: "degree",
    GraphMeasure.FRAUD_WITHIN_TWO_HOPS: "fraud_near",
    GraphMeasure.FAN_IN: "fan_in",
    GraphMeasure.FAN_OUT: "fan_out",
    GraphMeasure.MOST_REPEATS: "most_repeats",
    GraphMeasure.CYCLES: "cycles",
}
_OF_ITSELF = {GraphMeasure.COMPONENT_SIZE: 1, GraphMeasure.COMPONENT_GROWTH: 1}
"""Of an entity that no event has named before: it is alone, and new."""


def measured(
    measure: GraphMeasure, summary: EntitySummary | None, time: datetime, currency: str, digits: int
) -> int | float | None:
    """Returns a measure as an event of a time sees it, None for one that has no value.

    No summary is an entity that is not in the graph. An amount in another currency than the event's has no value.
    """
    if measure is GraphMeasure.SMALLEST_REPEATED:
        amount = summary.smallest_repeated if summary is not None else None
        return amount.minor / 10**digits if amount is not None and amount.currency == currency else None
    if summary is None:
        return _OF_ITSELF.get(measure, 0)
    if measure is GraphMeasure.COMPONENT_SIZE:
        return summary.sizes.size
    if measure is GraphMeasure.COMPONENT_GROWTH:
        return summary.sizes.growth(day_of(time))
    value: int = getattr(summary, _KEPT[measure])
    return value


def is_partial(measure: GraphMeasure, summary: EntitySummary | None) -> bool:
    """Tells whether a measure may be more than was counted of it."""
    if summary is None:
        return False
    if measure in (GraphMeasure.COMPONENT_SIZE, GraphMeasure.COMPONENT_GROWTH):
        return summary.is_full
    return measure is GraphMeasure.FRAUD_WITHIN_TWO_HOPS and summary.is_hub
