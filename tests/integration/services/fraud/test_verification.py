"""Stored values of features are computed anew as they were, and what differs is found with its cause."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from rampart.fraud.v1 import decision_pb2
from redis.asyncio import Redis

from meshkit.storage.postgres import Pool, transaction
from meshkit.storage.reads import Reads
from services.fraud.adapters.child_verifications import ChildVerifications
from services.fraud.adapters.postgres_features import PostgresFeatures
from services.fraud.adapters.postgres_recorded import PostgresRecorded
from services.fraud.convert.seals import sealed_to_record
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.domain.check import Check
from services.fraud.domain.verification.recorded import Cause, Difference
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.ports.verification import VerificationOrder, VerificationSummary
from services.fraud.service.feature_sets import StarterFeatures
from services.fraud.service.log_witness import LoggedWitness
from services.fraud.service.verified_sets import verified_sets
from services.fraud.service.verify_run import VerifyRun
from tests.support.engine import Engine, engines
from tests.support.fraud import check, milliseconds
from tests.support.readers import logs_in, settled
from tests.support.servers import Database

LONG = timedelta(days=31)


class Verified(NamedTuple):
    """What a verification has found."""

    differences: Sequence[Difference]
    summary: VerificationSummary

    @property
    def causes(self) -> set[Cause]:
        return {each.cause for each in self.differences}


def order(tenant: str, *features: str) -> VerificationOrder:
    now = datetime.now(UTC)
    return VerificationOrder(
        tenant_id=tenant, since=now - timedelta(hours=1), until=now + timedelta(seconds=1), features=features
    )


async def verify(pool: Pool, redis: Redis, tenant: str, *only: str) -> Verified:
    asked, checks, types = order(tenant, *only), PostgresRecorded(pool, 400), dict(BUILT_IN)
    extent = await checks.extent(tenant, asked.since, asked.until)
    features = PostgresFeatures(Reads(pool))
    sets = await verified_sets(features, tenant, types, extent.sets, asked.features, compile_pattern)
    witness = LoggedWitness(logs_in(redis, pool), tenant, StarterFeatures().of(tenant))
    run = VerifyRun(asked, checks=checks, extent=extent, sets=sets.sets, union=sets.union, witness=witness)
    news = [each async for each in run.run()]
    assert isinstance(news[-1], VerificationSummary)
    return Verified([each for each in news if isinstance(each, Difference)], news[-1])


def stream(seed: int, tenant: str, count: int) -> Sequence[Check]:
    """Returns payments of a few users, some of them late, in several currencies."""
    choice, now = random.Random(seed), milliseconds(datetime.now(UTC))
    return [
        check(
            tenant, f"{seed}-{n}", user_id=f"u{choice.randrange(4)}", device=f"d{choice.randrange(3)}",
            merchant=f"m{choice.randrange(2)}", currency=choice.choice(["USD", "USD", "EUR"]),
            amount_minor=choice.randrange(1, 9_999),
            event_time=None if n % 5 == 0 else now - choice.choice([0, 1, 30, 4_000, 90_000, 20 * 86_400]) * timedelta(seconds=1),
        )
        for n in range(count)
    ]  # fmt: skip


async def decide_all(started: Sequence[Engine], checks: Sequence[Check], at_once: int = 7) -> None:
    """Decides in batches on all processes at once, each tenth check twice."""
    twice = [each for n, each in enumerate(checks) for _ in range(2 if n % 10 == 0 else 1)]
    batches = [twice[start : start + at_once] for start in range(0, len(twice), at_once)]
    for start in range(0, len(batches), 6):
        group = batches[start : start + 6]
        await asyncio.gather(*[started[n % len(started)].decide(*each) for n, each in enumerate(group)])


async def test_what_two_processes_decide_is_computed_anew_as_it_was(
    redis: Redis, pool: Pool, fraud_database: Database, tenant: str
) -> None:
    async with engines(fraud_database, redis, redis) as started:
        await decide_all(started, stream(1, tenant, 400))
    found = await verify(pool, redis, tenant)
    assert found.differences == []
    assert (found.summary.decisions, found.summary.skipped) == (400, 0)
    assert found.summary.values == 400 * 39
