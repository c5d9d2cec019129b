"""Stored values of features are computed anew as they were, and what differs is found with its cause."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest
from rampart.fraud.v1 import decision_pb2
from redis.asyncio import Redis

from meshkit.errors import MeshError, unavailable
from meshkit.storage.postgres import Pool
from services.fraud.adapters.child_verifications import ChildVerifications
from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.adapters.memory import MemoryStore
from services.fraud.adapters.memory_recorded import MemoryRecorded
from services.fraud.adapters.postgres_recorded import PostgresRecorded
from services.fraud.convert.seals import sealed_to_record
from services.fraud.domain.check import Basis, Check, Decided, Key
from services.fraud.domain.verification.recorded import Cause, RecordedExtent, ValueDifference
from services.fraud.ports import CommitResult
from services.fraud.ports.verification import VerificationProgress
from tests.support.engine import Engine, engines
from tests.support.fraud import check, decided, milliseconds, new_tenant
from tests.support.readers import logs_in, patiently, settled, store_of
from tests.support.servers import Database
from tests.support.verifying import last_hour, verify

Superuser: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
def fraud_database(logged_database: Database) -> Database:
    return logged_database


@pytest.fixture
async def superuser(fraud_database: Database) -> AsyncIterator[Superuser]:
    connection = await asyncpg.connect(fraud_database.server.dsn(fraud_database.name))
    yield connection
    await connection.close()


def stream(seed: int, tenant: str, count: int) -> Sequence[Check]:
    """Returns payments of a few users, some of them late, in several currencies."""
    choice, now = random.Random(seed), milliseconds(datetime.now(UTC))
    late = [timedelta(seconds=each) for each in (0, 1, 30, 4_000, 90_000, 1_728_000)]
    return [
        check(
            tenant, f"{seed}-{n}", user_id=f"u{choice.randrange(4)}", device=f"d{choice.randrange(3)}",
            merchant=f"m{choice.randrange(2)}", currency=choice.choice(["USD", "USD", "EUR"]),
            amount_minor=choice.randrange(1, 9_999),
            event_time=None if n % 5 == 0 else now - choice.choice(late),
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
    found = await verify(pool, logs_in(redis, pool), tenant)
    assert found.differences == []
    assert (found.summary.decisions, found.summary.skipped) == (400, 0)
    assert found.summary.values == 400 * 39


def fail_now_and_then(engine: Engine, choice: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets commits fail, some of them after a moment in which others read what is withdrawn then."""
    commit = engine.store.commit

    async def failing(made: Sequence[Decided]) -> CommitResult:
        if choice.random() < 0.2:
            await asyncio.sleep(choice.random() / 50)
            return CommitResult({}, {each.check.key: unavailable("postgres") for each in made})
        return await commit(made)

    monkeypatch.setattr(engine.store, "commit", failing)


async def test_where_commits_fail_and_are_tried_again_by_others_what_was_withdrawn_explains_every_difference(
    redis: Redis, pool: Pool, fraud_database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with engines(fraud_database, redis, redis) as started:
        choice = random.Random(4)
        for engine in started:
            fail_now_and_then(engine, choice, monkeypatch)

        async def decide(engine: int, batch: Sequence[Check]) -> None:
            while batch:
                answers = await started[engine % 2].decide(*batch)
                batch = [check for check, answer in zip(batch, answers, strict=True) if isinstance(answer, MeshError)]
                engine += choice.randrange(2)

        twice = [each for n, each in enumerate(stream(2, tenant, 200)) for _ in range(2 if n % 3 == 0 else 1)]
        batches = [twice[start : start + 7] for start in range(0, len(twice), 7)]
        for start in range(0, len(batches), 6):
            await asyncio.gather(*[decide(n, batch) for n, batch in enumerate(batches[start : start + 6])])
    found = await verify(pool, logs_in(redis, pool), tenant)
    assert (found.summary.decisions, found.causes) == (200, {Cause.WITHDRAWN})


async def change(superuser: Superuser, transaction_id: str, tenant: str, *, sealed: bool) -> str:
    """Stores another count of the user's payments of an hour than was read, with or without a digest that fits."""
    named = "tenant_id = $1 AND transaction_id = $2"
    row = await superuser.fetchrow(f"SELECT * FROM decisions WHERE {named}", tenant, transaction_id)
    assert row is not None
    inputs = decision_pb2.DecisionInputs.FromString(row["inputs"])
    inputs.vector.values[1] += 1
    changed = inputs.SerializeToString()
    if sealed:
        inputs.ClearField("digest")
        changed = sealed_to_record(row["answer"], row["event"], inputs.SerializeToString())
    await superuser.execute(f"UPDATE decisions SET inputs = $3 WHERE {named}", tenant, transaction_id, changed)
    return str(row["decision_id"])


@pytest.mark.parametrize(("sealed", "cause"), [(False, Cause.ALTERED), (True, Cause.UNEXPLAINED)])
async def test_a_value_that_was_changed_in_the_store_is_found(
    redis: Redis, pool: Pool, superuser: Superuser, fraud_database: Database, tenant: str, sealed: bool, cause: Cause
) -> None:
    async with engines(fraud_database, redis) as (engine,):
        await engine.decide(*[check(tenant, str(n)) for n in range(5)])
    decision = await change(superuser, "3", tenant, sealed=sealed)
    (found,) = (await verify(pool, logs_in(redis, pool), tenant)).differences
    assert (found.decision_id, found.transaction_id, found.feature) == (decision, "3", "user_count_1h")
    assert (found.stored, found.recomputed, found.cause) == (4, 3, cause)


async def test_what_came_again_after_its_process_ended_stands_where_it_came_first(
    redis: Redis, pool: Pool, fraud_database: Database, tenant: str
) -> None:
    """Others count it from its first attempt on, and it reads what that read."""
    async with engines(fraud_database, redis, redis) as (engine, dying):
        again = check(tenant, "again")
        await dying.reader.read([again], patiently())
        assert (await engine.see(check(tenant, "other")))[0].values[1] == 1
        assert (await engine.see(again))[0].values[1] == 0
    found = await verify(pool, logs_in(redis, pool), tenant)
    assert (found.differences, found.summary.decisions) == ([], 2)


async def test_what_came_again_while_its_first_attempt_was_withdrawn_stands_where_that_came(
    redis: Redis, pool: Pool, fraud_database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What read the first attempt before its withdrawal came reads as of it, and so does whoever came in between."""
    async with engines(fraud_database, redis, redis) as (engine, giving_up):
        again, ask = check(tenant, "again"), engine.logs.arrivals
        first = await giving_up.reader.read([again], patiently())
        assert (await engine.see(check(tenant, "other")))[0].values[1] == 1

        async def withdrawn_before(attempts: Mapping[Key, int]) -> Mapping[Key, int]:
            giving_up.reader.settle(first, [again], {again.key})
            await settled(giving_up.logs)
            return await ask(attempts)

        monkeypatch.setattr(engine.logs, "arrivals", withdrawn_before)
        assert (await engine.see(again))[0].values[1] == 0
        assert (await engine.see(check(tenant, "after")))[0].values[1] == 2
    found = await verify(pool, logs_in(redis, pool), tenant)
    assert (found.differences, found.summary.decisions) == ([], 3)


async def test_a_reservation_that_others_saw_and_that_was_withdrawn_is_said_to_be(
    redis: Redis, pool: Pool, fraud_database: Database, tenant: str
) -> None:
    async with engines(fraud_database, redis) as (engine,):
        lost = check(tenant, "lost")
        reading = await engine.reader.read([lost], patiently())
        assert (await engine.see(check(tenant, "saw")))[0].values[1] == 1
        engine.reader.settle(reading, [lost], {lost.key})
        await settled(engine.logs)
        assert (await engine.see(check(tenant, "after")))[0].values[1] == 1
    found = await verify(pool, logs_in(redis, pool), tenant, "user_count_1h", "user_sum_24h")
    assert {each.transaction_id for each in found.differences} == {"saw"}
    assert {(each.feature, each.stored) for each in found.differences} == {("user_count_1h", 1), ("user_sum_24h", 1250)}
    assert found.causes == {Cause.WITHDRAWN}
    lost_logs = MemoryLogs(time.time)
    assert (await verify(pool, lost_logs, tenant)).causes == {Cause.UNEXPLAINED}, "nobody is left who knows"


async def test_a_process_finds_the_same(
    redis: Redis, logs_url: str, pool: Pool, superuser: Superuser, fraud_database: Database, tenant: str
) -> None:
    async with engines(fraud_database, redis) as (engine,):
        await engine.decide(*[check(tenant, str(n), currency=("USD", "EUR")[n % 2]) for n in range(6)])
    await change(superuser, "3", tenant, sealed=False)
    here = await verify(pool, logs_in(redis, pool), tenant)
    runner = ChildVerifications(fraud_database.dsn, logs_url)
    news = [each async for each in runner.run(last_hour(tenant))]
    assert [each for each in news if isinstance(each, ValueDifference)] == here.differences
    assert news[-1] == here.summary
    assert news[-2] == VerificationProgress(6, 6, "computing values anew")


async def test_decisions_are_read_in_the_store_as_in_memory(pool: Pool, tenant: str) -> None:
    store, memory = store_of(pool), MemoryStore()
    since = datetime.now(UTC)
    first = decided(check(tenant, "a", event_time=milliseconds(since - timedelta(hours=3))))
    features = first.features._replace(arrival=1_764_000_000_000_001, basis=Basis.UNLOGGED)
    both = [first._replace(features=features, degraded=("features_slow_path",)), decided(check(tenant, "b"))]
    for each in both:
        for kept in (store, memory):
            await kept.commit([each._replace(features=each.features._replace(basis=Basis.UNLOGGED))])
    until = datetime.now(UTC) + timedelta(seconds=1)
    for recorded in (PostgresRecorded(pool, 400), MemoryRecorded(memory)):
        extent = await recorded.extent(tenant, since - timedelta(seconds=1), until)
        assert (extent.decisions, extent.sets, extent.deleted_before) == (2, ("3", "3"), None)
        assert 3 * 3_600 <= extent.latest_event < 3 * 3_600 + 60
        assert (await recorded.extent(tenant, until, until)) == RecordedExtent(0, 0.0, (), None)
        (page,) = [page async for page in recorded.pages(tenant, since - timedelta(seconds=1), until)]
        assert [each.transaction_id for each in page] == ["a", "b"]
        assert (page[0].arrival, page[0].unlogged, page[0].slow) == (1_764_000_000_000_001, True, True)
        assert page[0].fields == first.check.fields
        assert await recorded.intact(tenant, page[0].decision_id)
        assert not await recorded.intact(tenant, str(UUID(int=1)))
        assert [each async for each in recorded.pages(new_tenant(), since, until)] == []
