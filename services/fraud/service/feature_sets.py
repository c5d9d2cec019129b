"""Knows the features of tenants."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Protocol

from services.fraud.domain.declared.declaration import DeclaredFeatures
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.service.configuration import Configurations
from services.fraud.service.tenant_features import TenantFeatures

__all__ = ["ConfiguredFeatures", "FeatureSets", "StarterFeatures"]

STALE_SECONDS = 10.0
"""No event is recorded by a configuration that was the newest longer ago: logs are filled with that in mind."""


class FeatureSets(Protocol):
    """The features of tenants, at hand."""

    async def prepare(self, tenants: Collection[str]) -> None:
        """Sees to it that the features of tenants are at hand, and not older than they may be.

        They are until something else is awaited. Raises MeshError UNAVAILABLE.
        """
        ...

    def of(self, tenant_id: str) -> TenantFeatures: ...


class ConfiguredFeatures:
    """Implements `FeatureSets` on what tenants have declared."""

    def __init__(self, configurations: Configurations, stale_seconds: float = STALE_SECONDS) -> None:
        self._configurations = configurations
        self._stale_seconds = stale_seconds

    async def prepare(self, tenants: Collection[str]) -> None:
        await self._configurations.assure(self._stale_seconds)
        for tenant_id in tenants:
            await self._configurations.of(tenant_id)

    def of(self, tenant_id: str) -> TenantFeatures:
        return self._configurations.at_hand(tenant_id).features


class StarterFeatures:
    """Implements `FeatureSets` for tenants that have declared nothing."""

    async def prepare(self, tenants: Collection[str]) -> None:
        return

    def of(self, tenant_id: str) -> TenantFeatures:
        return _starter(tenant_id)


@lru_cache(maxsize=4_096)
def _starter(_: str) -> TenantFeatures:
    return TenantFeatures(DeclaredFeatures(), BUILT_IN)
