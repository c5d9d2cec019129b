"""A large history is put back into the logs by a process of its own, which ends with what it was asked for."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from meshkit.storage.postgres import Pool, open_pool
from services.fraud.adapters.child_restorer import (
    ChildRestorer,
    restore_order_from_json,
    restore_order_to_json,
)
from services.fraud.adapters.logs.postgres_history import PostgresHistory
from services.fraud.adapters.memory import MemoryStore
from services.fraud.adapters.postgres_features import PostgresFeatureWriter
from services.fraud.ports import FeatureHead, LogProof, LogsUnavailableError
from services.fraud.ports.restoring import RestoreOrder
from services.fraud.service.logs import keeping as log_keeping
from services.fraud.service.logs import sweep as log_sweep
from services.fraud.service.logs.restoring import HistoryRestorer, RestorerBySize
from services.fraud.service.tenants.feature_sets import StarterFeatures
from tests.support.features import counting, declare
from tests.support.fraud import check, decided, milliseconds, new_tenant
from tests.support.kept import Kept, started
from tests.support.lives import in_order
from tests.support.readers import keys_of, logs_in
from tests.support.servers import Database

LARGE = 50
"""Events of a history that is left to another process."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_keeping, "ROUND_SECONDS", 0.1)
    monkeypatch.setattr(log_sweep, "QUIET_SECONDS", 0.3)


@pytest.fixture
async def pool(lone_database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(lone_database.dsn)
    yield pool
    await pool.close()


class Counted:
    """Passes orders on, and counts what was put back by each tenant."""

    def __init__(self, restorer: ChildRestorer) -> None:
        self.events: dict[str, int] = {}
        self._restorer = restorer

    async def restore(self, order: RestoreOrder) -> AsyncGenerator[int, None]:
        async for count in self._restorer.restore(order):
            self.events[order.tenant_id] = self.events.get(order.tenant_id, 0) + count
            yield count


@pytest.fixture
def apart(lone_database: Database, lone_url: str) -> Counted:
    return Counted(ChildRestorer(lone_database.dsn, lone_url))


@pytest.fixture
async def kept(lone_redis: Redis, lone_database: Database, pool: Pool, apart: Counted) -> AsyncIterator[Kept]:
    history = PostgresHistory(pool, keys_of(pool))
    here = HistoryRestorer(logs_in(lone_redis, pool), history, StarterFeatures())
    async with started(lone_redis, lone_database, RestorerBySize(here, apart, history, LARGE)) as kept:
        yield kept


async def test_a_large_history_is_as_if_it_had_never_been_lost_and_a_small_one_needs_no_process(
    kept: Kept, apart: Counted, lone_redis: Redis
) -> None:
    large, small = new_tenant(), new_tenant()
    for tenant, count in ((large, LARGE + 20), (small, LARGE - 20)):
        for number, asked in enumerate(in_order(17, tenant, count)):
            await kept.decide_one(asked, number % 2)
    await lone_redis.flushall()
    await kept.until_whole(large, small)
    for tenant in (large, small):
        for user in range(4):
            for device in range(3):
                now = milliseconds(datetime.now(UTC))
                asked = check(tenant, user_id=f"u{user}", device=f"d{device}", ip="", merchant="m1", event_time=now)
                assert await kept.decide_one(asked, device % 2) == ()
    assert apart.events.keys() == {large} and apart.events[large] >= LARGE + 20


def _order(tenant: str, proof: LogProof, head: FeatureHead = FeatureHead()) -> RestoreOrder:
    features = StarterFeatures().of(tenant)
    since = datetime.now(UTC) - timedelta(days=1)
    return RestoreOrder(tenant, head, {stream.schema: since for stream in features.streams(tenant)}, proof)


def test_an_order_is_the_same_on_the_other_side() -> None:
    order = _order(new_tenant(), LogProof(7, 2, 1), FeatureHead(3, 2, 1))
    assert restore_order_from_json(restore_order_to_json(order)) == order


async def test_what_a_process_cannot_do_is_said_and_not_taken_for_done(
    lone_database: Database, pool: Pool, lone_redis: Redis, lone_url: str
) -> None:
    tenant, logs = new_tenant(), logs_in(lone_redis, pool)
    proof = await logs.proof()
    await declare(PostgresFeatureWriter(pool), tenant, counting("cards"))
    broken = ChildRestorer(lone_database.dsn, lone_url, (sys.executable, "-c", "raise SystemExit(1)"))
    changed = ChildRestorer(lone_database.dsn, lone_url)
    for restorer, head in ((broken, FeatureHead()), (changed, FeatureHead(7, 7))):
        with pytest.raises(LogsUnavailableError):
            [count async for count in restorer.restore(_order(tenant, proof, head))]


@pytest.mark.parametrize(("count", "size"), [(3, "here"), (4, "apart")])
async def test_whether_a_history_is_large_is_known_by_its_events_since_then(count: int, size: str) -> None:
    class Named:
        def __init__(self, name: str) -> None:
            self._name = name

        async def restore(self, order: RestoreOrder) -> AsyncGenerator[int, None]:
            asked.append(self._name)
            yield 0

    asked: list[str] = []
    tenant, store = new_tenant(), MemoryStore()
    order = _order(tenant, LogProof(1, 0))
    await store.commit([decided(check(tenant)) for _ in range(count)])
    await store.commit([decided(check(new_tenant())) for _ in range(5)])
    old = decided(check(tenant))
    await store.commit([old._replace(create_time=order.earliest - timedelta(seconds=1))])
    by_size = RestorerBySize(Named("here"), Named("apart"), store, largest=3)
    assert [each async for each in by_size.restore(order)] == [0]
    assert asked == [size]
