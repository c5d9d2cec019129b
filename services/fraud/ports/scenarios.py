"""What scenarios need from their store. Every method raises MeshError UNAVAILABLE during an outage."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias

from meshkit.named_requests import Claims, Writer
from services.fraud.domain.event_types import FieldType
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.scenarios.breaker import OutcomeCounts
from services.fraud.domain.scenarios.deployment import DeploymentMove
from services.fraud.domain.scenarios.publication import DeploymentState, ScenarioPolicy, Transition
from services.fraud.domain.scenarios.scenario import Scenario, ScenarioVersion, VersionRef
from services.fraud.domain.scenarios.snoozes import Snooze

__all__ = [
    "BreakerCounts",
    "CountKey",
    "DeclaredScenarios",
    "ExpressionFault",
    "RuleChecker",
    "ScenarioChanges",
    "ScenarioReads",
    "ScenarioWriter",
    "SnoozePlace",
    "Vocabularies",
]


@dataclass(frozen=True, slots=True)
class DeclaredScenarios:
    """What decisions of a tenant go by, of scenarios."""

    deployments: Sequence[DeploymentState] = ()
    versions: Sequence[ScenarioVersion] = ()
    """Those of the deployments, with the ones that would take over."""
    snoozes: Sequence[Snooze] = ()
    """That are not over."""
    policy: ScenarioPolicy = field(default_factory=ScenarioPolicy)


class SnoozePlace(NamedTuple):
    """Names a snooze of a tenant. Snoozes are listed in this order."""

    rule_id: str = ""
    field: str = ""
    value: str = ""


class ScenarioReads(Protocol):
    """The scenarios of each tenant, as committed."""

    async def get(self, tenant_id: str, scenario_id: str) -> Scenario | None: ...

    async def page(self, tenant_id: str, after: str, limit: int) -> Sequence[Scenario]:
        """Returns at most `limit` scenarios whose identifiers come after `after`, in their order."""
        ...

    async def version(self, tenant_id: str, ref: VersionRef) -> ScenarioVersion | None: ...

    async def versions(self, tenant_id: str, scenario_id: str, before: int, limit: int) -> Sequence[ScenarioVersion]:
        """Returns at most `limit` versions, newest first, with numbers below `before`."""
        ...

    async def last_moves(self, tenant_id: str, refs: Collection[VersionRef]) -> Mapping[VersionRef, DeploymentMove]:
        """Returns the latest step that each of the versions took; one that took none is left out."""
        ...

    async def deployments(self, tenant_id: str) -> Sequence[DeploymentState]:
        """Returns what was ever deployed, by event type; a type of which nothing was is left out."""
        ...

    async def history(self, tenant_id: str, event_type: str, before: int, limit: int) -> Sequence[Transition]:
        """Returns at most `limit` transitions of an event type, newest first, with numbers below `before`."""
        ...

    async def policy(self, tenant_id: str) -> ScenarioPolicy: ...

    async def snoozes(self, tenant_id: str, after: SnoozePlace, limit: int, now: datetime) -> Sequence[Snooze]:
        """Returns at most `limit` snoozes that last beyond `now` and come after a place, in their order."""
        ...


class ScenarioChanges(Claims, Protocol):
    """One transaction on the scenarios of one tenant. What is read is locked until its end."""

    async def scenario(self, scenario_id: str) -> Scenario | None: ...

    async def create(self, scenario: Scenario) -> bool:
        """Stores a scenario; False if the tenant has one of that name."""
        ...

    async def save(self, scenario: Scenario) -> None:
        """Stores a scenario in the place of the one that was read."""
        ...

    async def add_version(self, version: ScenarioVersion) -> None:
        """Stores the next version of a scenario that was read."""
        ...

    async def version(self, ref: VersionRef) -> ScenarioVersion | None: ...

    async def authors(self, scenario_id: str, after: int, until: int) -> frozenset[str]:
        """Returns the authors of all versions with numbers above `after`, up to `until`."""
        ...

    async def deployment(self, event_type: str) -> DeploymentState:
        """Returns what is deployed, or what is at first."""
        ...

    async def deploy(self, state: DeploymentState, transition: Transition) -> None:
        """Stores what is deployed, with the transition that led there, and tells every process."""
        ...

    async def policy(self) -> ScenarioPolicy: ...

    async def save_policy(self, policy: ScenarioPolicy) -> None:
        """Stores the policy and tells every process."""
        ...

    async def snooze(self, snooze: Snooze, most: int) -> bool:
        """Stores a snooze, in the place of one of the same rule and key, and tells every process.

        False, and nothing stored, if as many as `most` others last beyond its creation.
        """
        ...

    async def wake(self, place: SnoozePlace) -> bool:
        """Ends a snooze and tells every process; False if there is none."""
        ...


ScenarioWriter: TypeAlias = Writer[ScenarioChanges]


class CountKey(NamedTuple):
    """A version that decides events of a type of a tenant."""

    tenant_id: str
    event_type: str
    ref: VersionRef


class BreakerCounts(Protocol):
    """What versions decided in each second, added up over all processes."""

    async def add(self, counts: Mapping[CountKey, Mapping[int, OutcomeCounts]]) -> None:
        """Stores what this process has counted in seconds, in the place of what it stored of these seconds before."""
        ...

    async def read(self, keys: Collection[CountKey], since: int) -> Mapping[CountKey, Mapping[int, OutcomeCounts]]:
        """Returns the latest seconds of each, at most 200 of them, none before `since`."""
        ...

    async def prune(self, before: int) -> int:
        """Deletes a slice of the counts of seconds before one, of all tenants, and returns how many."""
        ...


@dataclass(frozen=True, slots=True)
class ExpressionFault:
    """What is wrong with an expression, where, in words."""

    line: int
    column: int
    message: str


class RuleChecker(Protocol):
    """Checks expressions of rules against the names that they may use."""

    def check(self, text: str, variables: Mapping[str, ValueKind]) -> str | Sequence[ExpressionFault]:
        """Returns the checked tree, serialised, or what is wrong with the text."""
        ...


class Vocabularies(Protocol):
    """The names that rules may use."""

    async def variables(self, tenant_id: str, event_type: str) -> Mapping[str, ValueKind] | None:
        """Returns the names for events of a type with their kinds, None if the tenant has no such type."""
        ...

    async def keys(self, tenant_id: str) -> Mapping[str, FieldType]:
        """Returns the keys of all event types of the tenant, with what they hold."""
        ...
