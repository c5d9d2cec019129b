"""What is kept of backtests, the decisions of the past, and processes that do backtests."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from meshkit.errors import MeshError
from meshkit.ids import uuid7_text
from meshkit.storage.postgres import Pool, transaction
from meshkit.storage.reads import Reads
from meshkit.tasks import TaskFailure
from services.fraud.adapters.child_backtests import PROGRAM, ChildBacktests, order_from_json, order_to_json
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.memory_backtests import (
    MemoryBacktestRows,
    MemoryBacktests,
    MemoryBacktestWriter,
    MemoryCheckpoints,
)
from services.fraud.adapters.postgres_backtests import (
    PostgresBacktests,
    PostgresBacktestWriter,
    PostgresCheckpoints,
)
from services.fraud.adapters.postgres_label_arrivals import PostgresLabelArrivals
from services.fraud.adapters.postgres_past import PostgresPast
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.domain.backtests.backtest import Backtest, BacktestValues
from services.fraud.domain.backtests.past import BUILT_IN_SETS, PastDecision
from services.fraud.domain.backtests.tally import BacktestExample, BacktestTally
from services.fraud.domain.check import Decided
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.event_types import PAYMENT
from services.fraud.domain.scenarios.compiled import CompiledScenario
from services.fraud.ports.backtests import (
    BacktestCheckpoint,
    BacktestOrder,
    BacktestReads,
    BacktestWriter,
    Checkpoints,
    SupersededError,
)
from services.fraud.service.backtests.rejudging import Rejudge
from services.fraud.service.backtests.run import BacktestRun
from services.fraud.service.tenants.states import NO_LISTS
from tests.support.deciding import ruled, version_of
from tests.support.fraud import check, decided, new_tenant
from tests.support.servers import Database

VERSION = version_of(3, ruled("HIGH", "amount > 20.0", 0.9), ruled("SEVERAL", "user_count_1h >= 2", 0.6))
FIRST = UUID(int=0)
SOON = timedelta(minutes=1)


class Kept(NamedTuple):
    """One store of backtests."""

    reads: BacktestReads
    writer: BacktestWriter
    checkpoints: Checkpoints


@pytest.fixture(params=["memory", "postgres"])
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "memory":
        rows = MemoryBacktestRows()
        return Kept(MemoryBacktests(rows), MemoryBacktestWriter(rows), MemoryCheckpoints(rows))
    pool = request.getfixturevalue("pool")
    return Kept(PostgresBacktests(Reads(pool)), PostgresBacktestWriter(pool), PostgresCheckpoints(pool))


def backtest(tenant: str, **changed: Any) -> Backtest:
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "backtest_id": uuid7_text(), "scenario_id": "cards", "number": 3, "event_type": "payment",
        "since": now - timedelta(days=2), "until": now, "created_by": "alice", "created_at": now,
        "task_id": uuid7_text(),
    }  # fmt: skip
    return Backtest(tenant_id=tenant, **{**values, **changed})


async def added(kept: Kept, made: Backtest) -> Backtest:
    async with kept.writer.begin(made.tenant_id) as changes:
        await changes.add(made)
    return made


async def test_a_backtest_is_read_as_it_was_added_with_its_draft(kept: Kept, tenant: str) -> None:
    draft = replace(VERSION, number=0)
    made = await added(kept, backtest(tenant, number=0, draft=draft, values=BacktestValues.RECOMPUTED))
    found = await kept.reads.get(tenant, UUID(made.backtest_id))
    assert found is not None and found.draft is not None
    assert replace(found, draft=None) == replace(made, draft=None)
    assert (found.draft.content, found.draft.trees) == (draft.content, draft.trees)
    assert await kept.reads.get(new_tenant(), UUID(made.backtest_id)) is None


async def test_pages_are_newest_first_and_of_one_tenant(kept: Kept, tenant: str) -> None:
    made = [await added(kept, backtest(tenant)) for _ in range(5)]
    await added(kept, backtest(new_tenant()))
    first = await kept.reads.page(tenant, None, 3)
    rest = await kept.reads.page(tenant, UUID(first[-1].backtest_id), 3)
    assert [each.backtest_id for each in (*first, *rest)] == [each.backtest_id for each in reversed(made)]


async def test_those_without_a_result_are_known(kept: Kept, tenant: str) -> None:
    one, other = [await added(kept, backtest(tenant)) for _ in range(2)]
    await kept.checkpoints.begin(tenant, one.backtest_id, 1)
    await kept.checkpoints.finish(tenant, one.backtest_id, 1, BacktestTally("stored"))
    async with kept.writer.begin(tenant) as changes:
        assert [each.backtest_id for each in await changes.without_result(10)] == [other.backtest_id]


async def test_an_attempt_goes_on_from_where_the_one_before_was(kept: Kept, tenant: str) -> None:
    made = await added(kept, backtest(tenant))
    place = tenant, made.backtest_id
    assert await kept.checkpoints.begin(*place, 1) is None
    tally = BacktestTally("stored", {"high": "HIGH"}, decisions=7)
    tally.outcomes["approve", "decline"] = 7
    tally.examples["approve", "decline"] = [BacktestExample(1, "d", "t", 1.5, 0.1, 0.9, (), ("HIGH",))]
    reached = BacktestCheckpoint(UUID(uuid7_text()), 100, tally)
    await kept.checkpoints.store(*place, 1, reached)
    assert await kept.checkpoints.begin(*place, 2) == reached
    for token in (1, 3):
        with pytest.raises(SupersededError):
            await kept.checkpoints.store(*place, token, reached)
    with pytest.raises(SupersededError):
        await kept.checkpoints.begin(*place, 1)
    await kept.checkpoints.finish(*place, 2, tally)
    found = await kept.reads.get(tenant, UUID(made.backtest_id))
    assert found is not None and (found.result, found.values) == (tally, BacktestValues.STORED)


async def test_old_backtests_go_whatever_the_tenant_and_young_ones_stay(pool: Pool, tenant: str) -> None:
    writer, reads = PostgresBacktestWriter(pool), PostgresBacktests(Reads(pool))
    old, young = backtest(tenant, created_at=datetime.now(UTC) - timedelta(days=31)), backtest(tenant)
    for each in (old, young):
        async with writer.begin(tenant) as changes:
            await changes.add(each)
        await PostgresCheckpoints(pool).begin(tenant, each.backtest_id, 1)
    assert await reads.get(tenant, UUID(old.backtest_id)) is None, "not told any more"
    assert await writer.prune() >= 1
    assert await writer.prune() == 0
    assert await reads.get(tenant, UUID(young.backtest_id)) is not None
    for whose, count in ((tenant, 1), (new_tenant(), 0)):
        async with transaction(pool, [whose]) as connection:
            assert await connection.fetchval("SELECT count(*) FROM backtests") == count
            assert await connection.fetchval("SELECT count(*) FROM backtest_checkpoints") == count


async def decide(pool: Pool, tenant: str, count: int) -> Sequence[Decided]:
    """Stores decisions about payments of a few users, in the order in which they were made."""
    generation = await pool.fetchval("SELECT generation FROM log_generation")
    made = []
    for n in range(count):
        one = decided(check(tenant, f"t{n}", user_id=f"u{n % 5}", amount=float(n % 30), amount_minor=(n % 30) * 100))
        made.append(one._replace(features=one.features._replace(generation=generation)))
    for start in range(0, count, 400):
        rows = sorted(made[start : start + 400], key=lambda each: each.check.key)
        result = await PostgresStore(pool, EventKeys(pool)).commit(rows)
        assert len(result.answers) == len(rows)
    return made


async def read(pool: Pool, tenant: str, since: datetime, until: datetime, **more: Any) -> list[PastDecision]:
    asked = {"after": FIRST, "whole": "payment", **more}
    pages = PostgresPast(pool).pages(tenant, since, until, **asked)
    return [each async for page in pages for each in page]


async def test_decisions_of_a_period_are_read_in_their_order(pool: Pool, tenant: str) -> None:
    since = datetime.now(UTC) - SOON
    made = await decide(pool, tenant, 1_203)
    await decide(pool, new_tenant(), 3)
    until = datetime.now(UTC) + SOON
    found = await read(pool, tenant, since, until)
    assert [each.decision_id for each in found] == [each.decision_id for each in made]
    one, expected = found[7], made[7]
    assert (one.fields, one.event_time) == (expected.check.fields, expected.features.event_time)
    assert one.facts is not None and one.answer is not None and one.vector is not None
    assert one.facts._replace(elsewhere=()) == expected.facts._replace(features=(), lists={})
    assert one.answer.outcome == expected.verdict.outcome
    assert one.vector.version == STARTER.version
    extent = await PostgresPast(pool).extent(tenant, "payment", since, until)
    assert (extent.decisions, extent.sets) == (1_203, ("3", "3"))
    assert 0 < extent.latest_event < 60
    assert await read(pool, tenant, since, since + timedelta(seconds=1)) == []
    assert await read(pool, tenant, since, until, whole="login") == []


async def test_of_what_is_only_to_be_counted_the_event_alone_is_read(pool: Pool, tenant: str) -> None:
    since, until = datetime.now(UTC) - SOON, datetime.now(UTC) + SOON
    made = await decide(pool, tenant, 10)
    after = UUID(made[5].decision_id)
    assert [each.transaction_id for each in await read(pool, tenant, since, until, after=after)] == [
        "t6",
        "t7",
        "t8",
        "t9",
    ]
    found = await read(pool, tenant, since, until, after=after, events=["payment"])
    assert [each.facts is not None for each in found] == [False] * 6 + [True] * 4
    assert all(each.fields for each in found)


def order(tenant: str, one: Backtest, token: int = 1, values: BacktestValues = BacktestValues.STORED) -> BacktestOrder:
    return BacktestOrder(
        tenant_id=tenant, backtest_id=one.backtest_id, token=token, since=one.since,
        until=one.until + SOON, values=values, version=VERSION, review_without=frozenset({"user_profile"}),
    )  # fmt: skip


def test_an_order_survives_its_text(tenant: str) -> None:
    asked = order(tenant, backtest(tenant))
    assert order_from_json(json.loads(json.dumps(order_to_json(asked)))) == asked


@pytest.mark.parametrize("values", [BacktestValues.STORED, BacktestValues.RECOMPUTED])
async def test_a_process_comes_to_the_same_result_also_after_one_that_was_killed(
    pool: Pool, tenant: str, fraud_database: Database, values: BacktestValues
) -> None:
    await decide(pool, tenant, 1_100)
    kept = Kept(PostgresBacktests(Reads(pool)), PostgresBacktestWriter(pool), PostgresCheckpoints(pool))
    here, there = [await added(kept, backtest(tenant)) for _ in range(2)]
    scenario = CompiledScenario(VERSION.ref, VERSION.content, VERSION.trees)
    run = BacktestRun(
        order(tenant, here, values=values), past=PostgresPast(pool), labels=PostgresLabelArrivals(pool),
        checkpoints=kept.checkpoints,
        rejudge=Rejudge(scenario, PAYMENT, NO_LISTS, frozenset({"user_profile"})), features=STARTER,
        sets=BUILT_IN_SETS,
    )  # fmt: skip
    expected = [each async for each in run.run()]
    runner = ChildBacktests(fraud_database.dsn)
    async with aclosing(runner.run(order(tenant, there, values=values))) as news:
        await anext(news)
    told = [each async for each in runner.run(order(tenant, there, 2, values))]
    assert told[-1] == expected[-1] and told[-1].done == 1_100
    results = [await kept.reads.get(tenant, UUID(each.backtest_id)) for each in (here, there)]
    assert results[0] is not None and results[1] is not None
    assert results[0].result == results[1].result is not None
    with pytest.raises(TaskFailure, match="another attempt"):
        [each async for each in runner.run(order(tenant, there, 1, values))]


async def test_a_store_that_is_away_is_no_fault_of_the_backtest(tenant: str) -> None:
    runner = ChildBacktests("postgresql://nobody:x@127.0.0.1:1/nothing")
    with pytest.raises(MeshError) as caught:
        [each async for each in runner.run(order(tenant, backtest(tenant)))]
    assert caught.value.reason == "DEPENDENCY_UNAVAILABLE"


def test_a_process_ends_with_the_one_that_started_it(tenant: str, fraud_database: Database) -> None:
    asked = {"dsn": fraud_database.dsn, **order_to_json(order(tenant, backtest(tenant)))}
    # A session of its own: it makes its own nice.
    child = subprocess.run(
        PROGRAM, input=json.dumps(asked).encode() + b"\n", capture_output=True, timeout=60, start_new_session=True
    )
    assert (child.returncode, child.stdout) == (3, b"")


TELLS = """
import json, os, sys, time
sys.stdin.readline()
print(json.dumps({"done": os.getpid(), "total": 1, "message": "", "stored": False}), flush=True)
"""


@pytest.mark.parametrize(
    ("then", "reason"),
    [
        ("", "ended before its work"),
        ("os.kill(os.getpid(), 9)", "ended before its work"),
        ("""print('{"end": "failed", "type": "T", "message": "so it is", "retryable": false}')""", "so it is"),
    ],
)
async def test_a_process_that_fails_fails_the_attempt(tenant: str, then: str, reason: str) -> None:
    runner = ChildBacktests("", (sys.executable, "-c", TELLS + then))
    with pytest.raises(TaskFailure, match=reason):
        [each async for each in runner.run(order(tenant, backtest(tenant)))]


async def test_what_nobody_waits_for_any_more_is_ended(tenant: str) -> None:
    runner = ChildBacktests("", (sys.executable, "-c", TELLS + "time.sleep(600)"))
    pids: list[int] = []

    async def follow() -> None:
        async with aclosing(runner.run(order(tenant, backtest(tenant)))) as news:
            async for each in news:
                pids.append(each.done)

    following = asyncio.create_task(follow())
    async with asyncio.timeout(30):
        while not pids:
            await asyncio.sleep(0.02)
    os.kill(pids[0], 0)
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


async def test_a_process_that_says_nothing_is_given_up(tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.fraud.adapters.child_process.SILENCE_SECONDS", 0.2)
    runner = ChildBacktests("", (sys.executable, "-c", "import time; time.sleep(600)"))
    with pytest.raises(TaskFailure, match="told nothing"):
        [each async for each in runner.run(order(tenant, backtest(tenant)))]
