"""Verifies stored values of features, as the process of a verification does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from meshkit.storage.postgres import Pool
from meshkit.storage.reads import Reads
from services.fraud.adapters.postgres_features import PostgresFeatures
from services.fraud.adapters.postgres_label_arrivals import PostgresLabelArrivals
from services.fraud.adapters.postgres_recorded import PostgresRecorded
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.domain.verification.recorded import Cause, ValueDifference
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.ports import EntityLogs
from services.fraud.ports.verification import VerificationOrder, VerificationSummary
from services.fraud.service.logs.witness import LoggedWitness
from services.fraud.service.tenants.feature_sets import FeatureSets, StarterFeatures
from services.fraud.service.verification.run import VerifyRun
from services.fraud.service.verification.sets import verified_sets

__all__ = ["Verified", "last_hour", "verify"]


class Verified(NamedTuple):
    """What a verification has found."""

    differences: Sequence[ValueDifference]
    summary: VerificationSummary

    @property
    def causes(self) -> set[Cause]:
        return {each.cause for each in self.differences}


def last_hour(tenant: str, *features: str) -> VerificationOrder:
    now = datetime.now(UTC)
    return VerificationOrder(
        tenant_id=tenant, since=now - timedelta(hours=1), until=now + timedelta(seconds=1), features=features
    )


async def verify(
    pool: Pool, logs: EntityLogs, tenant: str, *only: str, known: FeatureSets = StarterFeatures()
) -> Verified:
    """Verifies the decisions of the last hour."""
    await known.prepare([tenant])
    asked, checks, types = last_hour(tenant, *only), PostgresRecorded(pool, 400), dict(BUILT_IN)
    extent = await checks.extent(tenant, asked.since, asked.until)
    features = PostgresFeatures(Reads(pool))
    sets = await verified_sets(features, tenant, types, extent.sets, asked.features, compile_pattern)
    witness = LoggedWitness(logs, tenant, known.of(tenant))
    labels = PostgresLabelArrivals(pool)
    run = VerifyRun(
        asked, checks=checks, labels=labels, extent=extent, sets=sets.sets, union=sets.union, witness=witness
    )
    news = [each async for each in run.run()]
    assert isinstance(news[-1], VerificationSummary)
    return Verified([each for each in news if isinstance(each, ValueDifference)], news[-1])
