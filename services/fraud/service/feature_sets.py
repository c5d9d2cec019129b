"""Knows the features of tenants."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol, TypeAlias

from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.recording import KindRecorder
from services.fraud.domain.declared.starter import STARTER
from services.fraud.ports import LogStream

__all__ = ["FeatureSets", "FormerFeatures", "StarterFeatures", "Streams"]

Streams: TypeAlias = Sequence[tuple[KindRecorder, LogStream]]
"""What records an event, and where."""


class FeatureSets(Protocol):
    """The feature sets of tenants, at hand."""

    def of(self, tenant_id: str) -> FeatureSet: ...

    def streams(self, tenant_id: str, event_type: str) -> Streams:
        """Returns where the events of a type are recorded."""
        ...


class FormerFeatures(Protocol):
    """The feature sets that decisions of tenants were ever made with."""

    async def version(self, tenant_id: str, version: str) -> FeatureSet | None:
        """Returns the set that decisions name, None if it is not known. Raises MeshError UNAVAILABLE."""
        ...


class StarterFeatures:
    """The features that every tenant has."""

    def of(self, tenant_id: str) -> FeatureSet:
        return STARTER

    async def version(self, tenant_id: str, version: str) -> FeatureSet | None:
        return STARTER if version == STARTER.version else None

    def streams(self, tenant_id: str, event_type: str) -> Streams:
        return _streams(tenant_id, event_type)


@lru_cache(maxsize=16_384)
def _streams(tenant_id: str, event_type: str) -> Streams:
    return [(each, LogStream(tenant_id, each.plan.schema)) for each in STARTER.recorders(event_type)]
