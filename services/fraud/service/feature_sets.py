"""Knows the features of tenants."""

from __future__ import annotations

from typing import Protocol

from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.starter import STARTER

__all__ = ["FeatureSets", "StarterFeatures"]


class FeatureSets(Protocol):
    """The feature sets of tenants, at hand."""

    def of(self, tenant_id: str) -> FeatureSet: ...


class StarterFeatures:
    """The features that every tenant has."""

    def of(self, tenant_id: str) -> FeatureSet:
        return STARTER
