"""Keeps scenarios in memory. All views share the rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from meshkit.named_requests import Answered
from meshkit.storage.named_requests import MemoryClaims
from services.fraud.domain.scenarios.deployment import DeploymentMove
from services.fraud.domain.scenarios.publication import DeploymentState, ScenarioPolicy, Transition
from services.fraud.domain.scenarios.scenario import Scenario, ScenarioVersion, VersionRef
from services.fraud.domain.scenarios.snoozes import Snooze
from services.fraud.domain.scenarios.starter import first_deployment
from services.fraud.ports.scenarios import ScenarioChanges, SnoozePlace

__all__ = ["MemoryScenarioChanges", "MemoryScenarioRows", "MemoryScenarioWriter", "MemoryScenarios"]

_STILL = (DeploymentMove.REQUEST, DeploymentMove.REJECT)


@dataclass
class MemoryScenarioRows:
    """What the store holds, by tenant first."""

    scenarios: dict[tuple[str, str], Scenario] = field(default_factory=dict)
    versions: dict[tuple[str, VersionRef], ScenarioVersion] = field(default_factory=dict)
    deployments: dict[tuple[str, str], DeploymentState] = field(default_factory=dict)
    transitions: list[tuple[str, Transition]] = field(default_factory=list)
    policies: dict[str, ScenarioPolicy] = field(default_factory=dict)
    snoozes: dict[tuple[str, SnoozePlace], Snooze] = field(default_factory=dict)
    requests: dict[tuple[str, UUID], Answered] = field(default_factory=dict)


class MemoryScenarios:
    """Implements `ScenarioReads`."""

    def __init__(self, rows: MemoryScenarioRows) -> None:
        self._rows = rows

    async def get(self, tenant_id: str, scenario_id: str) -> Scenario | None:
        return self._rows.scenarios.get((tenant_id, scenario_id))

    async def page(self, tenant_id: str, after: str, limit: int) -> Sequence[Scenario]:
        mine = [each for (tenant, name), each in sorted(self._rows.scenarios.items(), key=lambda item: item[0])
                if tenant == tenant_id and name > after]  # fmt: skip
        return mine[:limit]

    async def version(self, tenant_id: str, ref: VersionRef) -> ScenarioVersion | None:
        return self._rows.versions.get((tenant_id, ref))

    async def versions(self, tenant_id: str, scenario_id: str, before: int, limit: int) -> Sequence[ScenarioVersion]:
        rows = sorted(self._rows.versions.items(), key=lambda item: -item[0][1].number)
        mine = [each for (tenant, ref), each in rows if (tenant, ref.scenario_id) == (tenant_id, scenario_id)]
        return [each for each in mine if each.number < before][:limit]

    async def last_moves(self, tenant_id: str, refs: Collection[VersionRef]) -> Mapping[VersionRef, DeploymentMove]:
        mine = [each for tenant, each in self._rows.transitions if tenant == tenant_id]
        return {each.ref: each.move for each in mine if each.ref in refs and each.move not in _STILL}

    async def deployments(self, tenant_id: str) -> Sequence[DeploymentState]:
        rows = sorted(self._rows.deployments.items(), key=lambda item: item[0])
        return [each for (tenant, _), each in rows if tenant == tenant_id]

    async def history(self, tenant_id: str, event_type: str, before: int, limit: int) -> Sequence[Transition]:
        rows = reversed(self._rows.transitions)
        mine = [each for tenant, each in rows if (tenant, each.event_type) == (tenant_id, event_type)]
        return [each for each in mine if each.number < before][:limit]

    async def policy(self, tenant_id: str) -> ScenarioPolicy:
        return self._rows.policies.get(tenant_id, ScenarioPolicy())

    async def snoozes(self, tenant_id: str, after: SnoozePlace, limit: int, now: datetime) -> Sequence[Snooze]:
        rows = sorted(self._rows.snoozes.items(), key=lambda item: item[0])
        mine = [each for (tenant, place), each in rows if tenant == tenant_id and place > after]
        return [each for each in mine if each.until > now][:limit]


class MemoryScenarioWriter:
    """Implements `ScenarioWriter`: one transaction at a time. `told` are the tenants of which processes were told."""

    def __init__(self, rows: MemoryScenarioRows) -> None:
        self._rows = rows
        self._lock = asyncio.Lock()
        self.told: list[str] = []

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[ScenarioChanges]:
        async with self._lock:
            before = {name: copy(rows) for name, rows in vars(self._rows).items()}
            changes = MemoryScenarioChanges(self._rows, tenant_id)
            try:
                yield changes
            except BaseException:
                vars(self._rows).update(before)
                raise
            self.told += [tenant_id] if changes.telling else []


class MemoryScenarioChanges(MemoryClaims):
    """Implements `ScenarioChanges`."""

    def __init__(self, rows: MemoryScenarioRows, tenant_id: str) -> None:
        super().__init__(rows.requests, tenant_id)
        self._rows = rows
        self.telling = False

    async def scenario(self, scenario_id: str) -> Scenario | None:
        return self._rows.scenarios.get((self._tenant_id, scenario_id))

    async def create(self, scenario: Scenario) -> bool:
        key = (self._tenant_id, scenario.scenario_id)
        return self._rows.scenarios.setdefault(key, scenario) is scenario

    async def save(self, scenario: Scenario) -> None:
        self._rows.scenarios[self._tenant_id, scenario.scenario_id] = scenario

    async def add_version(self, version: ScenarioVersion) -> None:
        self._rows.versions[self._tenant_id, version.ref] = version

    async def version(self, ref: VersionRef) -> ScenarioVersion | None:
        return self._rows.versions.get((self._tenant_id, ref))

    async def authors(self, scenario_id: str, after: int, until: int) -> frozenset[str]:
        mine = [each for (tenant, _), each in self._rows.versions.items() if tenant == self._tenant_id]
        meant = [each for each in mine if each.scenario_id == scenario_id and after < each.number <= until]
        return frozenset(author for each in meant for author in each.authors)

    async def deployment(self, event_type: str) -> DeploymentState:
        found = self._rows.deployments.get((self._tenant_id, event_type))
        return found or DeploymentState(event_type, first_deployment(event_type))

    async def deploy(self, state: DeploymentState, transition: Transition) -> None:
        self._rows.deployments[self._tenant_id, state.event_type] = state
        self._rows.transitions.append((self._tenant_id, transition))
        self.telling = True

    async def policy(self) -> ScenarioPolicy:
        return self._rows.policies.get(self._tenant_id, ScenarioPolicy())

    async def save_policy(self, policy: ScenarioPolicy) -> None:
        self._rows.policies[self._tenant_id] = policy
        self.telling = True

    async def snooze(self, snooze: Snooze, most: int) -> bool:
        place = SnoozePlace(snooze.rule_id, snooze.field, snooze.value)
        mine = [key for key, each in self._rows.snoozes.items() if key[0] == self._tenant_id]
        for key in mine:
            if self._rows.snoozes[key].until <= snooze.created_at:
                del self._rows.snoozes[key]
        others = [key for key in self._rows.snoozes if key[0] == self._tenant_id and key[1] != place]
        if len(others) >= most:
            return False
        self._rows.snoozes[self._tenant_id, place] = snooze
        self.telling = True
        return True

    async def wake(self, place: SnoozePlace) -> bool:
        if self._rows.snoozes.pop((self._tenant_id, place), None) is None:
            return False
        self.telling = True
        return True
