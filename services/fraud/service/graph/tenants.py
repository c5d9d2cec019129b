"""Finds the tenants that have features of the graph, and how their events link entities."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from time import monotonic

from services.fraud.domain.graph.links import EventLinks
from services.fraud.ports import FeatureHead, FeatureHeads
from services.fraud.service.tenants.feature_sets import FeatureSets

__all__ = ["GraphTenants"]


class GraphTenants:
    """Asks for the features of a tenant only where these have changed, as long as none of them is of the graph."""

    def __init__(self, heads: FeatureHeads, sets: FeatureSets, look_seconds: float) -> None:
        self._heads = heads
        self._sets = sets
        self._look_seconds = look_seconds
        self._looked = -inf
        self._links: Mapping[str, Mapping[str, EventLinks]] = {}
        self._without: dict[str, FeatureHead] = {}
        """Tenants without such features, and the sets of which that is known."""

    async def links(self) -> Mapping[str, Mapping[str, EventLinks]]:
        """Returns what links the events of each type, by tenant, as of seconds ago. Raises MeshError UNAVAILABLE."""
        if monotonic() - self._looked > self._look_seconds:
            self._links, self._looked = await self._look(), monotonic()
        return self._links

    async def _look(self) -> Mapping[str, Mapping[str, EventLinks]]:
        heads = await self._heads.all()
        self._without = {tenant: head for tenant, head in self._without.items() if tenant in heads}
        found: dict[str, Mapping[str, EventLinks]] = {}
        for tenant_id, (head, _) in heads.items():
            if self._without.get(tenant_id) == head:
                continue
            await self._sets.prepare([tenant_id])
            features = self._sets.of(tenant_id)
            if features.set.graph:
                found[tenant_id] = features.links
            elif features.head == head:
                self._without[tenant_id] = head
        return found
