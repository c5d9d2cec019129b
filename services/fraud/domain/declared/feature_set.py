"""The features of a tenant as they were declared at some time: their logs, and where each value stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.plan import KindPlan, by_kind, plan_kinds
from services.fraud.domain.declared.vector import layout_of
from services.fraud.domain.event_types import EventType

__all__ = ["FeatureSet", "vector_order"]


class FeatureSet:
    """The features of a tenant. Never changes."""

    def __init__(
        self, version: str, features: Sequence[Feature], types: Mapping[str, EventType], derived: Sequence[str] = ()
    ) -> None:
        """The features have passed `check_features`. `derived` has the names of derived features, in their order."""
        self.version = version
        self.plans: Mapping[str, KindPlan] = plan_kinds(features, types)
        self.features = vector_order(features)
        """Those that are read of logs. The values of derived ones stand after theirs."""
        self.layout = layout_of(self.features, derived)
        self.names = self.layout.names
        self.sums = tuple(place for place, each in enumerate(self.features) if each.aggregate is Aggregate.SUM)
        """The places of sums: no other value is larger."""
        self.starts = _starts(self.plans)

    def is_money(self, feature: Feature) -> bool:
        """Tells whether a feature aggregates amounts of money."""
        columns = self.plans[feature.kind].numbers
        return any(column.field == feature.field and column.money for column in columns)


def vector_order(features: Sequence[Feature]) -> tuple[Feature, ...]:
    """Returns features in the order of their values: kind by kind, so that what is read of a log stands together.

    Vectors that were stored are read by it: it can never be another one.
    """
    return tuple(feature for own in by_kind(features).values() for feature in own)


def _starts(plans: Mapping[str, KindPlan]) -> Mapping[str, int]:
    """Returns where the values of each kind begin."""
    starts, start = {}, 0
    for name, plan in plans.items():
        starts[name] = start
        start += len(plan.features)
    return starts
