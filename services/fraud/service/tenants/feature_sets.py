"""Knows the features of tenants."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from functools import lru_cache
from typing import Protocol

from services.fraud.domain.declared.declaration import DeclaredFeatures
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.declaring import all_types
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.ports import EventTypes, FeatureReads
from services.fraud.service.tenants.configuration import Configurations
from services.fraud.service.tenants.features import TenantFeatures, feature_set_of

__all__ = [
    "SETS",
    "TENANTS_SET",
    "ConfiguredFeatures",
    "DeclaredSets",
    "FeatureSets",
    "FormerFeatures",
    "StarterFeatures",
]

STALE_SECONDS = 10.0
"""No event is recorded by a configuration that was the newest longer ago: logs are filled with that in mind."""
SETS = 500
TENANTS_SET = "t"
"""How the versions of sets begin that tenants have declared."""


class FeatureSets(Protocol):
    """The features of tenants, at hand."""

    async def prepare(self, tenants: Collection[str]) -> None:
        """Sees to it that the features of tenants are at hand, and not older than they may be.

        They are until something else is awaited. Raises MeshError UNAVAILABLE.
        """
        ...

    def of(self, tenant_id: str) -> TenantFeatures: ...


class FormerFeatures(Protocol):
    """The feature sets that decisions of tenants were ever made with."""

    async def version(self, tenant_id: str, version: str) -> FeatureSet | None:
        """Returns the set that decisions name, None if it is not known. Raises MeshError UNAVAILABLE."""
        ...


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


class DeclaredSets:
    """Implements `FormerFeatures`. The sets that were asked for last are at hand: none ever changes."""

    def __init__(self, features: FeatureReads, event_types: EventTypes) -> None:
        self._features = features
        self._event_types = event_types
        self._known: OrderedDict[tuple[str, str], FeatureSet] = OrderedDict()

    async def version(self, tenant_id: str, version: str) -> FeatureSet | None:
        if not version.startswith(TENANTS_SET):
            return STARTER if version == STARTER.version else None
        key = tenant_id, version
        known = self._known.get(key)
        if known is None:
            found = await self._features.numbered(tenant_id, int(version.removeprefix(TENANTS_SET)))
            if found is None:
                return None
            types = all_types(await self._event_types.all(tenant_id)).items()
            known = feature_set_of(found, {name: each.event_type for name, each in types})
            self._known[key] = known
        self._known.move_to_end(key)
        while len(self._known) > SETS:
            self._known.popitem(last=False)
        return known


class StarterFeatures:
    """Implements both for tenants that have declared nothing."""

    async def prepare(self, tenants: Collection[str]) -> None:
        return

    def of(self, tenant_id: str) -> TenantFeatures:
        return _starter(tenant_id)

    async def version(self, tenant_id: str, version: str) -> FeatureSet | None:
        return STARTER if version == STARTER.version else None


@lru_cache(maxsize=4_096)
def _starter(_: str) -> TenantFeatures:
    return TenantFeatures(DeclaredFeatures(), BUILT_IN)
