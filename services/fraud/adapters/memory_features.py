"""Keeps the features of tenants in memory: the twin of the adapters on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from meshkit.storage.named_requests import MemoryClaims
from services.fraud.adapters.memory_event_types import MemoryDeclarations
from services.fraud.adapters.memory_scenarios import MemoryScenarioRows
from services.fraud.domain.declared.declaration import DeclaredFeatures, DeclaredSet
from services.fraud.domain.declaring import DeclaredType
from services.fraud.ports import Declarations, FeatureChanges, FeatureHead, UsingContent

__all__ = ["MemoryFeatureChanges", "MemoryFeatureHeads", "MemoryFeatureWriter", "MemoryFeatures"]


class MemoryFeatures:
    """Implements `FeatureReads`. The sets of before are kept here."""

    def __init__(self, declarations: MemoryDeclarations) -> None:
        self.declarations = declarations
        self.sets: dict[tuple[str, int], DeclaredSet] = {}

    async def declared(self, tenant_id: str) -> DeclaredFeatures:
        return (await self.declarations.read(tenant_id)).features

    async def numbered(self, tenant_id: str, number: int) -> DeclaredSet | None:
        self.declarations.check()
        return self.sets.get((tenant_id, number))


class MemoryFeatureWriter:
    """Implements `FeatureWriter`: one transaction at a time."""

    def __init__(self, features: MemoryFeatures, scenarios: MemoryScenarioRows | None = None) -> None:
        self._features = features
        self._scenarios = scenarios or MemoryScenarioRows()
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[FeatureChanges]:
        async with self._lock:
            store, sets = self._features.declarations, dict(self._features.sets)
            store.check()
            declared, requests = dict(store.declared), dict(store.requests)
            try:
                yield MemoryFeatureChanges(self._features, self._scenarios, tenant_id)
            except BaseException:
                store.declared, store.requests, self._features.sets = declared, requests, sets
                raise
            if store.declared != declared:
                store.on_change(tenant_id)


class MemoryFeatureChanges(MemoryClaims):
    """Implements `FeatureChanges`."""

    def __init__(self, features: MemoryFeatures, scenarios: MemoryScenarioRows, tenant_id: str) -> None:
        super().__init__(features.declarations.requests, tenant_id)
        self._features = features
        self._scenarios = scenarios

    async def declared(self) -> DeclaredFeatures:
        return self._features.declarations.of(self._tenant_id).features

    async def event_types(self) -> Sequence[DeclaredType]:
        return self._features.declarations.of(self._tenant_id).event_types

    async def contents(self) -> Sequence[UsingContent]:
        rows, tenant = self._scenarios, self._tenant_id
        drafts = [each for (owner, _), each in sorted(rows.scenarios.items(), key=lambda item: item[0])
                  if owner == tenant]  # fmt: skip
        states = [state for (owner, _), state in rows.deployments.items() if owner == tenant]
        refs = sorted({ref for state in states for ref in state.deployment.at_hand})
        versions = [rows.versions[tenant, ref] for ref in refs if (tenant, ref) in rows.versions]
        return [
            *(UsingContent(f"the draft of scenario {each.scenario_id}", each.draft) for each in drafts),
            *(UsingContent(f"version {each.number} of scenario {each.scenario_id}", each.content) for each in versions),
        ]

    async def put(self, following: DeclaredSet) -> DeclaredSet:
        stored = following.dated(datetime.now(UTC))
        self._features.sets[self._tenant_id, stored.number] = stored
        before = self._features.declarations.of(self._tenant_id)
        _keep(self._features, self._tenant_id, before, before.features._replace(current=stored))
        return stored


class MemoryFeatureHeads:
    """Implements `FeatureHeads`. `settled` says whether every process goes by what was changed last."""

    def __init__(self, features: MemoryFeatures, *, settled: bool = True) -> None:
        self._features = features
        self.settled = settled

    async def all(self) -> Mapping[str, tuple[FeatureHead, bool]]:
        self._features.declarations.check()
        declared = self._features.declarations.declared
        return {
            tenant: (FeatureHead.of(each.features), self.settled)
            for tenant, each in declared.items()
            if each.features.current.number
        }

    async def move(self, tenant_id: str, before: FeatureHead, after: FeatureHead) -> bool:
        self._features.declarations.check()
        found = self._features.declarations.of(tenant_id)
        if FeatureHead.of(found.features) != before:
            return False
        current, ready, former = (
            None if number is None else self._features.sets.get((tenant_id, number), DeclaredSet()) for number in after
        )
        assert current is not None and ready is not None, "only the former one may be none"
        after_move = DeclaredFeatures(current, ready, former, found.features.totalled, found.features.linked)
        _keep(self._features, tenant_id, found, after_move)
        self._features.declarations.on_change(tenant_id)
        return True


def _keep(features: MemoryFeatures, tenant_id: str, before: Declarations, after: DeclaredFeatures) -> None:
    declared = replace(before, revision=before.revision + 1, features=after)
    features.declarations.declared[tenant_id] = declared
