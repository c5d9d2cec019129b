"""The features of one tenant, compiled: where its events are recorded, and what is read there."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from meshkit.currencies import DIGITS
from services.fraud.domain.declared.conditions import condition_of
from services.fraud.domain.declared.declaration import DeclaredFeatures, DeclaredSet
from services.fraud.domain.declared.feature import Feature
from services.fraud.domain.declared.feature_set import DailyFeature, Derivation, DerivedTree, FeatureSet
from services.fraud.domain.declared.graph import GraphFeature
from services.fraud.domain.declared.plan import KindFilter, KindPlan, filter_of
from services.fraud.domain.declared.recording import Condition, KindRecorder
from services.fraud.domain.declared.written import NOT_READ, filled_logs, written_logs
from services.fraud.domain.event_types import EventType
from services.fraud.domain.expressions.generate import NO_PATTERNS, Patterns
from services.fraud.domain.expressions.tree import Tree, tree_from_json
from services.fraud.domain.graph.links import EventLinks
from services.fraud.domain.logs.compiled import compile_plan
from services.fraud.domain.scenarios.deriving import Deriving
from services.fraud.ports import FeatureHead, LogStream

__all__ = ["DailyReading", "GraphReading", "Recording", "TenantFeatures", "conditions_of", "feature_set_of"]


class Recording(NamedTuple):
    """What records an event, and where."""

    recorder: KindRecorder
    stream: LogStream
    start: int
    """Where what is read there stands among the values of the features, NOT_READ if nothing is read."""

    @property
    def is_read(self) -> bool:
        return self.start != NOT_READ


class DailyReading(NamedTuple):
    """Features over more than 30 days that the checks of a type have, and that read the same daily totals."""

    stream: int
    recorder: KindRecorder
    """Tells the value of their key."""
    is_whole: bool
    """False while the totals are not."""
    features: Sequence[DailyFeature]


class GraphReading(NamedTuple):
    """A feature of the graph that the checks of a type have."""

    place: int
    """Of its value."""
    feature: GraphFeature


class TenantFeatures:
    """What the features of a tenant are at one revision of its configuration."""

    def __init__(
        self, declared: DeclaredFeatures, types: Mapping[str, EventType], patterns: Patterns = NO_PATTERNS
    ) -> None:
        """Raises ValueError or KeyError for expressions that cannot be compiled."""
        self.head = FeatureHead.of(declared)
        self.set = feature_set_of(declared.current, types, conditions_of(declared.written, patterns), patterns)
        self.logs = written_logs(declared, types)
        self.placed = frozenset(
            name for log in self.logs if log.plan.has_place for name in (*log.plan.types, *log.plan.readers)
        )
        """The event types whose records have the place of their event."""
        self.labelled = any(log.plan.labelled for log in self.logs)
        """Whether any log is told of labels."""
        self.links = {name: EventLinks(each) for name, each in types.items()} if self.set.graph else {}
        """What links the entities of events in the graph; nothing without features of it."""
        self.linked = declared.linked
        """Whether the graph is whole."""
        self._filled = filled_logs(declared, types)
        self._types = types
        self._totalled = declared.totalled
        self._daily: dict[str, Sequence[DailyReading]] = {}
        self._recordings: dict[tuple[str, str], Sequence[Recording]] = {}
        # Now, and not when the first check wants to read something.
        for log in self.logs:
            if log.start != NOT_READ:
                compile_plan(log.plan)
        for name in types:
            self.set.derivation(name)
        self._graph: dict[str, list[GraphReading]] = {}
        for place, each in enumerate(self.set.graph, len(self.set.features)):
            self._graph.setdefault(each.event_type, []).append(GraphReading(place, each))

    def recordings(self, tenant_id: str, event_type: str) -> Sequence[Recording]:
        """Returns where the events of a type are recorded. `tenant_id` is always the same."""
        found = self._recordings.get((tenant_id, event_type))
        if found is None:
            found = [
                Recording(self.set.recorder(log.plan, event_type), LogStream(tenant_id, log.name), log.start)
                for log in self.logs
                if event_type in log.plan.types or (event_type in log.plan.readers and log.start != NOT_READ)
            ]
            if event_type in self._types:
                self._recordings[tenant_id, event_type] = found
        return found

    def labelled_recordings(self, tenant_id: str, event_type: str) -> Sequence[Recording]:
        """Returns those logs of the events of a type that are told of labels."""
        found = self.recordings(tenant_id, event_type) if self.labelled else ()
        return [each for each in found if each.recorder.takes_labels]

    def daily(self, event_type: str) -> Sequence[DailyReading]:
        """Returns the features over more than 30 days that the checks of a type have."""
        if not self.set.daily:
            return ()
        found = self._daily.get(event_type)
        if found is None:
            found = list(self._readings(event_type))
            if event_type in self._types:
                self._daily[event_type] = found
        return found

    def graph(self, event_type: str) -> Sequence[GraphReading]:
        """Returns the features of the graph that the checks of a type have."""
        return self._graph.get(event_type, ())

    def _readings(self, event_type: str) -> Iterator[DailyReading]:
        streams: dict[int, list[DailyFeature]] = {}
        for each in self.set.daily:
            if each.feature.event_type == event_type:
                streams.setdefault(each.stream.number, []).append(each)
        for stream, features in streams.items():
            recorder = self.set.recorder(self.set.plans[features[0].feature.kind], event_type)
            yield DailyReading(stream, recorder, stream in self._totalled, features)

    def streams(self, tenant_id: str) -> Mapping[LogStream, KindPlan]:
        """Returns all logs that events are recorded in."""
        return {LogStream(tenant_id, log.name): log.plan for log in self.logs}

    def filled(self, tenant_id: str) -> Collection[LogStream]:
        """Returns those of the logs that have to be filled before anything can be read of them."""
        return {LogStream(tenant_id, name) for name in self._filled}


def feature_set_of(
    declared: DeclaredSet,
    types: Mapping[str, EventType],
    conditions: Mapping[KindFilter, Condition] | None = None,
    patterns: Patterns = NO_PATTERNS,
) -> FeatureSet:
    """Compiles a set. Without conditions of its filters it tells where values stand, and records nothing."""

    def derive(features: FeatureSet, event_type: str) -> Derivation:
        return Deriving(features, types[event_type], DIGITS, patterns)

    derived = [DerivedTree(each.name, each.event_type, _tree(tree)) for each, tree in declared.derived]
    return FeatureSet(declared.version, declared.aggregates, types, conditions, derived, derive, declared.graph)


def conditions_of(sets: Iterable[DeclaredSet], patterns: Patterns) -> Mapping[KindFilter, Condition]:
    """Compiles the conditions of all filters of some sets."""
    found: dict[KindFilter, Condition] = {}
    for each in (each for of in sets for each in of.features):
        definition = each.definition
        if isinstance(definition, Feature) and definition.where and filter_of(definition) not in found:
            found[filter_of(definition)] = condition_of(_tree(each.tree), DIGITS, patterns)
    return found


def _tree(text: str) -> Tree:
    return tree_from_json(json.loads(text))
