"""Compiles the features of a tenant: what is recorded of each event, and where each value stands."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.plan import KindPlan, plan_kinds
from services.fraud.domain.declared.recording import KindRecorder, recorders
from services.fraud.domain.declared.vector import number_places
from services.fraud.domain.event import Fields
from services.fraud.domain.event_types import EventType

__all__ = ["FeatureSet"]


class FeatureSet:
    """The features of a tenant as they were declared at some time. Never changes."""

    def __init__(
        self,
        version: str,
        features: Sequence[Feature],
        types: Mapping[str, EventType],
        filters: Mapping[str, Callable[[Fields], bool]] | None = None,
    ) -> None:
        """The features have passed `check_features`; `filters` are their compiled conditions, by text."""
        self.version = version
        self._types = types
        self.plans: Mapping[str, KindPlan] = plan_kinds(features, types)
        self.features = tuple(feature for plan in self.plans.values() for feature in plan.features)
        """Kind by kind: what is read of a log stands together."""
        self.names = tuple(feature.name for feature in self.features)
        self.sums = tuple(place for place, each in enumerate(self.features) if each.aggregate is Aggregate.SUM)
        """The places of sums: no other value is larger."""
        self.numbers = number_places(self.features)
        self.starts = _starts(self.plans)
        self._types = types
        self._filters = filters or {}
        self._recorders: dict[str, Sequence[KindRecorder]] = {}

    def columns(self, plan: KindPlan) -> tuple[int, ...]:
        """Returns the columns of the store that have the first field of a kind of key, in the types that it counts."""
        found = {self._types[name].columns.get(plan.key[0]) for name in plan.types}
        return tuple(sorted(column for column in found if column is not None))

    def part(self, names: Collection[str]) -> FeatureSet:
        """Returns a set of some of the features."""
        chosen = [feature for feature in self.features if feature.name in names]
        return FeatureSet(self.version, chosen, self._types, self._filters)

    def recorders(self, event_type: str) -> Sequence[KindRecorder]:
        """Returns what records the events of a type."""
        found = self._recorders.get(event_type)
        if found is None:
            found = self._recorders[event_type] = recorders(self.plans, event_type, self._filters)
        return found

    def recorder(self, event_type: str, plan: KindPlan) -> KindRecorder:
        """Returns what records the events of a type in the logs of one kind of key."""
        return next(each for each in self.recorders(event_type) if each.plan is plan)


def _starts(plans: Mapping[str, KindPlan]) -> Mapping[KindPlan, int]:
    """Returns where the values of each kind begin."""
    starts, start = {}, 0
    for plan in plans.values():
        starts[plan] = start
        start += len(plan.features)
    return starts
