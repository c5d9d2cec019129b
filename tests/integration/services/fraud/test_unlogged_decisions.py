"""What was decided without the logs is counted by whoever decides with them, and costs nobody a read of the history."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from meshkit.errors import unavailable
from meshkit.storage.postgres import pool, transaction
from services.fraud import migrations
from services.fraud.adapters.logs.postgres_history import PostgresHistory
from services.fraud.domain.check import FEATURES_SLOW_PATH, Check
from services.fraud.ports import Gap, HistoryKey, KeyHistory
from services.fraud.service.logs import keeping as log_keeping
from services.fraud.service.logs import sweep as log_sweep
from services.fraud.service.logs import unlogged
from services.fraud.service.logs.keeping import LogKeeper
from tests.integration.conftest import FreshDatabase
from tests.support.engine import Engine, eventually
from tests.support.fraud import check, decided, milliseconds, new_tenant
from tests.support.kept import Kept, started
from tests.support.readers import keys_of, store_of
from tests.support.servers import Database

SLOW = (FEATURES_SLOW_PATH,)
MIGRATIONS = Path(next(iter(migrations.__path__)))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_keeping, "LONGEST_COMMIT", timedelta(seconds=0.3))
    monkeypatch.setattr(log_keeping, "ROUND_SECONDS", 0.1)
    monkeypatch.setattr(log_sweep, "QUIET_SECONDS", 0.3)


@pytest.fixture
async def kept(redis: Redis, logged_database: Database) -> AsyncIterator[Kept]:
    async with started(redis, logged_database) as kept:
        yield kept


class Filling:
    """Lets the keeper fill gaps, or not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.allowed = False
        fill = LogKeeper._fill

        async def filled(keeper: LogKeeper, gap: Gap) -> None:
            if self.allowed:
                await fill(keeper, gap)

        monkeypatch.setattr(LogKeeper, "_fill", filled)


@pytest.fixture
def filling(monkeypatch: pytest.MonkeyPatch) -> Filling:
    return Filling(monkeypatch)


def some(dice: random.Random, tenant: str) -> Check:
    """A check of one of few keys, some of them late."""
    when = milliseconds(datetime.now(UTC)) - timedelta(seconds=dice.choice((0, 0, 0, 40, 4_000, 90_000)))
    return check(
        tenant, user_id=f"u{dice.randrange(4)}", device=f"d{dice.randrange(3)}", ip="198.51.100.7", merchant="m1",
        event_time=when,
    )  # fmt: skip


async def decide_without_logs(kept: Kept, asked: Check, engine: int) -> None:
    logs = kept.engines[engine].logs
    logs._paused_until = asyncio.get_running_loop().time() + 60.0
    try:
        assert await kept.decide_one(asked, engine) == SLOW
    finally:
        logs._paused_until = 0.0


def history_reads(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Notes how many keys are read from the history."""
    found: list[int] = []
    history: Any = engine.reader._folds._slow._completer._history
    read = history.read

    async def noted(keys: Sequence[HistoryKey], most: int, *, apart: bool = False) -> Sequence[KeyHistory]:
        found.append(len(keys))
        return list(await read(keys, most, apart=apart))

    monkeypatch.setattr(history, "read", noted)
    return found


@pytest.mark.parametrize("before", [5, 200])
async def test_all_is_counted_while_logs_lack_decisions_and_nothing_is_read_but_these(
    kept: Kept, filling: Filling, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, dice = new_tenant(), random.Random(before)
    for number in range(before):
        await kept.decide_one(some(dice, tenant), number % 2)
    for _ in range(3):
        await decide_without_logs(kept, some(dice, tenant), dice.randrange(2))
    reads = [history_reads(engine, monkeypatch) for engine in kept.engines]
    for number in range(60):
        if number % 9 == 8:
            await decide_without_logs(kept, some(dice, tenant), dice.randrange(2))
            for each in reads:
                each.clear()
        else:
            asked = [some(dice, tenant) for _ in range(dice.choice((1, 1, 4)))]
            for degraded in await kept.decide(*asked, engine=dice.randrange(2)):
                assert degraded == SLOW
            assert reads == [[], []], "what logs have is not read again"
    filling.allowed = True

    async def closed() -> bool:
        return [await kept.decide_one(some(dice, tenant), engine) for engine in (0, 1)] == [(), ()]

    await eventually(closed)
    for number in range(40):
        assert await kept.decide_one(some(dice, tenant), number % 2) == ()


async def test_keys_that_are_new_while_logs_lack_decisions_are_counted_rightly(kept: Kept, filling: Filling) -> None:
    tenant, now = new_tenant(), milliseconds(datetime.now(UTC))
    await kept.decide_one(check(tenant, event_time=now))
    for user in ("new", "newer"):
        await decide_without_logs(kept, check(tenant, user_id=user, device=user, event_time=now), 1)
    for number in range(4):
        asked = check(tenant, user_id="new", device="newer", event_time=now)
        assert await kept.decide_one(asked, number % 2) == SLOW


@pytest.mark.parametrize("why", ["too many", "unknown"])
async def test_where_it_cannot_be_told_what_logs_lack_everything_is_read(
    kept: Kept, filling: Filling, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, dice = new_tenant(), random.Random(3)
    for number in range(20):
        await kept.decide_one(some(dice, tenant), number % 2)
    for _ in range(3):
        await decide_without_logs(kept, some(dice, tenant), 1)
    if why == "too many":
        monkeypatch.setattr(unlogged, "MOST", 2)
    else:

        async def fails(*_: object) -> Any:
            raise unavailable("postgres")

        for engine in kept.engines:
            monkeypatch.setattr(engine.reader._folds._unlogged._history, "unlogged", fails)
    reads = [history_reads(engine, monkeypatch) for engine in kept.engines]
    for number in range(10):
        assert await kept.decide_one(some(dice, tenant), number % 2) == SLOW
    assert all(reads)


async def test_gaps_of_before_they_named_decisions_name_all_that_may_be_missing(fresh_database: FreshDatabase) -> None:
    database = fresh_database("fraud")
    tenant, other = new_tenant(), new_tenant()
    async with pool(database.dsn) as service, pool(database.owner_dsn, size=1) as owner:
        missing = decided(check(tenant))._replace(degraded=SLOW)
        await store_of(service).commit([missing, decided(check(tenant)), decided(check(other))._replace(degraded=SLOW)])
        await owner.execute("ALTER TABLE log_gaps DROP COLUMN decisions")
        async with transaction(service, [tenant]) as connection:
            await connection.execute("INSERT INTO log_gaps (tenant_id) VALUES ($1)", tenant)
        await owner.execute((MIGRATIONS / "0090_gap_decisions.sql").read_text())
        history = PostgresHistory(service, keys_of(service))
        found = await history.unlogged([tenant, other])
        assert {name: list(map(str, each)) for name, each in found.items()} == {
            tenant: [missing.decision_id],
            other: [],
        }
        (event,) = await history.decided_events(tenant, found[tenant])
        assert event.transaction_id == missing.check.transaction_id
        assert await history.decided_events(other, found[tenant]) == []
        assert await owner.fetchval("SELECT count(*) FROM log_gaps") == 0, "the owner sees nothing again"
