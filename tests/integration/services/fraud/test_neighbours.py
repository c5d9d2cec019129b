"""Whatever one check brings, and whatever fails meanwhile: it alone fails, never a neighbour of another tenant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from rampart.fraud.v1 import decision_pb2
from redis.asyncio import Redis

from meshkit.apart import TravelsApart
from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError
from meshkit.storage.postgres import Pool, open_pool
from services.fraud.adapters.logs.names import WHOLE, LogNames
from services.fraud.adapters.logs.postgres_history import PostgresHistory
from services.fraud.adapters.memory import MemoryRates, MemoryRiskProfiles
from services.fraud.domain.check import Check
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.profile import Profile
from services.fraud.ports import LogKey, LogStream
from services.fraud.service.deciding.decider import CheckCall, Decider, Outcome
from services.fraud.service.deciding.judging import DecisionPolicy
from services.fraud.service.tenants.rates import ExchangeRates
from tests.integration.conftest import FreshDatabase
from tests.support.fraud import IP, check, configured, decided, milliseconds, named, new_tenant, principal
from tests.support.readers import keys_of, logs_in, patiently, reader_of, settled, store_of
from tests.support.servers import Database

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

    async def read(self, calls: Sequence[tuple[CallContext, str, str]], seconds: float) -> Sequence[Profile | None]:
        if any(user == "unbearable" for _, _, user in calls):
            raise KeyError("unbearable")
        return await super().read(calls, seconds)


class Stack:
    """A decider on a real PostgreSQL and a real Valkey."""

    def __init__(self, redis: Redis, pool: Pool) -> None:
        self.redis = redis
        self.profiles = Profiles()
        self.pool = pool
        self.logs = logs_in(redis, pool)
        self.store = store_of(pool)
        self.reader = reader_of(self.logs, PostgresHistory(pool, keys_of(pool)))
        self.decider = Decider(
            reader=self.reader,
            profiles=self.profiles,
            rates=ExchangeRates(MemoryRates()),
            store=self.store,
            policy=DecisionPolicy(frozenset()),
            states=configured,
            ip=IP,
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


@pytest.fixture(scope="module")
def own_database(fresh_database: FreshDatabase) -> Database:
    """In which the generation of the logs is noted."""
    return fresh_database("fraud")


@pytest.fixture
async def stack(redis: Redis, own_database: Database) -> AsyncIterator[Stack]:
    pool = await open_pool(own_database.dsn)
    # Connected: on a busy machine that takes longer than a check waits for a connection.
    await asyncio.gather(*[pool.fetchval("SELECT pg_sleep(0.05)") for _ in range(3)])
    stack = Stack(redis, pool)
    yield stack
    await settled(stack.logs)
    await pool.close()


@pytest_asyncio.fixture(autouse=True)
async def refusing(own_database: Database) -> None:
    connection = await asyncpg.connect(own_database.owner_dsn, timeout=10)
    try:
        await connection.execute(TRIGGER)
    finally:
        await connection.close(timeout=5)


async def count(stack: Stack, checks: Sequence[Check]) -> None:
    """Puts transactions into logs and store."""
    stack.reader.settle(await stack.reader.read(checks, patiently()), checks, ())
    generation = stack.logs._scripts.generation
    made = [decided(each) for each in sorted(checks, key=lambda each: each.key)]
    logged = [each._replace(features=each.features._replace(generation=generation)) for each in made]
    assert len((await stack.store.commit(logged)).answers) == len(checks)


async def sums(stack: Stack, tenant: str) -> Sequence[Check]:
    now = milliseconds(datetime.now(UTC))
    before = [check(tenant, amount_minor=HUGE, event_time=now - timedelta(seconds=9)) for _ in range(3)]
    await count(stack, before)
    return [check(tenant, event_time=now)]


async def sums_elsewhere(stack: Stack, tenant: str) -> Sequence[Check]:
    return [check(tenant, currency="EUR", event_time=each.event_time) for each in await sums(stack, tenant)]


async def sums_long_ago(stack: Stack, tenant: str) -> Sequence[Check]:
    then = milliseconds(datetime.now(UTC)) - timedelta(hours=40)
    before = [check(tenant, amount_minor=HUGE, event_time=then - timedelta(seconds=9)) for _ in range(3)]
    await count(stack, before)
    return [check(tenant, event_time=then)]


async def first_days(stack: Stack, tenant: str) -> Sequence[Check]:
    await count(stack, [check(tenant)])
    return [check(tenant, event_time=FIRST_DAY), check(tenant, event_time=FIRST_DAY + timedelta(seconds=1))]


def broken(kind: str, *rest: object) -> Poison:
    """Something else is kept under the name of the user's log."""

    async def made(stack: Stack, tenant: str) -> Sequence[Check]:
        names = LogNames(await keys_of(stack.pool).secret())
        name = names.of(LogKey(LogStream(tenant, STARTER.plans["user_id"].schema), "u1"))
        await stack.redis.execute_command(kind, name, *rest)  # type: ignore[no-untyped-call]
        return [check(tenant)]

    return made


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
    "a long address": (brings(ip="fe80::1%" + "".join(chr(0x4E00 + n * 7 % 5_000) for n in range(4_000))), {None}),
    "a NUL": (brings(user_id="a\0b"), {*REFUSED}),
    "half a pair": (brings(merchant="\ud800"), {*REFUSED}),
    "a row that the store refuses": (brings(user_id="refused by the store"), {*REFUSED}),
    "a profile that breaks the reader": (brings(user_id="unbearable"), {Kind.INTERNAL}),
    "a log that is a set": (broken("SADD", "no log"), {None}),
    "a log that is another text": (broken("SET", "no log"), {None}),
    "a log that is empty": (broken("SET", ""), {None}),
}  # fmt: skip


async def away(stack: Stack) -> None:
    stack.logs._paused_until = float("inf")


async def emptied(stack: Stack) -> None:
    await stack.redis.flushall()


async def unproven(stack: Stack) -> None:
    await stack.redis.delete(WHOLE)
    stack.logs._proofs._known.clear()


async def no_profiles(stack: Stack) -> None:
    stack.profiles.available = False


async def nothing(_: Stack) -> None:
    return


FAILURES = {
    "nothing": nothing,
    "no Redis": away,
    "Redis was emptied": emptied,
    "logs are not known to be whole": unproven,
    "no profiles": no_profiles,
}


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
    # A log that was lost is whole again once it was asked for: so for a half of a batch that could not be decided.
    lost = failure in ("Redis was emptied", "logs are not known to be whole")
    slow = ["features_slow_path"] if failure == "no Redis" or lost else []
    seen = []
    for each in good:
        answer = answers[each.key]
        assert isinstance(answer, Outcome), answer
        decision = decision_pb2.Decision.FromString(answer.answer)
        degraded = list(decision.degraded)
        assert degraded == slow + (["user_profile"] if failure == "no profiles" else []) or (lost and not degraded)
        assert answer.decided is not None
        seen.append(named(answer.decided.features)["device_count_1m"])
    # Checks of one device: each has seen those before it, and once each, however the batch was divided.
    assert sorted(map(str, seen)) == sorted(map(str, range(len(good))))
    assert await stack.store.existing([each.key for each in good]) == {each.key for each in good}
