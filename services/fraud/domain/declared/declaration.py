"""What a tenant declares of features: each with what people say of it, all of them together in numbered sets.

A change makes the next set, and no set ever changes: decisions name the one that they were computed with. Set 0 is what
every tenant has before it declares anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import NamedTuple, TypeAlias

from services.fraud.domain.declared.feature import Feature
from services.fraud.domain.declared.graph import GraphFeature
from services.fraud.domain.declared.plan import KindPlan, plan_kinds
from services.fraud.domain.declared.starter import BASES, NEWEST_BASE
from services.fraud.domain.event_types import EventType

__all__ = ["DeclaredFeature", "DeclaredFeatures", "DeclaredSet", "Definition", "DerivedFeature", "log_name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedFeature:
    """A number that is computed of the fields of an event and of other features."""

    name: str
    event_type: str
    """Whose checks compute it."""
    expression: str


Definition: TypeAlias = Feature | DerivedFeature | GraphFeature


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredFeature:
    """A feature of a tenant. Only what people say of it can change."""

    definition: Definition
    tree: str = ""
    """The checked tree of its `where` or its expression, serialised; empty without any."""
    description: str = ""
    revision: int = 0
    """The number of the set with which it became what it is."""
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def name(self) -> str:
        return self.definition.name


@dataclass(frozen=True, slots=True)
class DeclaredSet:
    """All features of a tenant, in the order in which they were declared."""

    number: int = 0
    features: tuple[DeclaredFeature, ...] = ()
    since: Mapping[str, int] = field(default_factory=dict)
    """The number of the set since which the log of a kind is written as it is now; 0 for a kind that is left out."""
    base: str = NEWEST_BASE
    """Which features of those that every tenant has are in it."""

    @property
    def version(self) -> str:
        """What decisions call it."""
        return f"t{self.number}" if self.number else self.base

    @property
    def aggregates(self) -> Sequence[Feature]:
        """The features that are read of logs, those that every tenant has first."""
        own = [each.definition for each in self.features]
        return [*BASES[self.base], *(each for each in own if isinstance(each, Feature))]

    @property
    def graph(self) -> Sequence[GraphFeature]:
        """The features that are read of the graph."""
        return [each.definition for each in self.features if isinstance(each.definition, GraphFeature)]

    def read_by(self, event_type: str) -> Sequence[Feature | GraphFeature]:
        """Returns the features that the checks of a type read, of logs or of the graph."""
        found: Iterator[Feature | GraphFeature] = chain(self.aggregates, self.graph)
        return [each for each in found if each.event_type == event_type]

    @property
    def names(self) -> Collection[str]:
        """The names of all of them, also of those that every tenant has."""
        return {each.name for each in BASES[self.base]} | {each.name for each in self.features}

    @property
    def derived(self) -> Iterator[tuple[DerivedFeature, str]]:
        """Derived features with their trees. Each comes after those that it is computed of."""
        return ((each.definition, each.tree) for each in self.features if isinstance(each.definition, DerivedFeature))

    def following(self, features: Sequence[DeclaredFeature], types: Mapping[str, EventType]) -> DeclaredSet:
        """Returns the set after this one, with other features."""
        number = self.number + 1
        made = DeclaredSet(number, tuple(features))
        before, since = plan_kinds(self.aggregates, types), {}
        for kind, plan in plan_kinds(made.aggregates, types).items():
            old = before.get(kind)
            goes_on = old is not None and old.schema == plan.schema and old.retention_ms >= plan.retention_ms
            since[kind] = self.since.get(kind, 0) if goes_on else number
        return DeclaredSet(number, made.features, {kind: each for kind, each in since.items() if each})

    def rebuilt(self, types: Mapping[str, EventType]) -> DeclaredSet:
        """Returns the set after this one, with the same features and all logs begun anew."""
        number = self.number + 1
        return replace(self, number=number, since=dict.fromkeys(plan_kinds(self.aggregates, types), number))

    def dated(self, now: datetime) -> DeclaredSet:
        """Returns the set with the time of its beginning in the features that it brings."""
        features = [
            replace(each, created_at=each.created_at or now, updated_at=now) if each.revision == self.number else each
            for each in self.features
        ]
        return replace(self, features=tuple(features))


class DeclaredFeatures(NamedTuple):
    """The sets of a tenant that decisions go by (docs/features.md, "How a change takes effect")."""

    current: DeclaredSet = DeclaredSet()
    """The newest one, whose features are computed as far as the logs have what they need."""
    ready: DeclaredSet = DeclaredSet()
    """The newest one all of whose logs are whole: what is read."""
    former: DeclaredSet | None = None
    """What was ready before, and is read by processes that have not seen yet that another one is."""
    totalled: frozenset[int] = frozenset()
    """The streams of the current set whose daily totals are whole (see `daily`)."""
    linked: bool = False
    """Whether the graph is whole, if the current set has features of it."""

    @property
    def written(self) -> Sequence[DeclaredSet]:
        """The sets whose logs are written."""
        return [self.current, self.ready, *([self.former] if self.former is not None else [])]


def log_name(plan: KindPlan, since: int) -> str:
    """Names the logs of a plan: a log that was not written for a while is another one from then on."""
    return f"{plan.schema}.{since}" if since else plan.schema
