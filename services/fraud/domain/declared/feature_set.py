"""The features of a tenant as they were declared at some time: what is recorded, and where each value stands."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from services.fraud.domain.declared.daily import DailyStream, daily_stream
from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.graph import GraphFeature
from services.fraud.domain.declared.plan import KindFilter, KindPlan, by_kind, plan_kinds
from services.fraud.domain.declared.recording import Condition, KindRecorder
from services.fraud.domain.declared.vector import FeatureValue, layout_of
from services.fraud.domain.event import Fields
from services.fraud.domain.event_types import EventType
from services.fraud.domain.expressions.tree import Tree, references

__all__ = ["DailyFeature", "Derivation", "DerivedTree", "FeatureSet", "vector_order"]


class DerivedTree(NamedTuple):
    """A derived feature with its checked expression."""

    name: str
    event_type: str
    tree: Tree


Derivation: TypeAlias = Callable[[list[FeatureValue], Fields], None]
"""Puts the values of derived features into their places, given the others and the fields of the event."""


class DailyFeature(NamedTuple):
    """A feature over more than 30 days."""

    place: int
    """Of its value."""
    feature: Feature
    stream: DailyStream
    """What is totalled for it."""


class FeatureSet:
    """The features of a tenant. Never changes."""

    def __init__(
        self,
        version: str,
        features: Sequence[Feature],
        types: Mapping[str, EventType],
        conditions: Mapping[KindFilter, Condition] | None = None,
        derived: Sequence[DerivedTree] = (),
        derive: Callable[[FeatureSet, str], Derivation] | None = None,
        graph: Sequence[GraphFeature] = (),
    ) -> None:
        """The features have passed `check_features`. Of derived ones each comes after those that it is computed of.

        `conditions` are those of all filters, `derive` compiles what computes the derived features of an event type:
        without them nothing is recorded and derived, and the set tells where values stand.
        """
        self.version = version
        self.plans: Mapping[str, KindPlan] = plan_kinds(features, types)
        self.features = vector_order(features)
        """Those that are read of logs. After their values stand those of the graph, and then the derived ones."""
        self.graph = tuple(graph)
        self.derived = tuple(derived)
        self.layout = layout_of(self.features, [each.name for each in derived], self.graph)
        self.names = self.layout.names
        self.numbers = self.layout.numbers
        self.sums = tuple(place for place, each in enumerate(self.features) if each.aggregate is Aggregate.SUM)
        """The places of sums: no other value is larger."""
        self.of_places = self._hanging_on(each for each in self.features if each.aggregate is Aggregate.TRAVEL_SPEED)
        """The names of those that need the places of events, or hang on such."""
        self.of_days = self._hanging_on(each for each in self.features if each.by_day)
        """The names of those that need daily totals, or hang on such."""
        self.of_graph = self._hanging_on(self.graph)
        """The names of those that are read of the graph, or hang on such."""
        self.daily = tuple(self._daily())
        """The features of which logs have a part alone."""
        self.starts = _starts(self.plans)
        self._types = types
        self._conditions = conditions or {}
        self._derive = derive
        self._derivations: dict[str, Derivation | None] = {}
        self._recorders: dict[tuple[KindPlan, str], KindRecorder] = {}

    def _daily(self) -> Iterator[DailyFeature]:
        for place, each in enumerate(self.features):
            if each.by_day:
                yield DailyFeature(place, each, daily_stream(self.plans[each.kind], each))

    def is_money(self, feature: Feature) -> bool:
        """Tells whether a feature aggregates amounts of money."""
        columns = self.plans[feature.kind].numbers
        return any(column.field == feature.field and column.money for column in columns)

    def columns(self, plan: KindPlan) -> tuple[int, ...]:
        """Returns the columns of the store that have the first field of a kind of key, in the types that it counts."""
        found = {self._types[name].columns.get(plan.key[0]) for name in plan.types}
        return tuple(sorted(column for column in found if column is not None))

    def part(self, names: Collection[str]) -> FeatureSet:
        """Returns a set of some of the features, and of those that they are computed of."""
        wanted = set(names)
        for each in reversed(self.derived):
            if each.name in wanted:
                wanted |= references(each.tree)
        chosen = [feature for feature in self.features if feature.name in wanted]
        derived = [each for each in self.derived if each.name in wanted]
        graph = [feature for feature in self.graph if feature.name in wanted]
        return FeatureSet(self.version, chosen, self._types, self._conditions, derived, self._derive, graph)

    def _hanging_on(self, features: Iterable[Feature | GraphFeature]) -> frozenset[str]:
        """Returns the names of features, and of those that are computed of them."""
        found = {each.name for each in features}
        for each in self.derived:
            if not references(each.tree).isdisjoint(found):
                found.add(each.name)
        return frozenset(found)

    def recorders(self, event_type: str) -> Sequence[KindRecorder]:
        """Returns what records the events of a type: for each kind that counts them, or whose features they read."""
        plans = [plan for plan in self.plans.values() if event_type in (*plan.types, *plan.readers)]
        return [self.recorder(plan, event_type) for plan in plans]

    def labelled(self, event_type: str, fields: Fields) -> Iterator[tuple[KindRecorder, str]]:
        """Yields which logs the labels of an event belong in: what records in them, and the value of their key."""
        for recorder in self.recorders(event_type):
            value = recorder.key(fields) if recorder.takes_labels else None
            if value is not None:
                yield recorder, value

    def recorder(self, plan: KindPlan, event_type: str) -> KindRecorder:
        """Returns what records the events of a type in the logs of a plan, which counts or reads them."""
        found = self._recorders.get((plan, event_type))
        if found is None:
            found = self._recorders[plan, event_type] = KindRecorder(plan, event_type, self._conditions)
        return found

    def derivation(self, event_type: str) -> Derivation | None:
        """Returns what computes the derived features of a type, None if it has none."""
        if not self.derived or self._derive is None:
            return None
        if event_type not in self._derivations:
            has_any = any(each.event_type == event_type for each in self.derived)
            self._derivations[event_type] = self._derive(self, event_type) if has_any else None
        return self._derivations[event_type]


def vector_order(features: Sequence[Feature]) -> tuple[Feature, ...]:
    """Returns features in the order of their values: kind by kind, so that what is read of a log stands together.

    Vectors that were stored are read by it: it can never be another one.
    """
    return tuple(feature for own in by_kind(features).values() for feature in own)


def _starts(plans: Mapping[str, KindPlan]) -> Mapping[KindPlan, int]:
    """Returns where the values of each kind begin."""
    starts, start = {}, 0
    for plan in plans.values():
        starts[plan] = start
        start += len(plan.features)
    return starts
