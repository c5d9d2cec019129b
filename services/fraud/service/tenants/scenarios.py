"""What a tenant's decisions go by, of scenarios: which version decides an event, which look on, what is snoozed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from services.fraud.domain.expressions.generate import NO_PATTERNS, Patterns
from services.fraud.domain.scenarios.compiled import CompiledScenario
from services.fraud.domain.scenarios.deployment import Deployment
from services.fraud.domain.scenarios.scenario import ScenarioVersion, VersionRef
from services.fraud.domain.scenarios.snoozes import Snoozes
from services.fraud.domain.scenarios.starter import first_deployment
from services.fraud.domain.scenarios.traffic import part_of
from services.fraud.ports.scenarios import DeclaredScenarios
from services.fraud.service.scenarios.breaking import Guarded
from services.fraud.service.scenarios.drafts import BUILT_IN

__all__ = ["Deciding", "TenantScenarios"]

COMPILED = 512
"""Versions that a process keeps compiled, of all tenants."""


class Deciding(NamedTuple):
    """What decides an event."""

    version: CompiledScenario | None
    """None if no rule decides: then the prior does alone."""
    shadows: Sequence[CompiledScenario]


class TenantScenarios:
    """The scenarios of one tenant at one revision of its configuration."""

    def __init__(self, declared: DeclaredScenarios, patterns: Patterns = NO_PATTERNS) -> None:
        """Compiles what is not compiled yet. Raises ValueError or KeyError for a version that cannot be."""
        self._deployments = {each.event_type: each.deployment for each in declared.deployments}
        self._versions = {each.ref: _compiled(each, patterns) for each in (BUILT_IN, *declared.versions)}
        self._alone: dict[str, Deciding] = {}
        """What decides all events of a type, where no version has a share of them."""
        self._limits = declared.policy.limits
        self.models = frozenset(
            version.model
            for each in self._deployments.values()
            for ref in each.at_hand
            if (version := self._versions.get(ref)) is not None and version.model is not None
        )
        """What versions that decide, or look on, want to be scored by."""
        self.snoozes = Snoozes(declared.snoozes)

    def deciding(self, tenant_id: str, event_type: str, key: str) -> Deciding:
        """Returns what decides an event. `key` is what its person's events have in common, or names the event."""
        alone = self._alone.get(event_type)
        if alone is not None:
            return alone
        deployment = self._deployment(event_type)
        part = part_of(tenant_id, event_type, key) if deployment.share is not None else 0
        shadows = [self._versions[ref] for ref in deployment.shadows if ref in self._versions]
        found = Deciding(self._version(deployment.decides(part)), shadows)
        if deployment.share is None:
            self._alone[event_type] = found
        return found

    def guarded(self, event_type: str) -> Guarded:
        """Returns what the breaker goes by."""
        return Guarded(self._deployment(event_type), self._limits)

    def _deployment(self, event_type: str) -> Deployment:
        return self._deployments.get(event_type) or first_deployment(event_type)

    def _version(self, ref: VersionRef | None) -> CompiledScenario | None:
        return self._versions.get(ref) if ref is not None else None


@lru_cache(COMPILED)
def _compiled(version: ScenarioVersion, patterns: Patterns) -> CompiledScenario:
    return CompiledScenario(version.ref, version.content, version.trees, patterns)
