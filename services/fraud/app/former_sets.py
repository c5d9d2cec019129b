"""Reads the feature sets that stored values of a tenant may be of, for processes of their own."""

from __future__ import annotations

from collections.abc import Mapping

from meshkit.storage import postgres
from meshkit.storage.reads import Reads
from services.fraud.adapters.postgres_event_types import PostgresEventTypes
from services.fraud.adapters.postgres_features import PostgresFeatures
from services.fraud.domain.backtests.past import BUILT_IN_SETS
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.service.tenants.feature_sets import SETS, DeclaredSets

__all__ = ["former_sets"]


async def former_sets(pool: postgres.Pool, tenant_id: str, newest: int) -> Mapping[str, FeatureSet]:
    """Returns the sets that stored values may be of: those of all tenants, and the last ones of this."""
    reads = Reads(pool)
    declared = DeclaredSets(PostgresFeatures(reads), PostgresEventTypes(reads))
    found = dict(BUILT_IN_SETS)
    for number in range(max(1, newest - SETS + 1), newest + 1):
        features = await declared.version(tenant_id, f"t{number}")
        if features is not None:
            found[features.version] = features
    return found
