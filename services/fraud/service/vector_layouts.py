"""Knows what stands where in the feature vectors of stored decisions, whatever has become of the features."""

from __future__ import annotations

import logging
from collections import OrderedDict

from meshkit.errors import internal
from services.fraud.domain.declared.feature_set import vector_order
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.declared.vector import VectorLayout, layout_of
from services.fraud.ports import FeatureReads

__all__ = ["VectorLayouts"]

_log = logging.getLogger(__name__)

LAYOUTS = 1_000


class VectorLayouts:
    """The layouts of versions, of which the ones that were asked for last are at hand: none ever changes."""

    def __init__(self, features: FeatureReads) -> None:
        self._features = features
        self._known: OrderedDict[tuple[str, str], VectorLayout] = OrderedDict()

    async def of(self, tenant_id: str, version: str) -> VectorLayout:
        """Raises MeshError UNAVAILABLE, and INTERNAL for a set that is not there."""
        if not version.startswith("t"):
            return STARTER.layout
        key = tenant_id, version
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = await self._read(tenant_id, version)
            if len(self._known) > LAYOUTS:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return known

    async def _read(self, tenant_id: str, version: str) -> VectorLayout:
        found = await self._features.numbered(tenant_id, int(version.removeprefix("t")))
        if found is None:
            _log.error("a set of features is not there", extra={"fields": {"tenant": tenant_id, "version": version}})
            raise internal()
        return layout_of(vector_order(found.aggregates), [each.name for each, _ in found.derived])
