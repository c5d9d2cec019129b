"""Whatever one check brings, and whatever fails meanwhile: it alone fails, never a neighbour of another tenant."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from rampart.fraud.v1 import decision_pb2
from redis.asyncio import Redis
from services.fraud.adapters.redis_windows import READY, RedisWindows, subject
from services.fraud.domain.rules import Profile

from meshkit.apart import TravelsApart
from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError
from meshkit.storage.postgres import Pool
from services.fraud.adapters.memory import MemoryRates, MemoryRiskProfiles
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.domain.check import Check
from services.fraud.service.decider import CheckCall, Decider, Outcome
from services.fraud.service.judging import DecisionPolicy
from services.fraud.service.rates import ExchangeRates
from tests.support.fraud import check, decided, milliseconds, new_tenant, principal
from tests.support.servers import Database
from tests.support.windows import make_ready

HUGE = 2**62
"""Twice as much is more than a stored feature holds."""
FIRST_DAY = datetime(1, 1, 1, tzinfo=UTC)
TRIGGER = """
CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'no such user' USING ERRCODE = 'check_violation'; END $$;
CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON decisions
    FOR EACH ROW WHEN (NEW.user_id = 'refused by the store') EXECUTE FUNCTION refuse();
"""


class Profiles(MemoryRiskProfiles):
    """Cannot bear one user."""

    async def read(self, calls: Sequence[tuple[CallContext, str, str]]) -> Sequence[Profile | None]:
        if any(user == "unbearable" for _, _, user in calls):
            raise KeyError("unbearable")
        return await super().read(calls)


class Stack:
    """A decider on a real PostgreSQL and a real Valkey."""

    def __init__(self, redis: Redis, pool: Pool) -> None:
        self.redis = redis
        self.profiles = Profiles()
        self.windows = RedisWindows(redis, on_cold=lambda: None)
        self.store = PostgresStore(pool)
        self.decider = Decider(
            windows=self.windows,
            profiles=self.profiles,
            rates=ExchangeRates(MemoryRates()),
            store=self.store,
            policy=DecisionPolicy(frozenset()),
        )

    async def decide(self, *checks: Check) -> Sequence[Outcome | MeshError]:
        """Decides as the service does: what would hold up the others comes again apart."""
        calls = [call(each) for each in checks]
        answers = list(await self.decider.decide_prompt(calls))
        late = [place for place, answer in enumerate(answers) if isinstance(answer, TravelsApart)]
        for place, answer in zip(late, await self.decider.decide([calls[place] for place in late]), strict=True):
            answers[place] = answer
        return answers


def call(asked: Check) -> CheckCall:
    return CheckCall(asked, CallContext("r-1", principal=principal(asked.tenant_id, "fraud:backfill")))


@pytest.fixture
async def stack(redis: Redis, pool: Pool) -> Stack:
    # Connected: on a busy machine that takes longer than a check waits for a connection.
    await asyncio.gather(*[pool.fetchval("SELECT pg_sleep(0.05)") for _ in range(3)])
    return Stack(redis, pool)


@pytest_asyncio.fixture(autouse=True)
async def refusing(fraud_database: Database) -> None:
    connection = await asyncpg.connect(fraud_database.owner_dsn, timeout=10)
    try:
        await connection.execute(TRIGGER)
    finally:
        await connection.close(timeout=5)


async def sums(stack: Stack, tenant: str) -> Sequence[Check]:
    now = milliseconds(datetime.now(UTC))
    before = [check(tenant, amount_minor=HUGE, event_time=now - timedelta(seconds=9)) for _ in range(3)]
    await stack.store.commit([decided(each) for each in sorted(before, key=lambda each: each.key)])
    await stack.windows.reserve(before)
    return [check(tenant, event_time=now)]


async def sums_elsewhere(stack: Stack, tenant: str) -> Sequence[Check]:
    return [dataclasses.replace(each, currency="EUR") for each in await sums(stack, tenant)]


async def sums_long_ago(stack: Stack, tenant: str) -> Sequence[Check]:
    then = milliseconds(datetime.now(UTC)) - timedelta(hours=40)
    before = [check(tenant, amount_minor=HUGE, event_time=then - timedelta(seconds=9)) for _ in range(3)]
    await stack.store.commit([decided(each) for each in sorted(before, key=lambda each: each.key)])
    await stack.windows.reserve([check(tenant)])
    return [check(tenant, event_time=then)]


async def first_days(stack: Stack, tenant: str) -> Sequence[Check]:
    await stack.windows.reserve([check(tenant)])
    return [check(tenant, event_time=FIRST_DAY), check(tenant, event_time=FIRST_DAY + timedelta(seconds=1))]


async def broken_subject(stack: Stack, tenant: str) -> Sequence[Check]:
    await stack.redis.set(f"{subject(tenant, 'u', 'u1')}:e", "no sorted set")
    return [check(tenant)]


def brings(**changed: Any) -> Poison:
    async def made(_: Stack, tenant: str) -> Sequence[Check]:
        return [check(tenant, **changed)]

    return made


Poison = Callable[[Stack, str], Awaitable[Sequence[Check]]]
REFUSED = {Kind.INVALID_ARGUMENT, Kind.FAILED_PRECONDITION}
# What a check brings, and how it may end: refused with one of these kinds, or decided (None).
POISONS: dict[str, tuple[Poison, set[Kind | None]]] = {
    "sums beyond 64 bits": (sums, {Kind.FAILED_PRECONDITION}),
    "sums in another currency beyond 64 bits": (sums_elsewhere, {Kind.FAILED_PRECONDITION}),
    "sums beyond 64 bits long ago": (sums_long_ago, {Kind.FAILED_PRECONDITION}),
    "the first days of the calendar": (first_days, {None}),
    "an amount beyond 64 bits": (brings(amount_minor=2**63), {*REFUSED}),
    "an address that no index holds": (
        brings(ip="fe80::1%" + "".join(chr(0x4E00 + n * 7 % 5_000) for n in range(4_000))), {*REFUSED},
    ),
    "a NUL": (brings(user_id="a\0b"), {*REFUSED}),
    "half a pair": (brings(merchant="\ud800"), {*REFUSED}),
    "a row that the store refuses": (brings(user_id="refused by the store"), {*REFUSED}),
    "a profile that breaks the reader": (brings(user_id="unbearable"), {Kind.INTERNAL}),
    "windows that are broken": (broken_subject, {None}),
}  # fmt: skip


async def away(stack: Stack) -> None:
    stack.windows._redis = stack.redis
    stack.windows._paused_until = float("inf")


async def cold(stack: Stack) -> None:
    await stack.redis.delete(READY)


async def no_profiles(stack: Stack) -> None:
    stack.profiles.available = False


async def nothing(_: Stack) -> None:
    return


FAILURES = {"nothing": nothing, "no Redis": away, "cold windows": cold, "no profiles": no_profiles}


@pytest.fixture
async def restored(redis: Redis) -> AsyncIterator[None]:
    yield
    await make_ready(redis)


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("name", POISONS)
async def test_it_fails_alone(stack: Stack, tenant: str, name: str, failure: str) -> None:
    poison, endings = POISONS[name]
    other = new_tenant()
    bad = await poison(stack, tenant)
    await FAILURES[failure](stack)
    now = milliseconds(datetime.now(UTC))
    good = [check(other, user_id=f"neighbour-{number}", event_time=now) for number in range(6)]
    third = len(good) // 3
    mixed = [*good[:third], *bad[:1], *good[third : 2 * third], *bad[1:], *good[2 * third :]]
    answers = dict(zip([each.key for each in mixed], await stack.decide(*mixed), strict=True))
    for each in bad:
        ending = answers[each.key]
        assert (ending.kind if isinstance(ending, MeshError) else None) in endings, ending
    slow = ["features_slow_path"] if failure in ("no Redis", "cold windows") else []
    seen = []
    for each in good:
        answer = answers[each.key]
        assert isinstance(answer, Outcome), answer
        decision = decision_pb2.Decision.FromString(answer.answer)
        assert list(decision.degraded) == slow + (["user_profile"] if failure == "no profiles" else [])
        assert answer.decided is not None
        seen.append(answer.decided.facts.features["device_count_1m"])
    # Checks of one device: each has seen those before it, and once each, however the batch was divided.
    assert sorted(seen) == list(range(len(good))) or (slow and max(seen) < len(good))
    assert await stack.store.existing([each.key for each in good]) == {each.key for each in good}
