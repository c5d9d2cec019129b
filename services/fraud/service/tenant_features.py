"""The features of one tenant, compiled: where its events are recorded, what is read there and computed of that."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from meshkit.currencies import DIGITS
from services.fraud.domain.declared.conditions import condition_of
from services.fraud.domain.declared.declaration import DeclaredFeatures
from services.fraud.domain.declared.feature import Feature
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.plan import KindFilter, KindPlan, filter_of
from services.fraud.domain.declared.recording import Condition, KindRecorder
from services.fraud.domain.declared.written import NOT_READ, filled_logs, written_logs
from services.fraud.domain.event_types import EventType
from services.fraud.domain.expressions.generate import NO_PATTERNS, Patterns
from services.fraud.domain.expressions.tree import Tree, tree_from_json
from services.fraud.domain.logs.compiled import compile_plan
from services.fraud.domain.scenarios.deriving import Deriving
from services.fraud.ports import FeatureHead, LogStream

__all__ = ["Recording", "TenantFeatures"]


class Recording(NamedTuple):
    """What records an event, and where."""

    recorder: KindRecorder
    stream: LogStream
    start: int
    """Where what is read there stands among the values of the features, NOT_READ if nothing is read."""

    @property
    def is_read(self) -> bool:
        return self.start != NOT_READ


class TenantFeatures:
    """What the features of a tenant are at one revision of its configuration."""

    def __init__(
        self, declared: DeclaredFeatures, types: Mapping[str, EventType], patterns: Patterns = NO_PATTERNS
    ) -> None:
        """Raises ValueError or KeyError for expressions that cannot be compiled."""
        current = declared.current
        derived = list(current.derived)
        self.head = FeatureHead.of(declared)
        self.set = FeatureSet(current.version, current.aggregates, types, [each.name for each, _ in derived])
        self.logs = written_logs(declared, types)
        for log in self.logs:
            if log.start != NOT_READ:
                # Now, and not when the first check wants to read it.
                compile_plan(log.plan)
        self._filled = filled_logs(declared, types)
        self._conditions = _conditions(declared, patterns)
        self._types = types
        self._recorders: dict[tuple[KindPlan, str], KindRecorder] = {}
        self._recordings: dict[tuple[str, str], Sequence[Recording]] = {}
        trees: dict[str, dict[str, Tree]] = {}
        for each, tree in derived:
            trees.setdefault(each.event_type, {})[each.name] = _tree(tree)
        self._deriving = {
            name: Deriving(of_type, types[name], self.set, DIGITS, patterns) for name, of_type in trees.items()
        }

    def recordings(self, tenant_id: str, event_type: str) -> Sequence[Recording]:
        """Returns where the events of a type are recorded. `tenant_id` is always the same."""
        found = self._recordings.get((tenant_id, event_type))
        if found is None:
            found = [
                Recording(self.recorder(log.plan, event_type), LogStream(tenant_id, log.name), log.start)
                for log in self.logs
                if event_type in log.plan.types or (event_type in log.plan.readers and log.start != NOT_READ)
            ]
            if event_type in self._types:
                self._recordings[tenant_id, event_type] = found
        return found

    def recorder(self, plan: KindPlan, event_type: str) -> KindRecorder:
        """Returns what records the events of a type in the logs of a plan, which counts or reads them."""
        found = self._recorders.get((plan, event_type))
        if found is None:
            found = self._recorders[plan, event_type] = KindRecorder(plan, event_type, self._conditions)
        return found

    def columns(self, plan: KindPlan) -> tuple[int, ...]:
        """Returns the columns of the store that have the first field of a kind of key, in the types that it counts."""
        found = {self._types[name].columns.get(plan.key[0]) for name in plan.types}
        return tuple(sorted(column for column in found if column is not None))

    def deriving(self, event_type: str) -> Deriving | None:
        """Returns what computes the derived features of a type, None if it has none."""
        return self._deriving.get(event_type)

    def streams(self, tenant_id: str) -> Mapping[LogStream, KindPlan]:
        """Returns all logs that events are recorded in."""
        return {LogStream(tenant_id, log.name): log.plan for log in self.logs}

    def filled(self, tenant_id: str) -> Collection[LogStream]:
        """Returns those of the logs that have to be filled before anything can be read of them."""
        return {LogStream(tenant_id, name) for name in self._filled}


def _conditions(declared: DeclaredFeatures, patterns: Patterns) -> Mapping[KindFilter, Condition]:
    found: dict[KindFilter, Condition] = {}
    for each in (each for of in declared.written for each in of.features):
        definition = each.definition
        if isinstance(definition, Feature) and definition.where and filter_of(definition) not in found:
            found[filter_of(definition)] = condition_of(_tree(each.tree), DIGITS, patterns)
    return found


def _tree(text: str) -> Tree:
    return tree_from_json(json.loads(text))
