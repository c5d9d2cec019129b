"""The windows survive the loss of Redis, and hold nothing that was never committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import ModuleType

import pytest
from redis.asyncio import Redis
from services.fraud.adapters.redis_windows import PENDING, RedisWindows, reservation_key
from services.fraud.adapters.window_keeper import WindowKeeper
from services.fraud.domain.features import NAMES, by_name

from console.up.state import State
from meshkit.storage.postgres import Pool, open_pool
from meshkit.storage.redis import open_redis
from services.fraud.adapters import redis_windows, window_keeper
from services.fraud.adapters.memory import MemoryWindows
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.domain.check import Check, Features
from services.fraud.ports import WindowsUnavailableError
from tests.integration.conftest import FreshDatabase
from tests.support.fraud import check, decided, milliseconds, new_tenant
from tests.support.servers import Database, valkey_server
from tests.support.windows import in_order


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_keeper, "LONGEST_COMMIT", timedelta(seconds=0.3))
    monkeypatch.setattr(window_keeper, "GRACE_SECONDS", 0.3)
    monkeypatch.setattr(window_keeper, "SWEEP_SECONDS", 0.1)


@pytest.fixture(scope="module")
def database(fresh_database: FreshDatabase) -> Database:
    return fresh_database("fraud")


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(database.dsn)
    yield pool
    await pool.close()


@pytest.fixture
async def redis(run_folder: Path, tmp_path: Path) -> AsyncIterator[Redis]:
    """A server of this test's own: it is emptied."""
    with valkey_server(State.open(run_folder / tmp_path.name[-12:])) as url:
        client = open_redis(url, timeout=5, size=20)
        yield client
        await client.aclose()


class Kept:
    """The windows and the store of a fraud service, with a twin of the windows that never loses anything."""

    def __init__(self, redis: Redis, pool: Pool, database: Database) -> None:
        self.store = PostgresStore(pool)
        self.keeper = WindowKeeper(relay_dsn=database.relay_dsn, redis=redis, pool=pool, store=self.store)
        self.windows = RedisWindows(redis, on_cold=self.keeper.wake)
        self.twin = MemoryWindows(lambda: datetime.now(UTC))

    async def reserve(self, asked: Check) -> Features | None:
        """None while the windows are cold."""
        try:
            (found,) = await self.windows.reserve([asked])
        except WindowsUnavailableError:
            return None
        return found

    async def decide(self, asked: Check) -> None:
        await self.reserve(asked)
        await self.twin.reserve([asked])
        await self.store.commit([decided(asked)])
        self.windows.settle([asked.key], [])

    async def equal(self, asked: Check) -> None:
        """Checks that both windows answer the same."""
        seen = await self.reserve(asked)
        (known,) = await self.twin.reserve([asked])
        assert seen is not None
        assert dict(zip(NAMES, seen.values, strict=True)) == dict(zip(NAMES, known.values, strict=True)), asked

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.keeper.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def kept(redis: Redis, pool: Pool, database: Database) -> AsyncIterator[Kept]:
    """With a keeper at work and windows that are complete."""
    kept = Kept(redis, pool, database)
    async with kept.running():
        await warm(kept)
        yield kept


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(15):
        while not await holds():
            await asyncio.sleep(0.05)


async def warm(kept: Kept) -> None:
    """Waits until the windows are complete and the keeper has nothing more to add."""

    async def ready() -> bool:
        return await kept.reserve(check(new_tenant())) is not None

    await eventually(ready)
    await asyncio.sleep(0.7)


async def test_windows_lost_altogether_are_filled_again_as_if_they_had_never_been_lost(
    kept: Kept, redis: Redis
) -> None:
    tenants = [new_tenant(), new_tenant()]
    for tenant in tenants:
        for asked in in_order(17, tenant, 120):
            await kept.decide(asked)
    await redis.flushall()
    assert await kept.reserve(check(tenants[0])) is None, "an empty Redis counts as cold"
    for tenant in tenants:
        # Decided from the store while the windows are cold.
        await kept.decide(check(tenant, user_id="u0", event_time=milliseconds(datetime.now(UTC))))
    await warm(kept)
    for tenant in tenants:
        for user in range(4):
            await kept.equal(check(tenant, user_id=f"u{user}", event_time=milliseconds(datetime.now(UTC))))


async def test_decision_that_is_there_already_is_not_loaded_twice(kept: Kept, redis: Redis) -> None:
    tenant = new_tenant()
    for _ in range(10):
        await kept.decide(check(tenant))
    await redis.delete("windows:ready")
    await warm(kept)
    await kept.equal(check(tenant, event_time=milliseconds(datetime.now(UTC))))


async def test_reservation_that_was_never_committed_is_withdrawn_and_a_committed_one_stays(
    kept: Kept, redis: Redis
) -> None:
    tenant = new_tenant()
    lost, stored = check(tenant, "lost"), check(tenant, "stored")
    await kept.reserve(lost)
    await kept.reserve(stored)
    # The process ends between its commit and its word to the windows.
    await kept.store.commit([decided(stored)])

    async def swept() -> bool:
        return await redis.zcard(PENDING) == 0

    await eventually(swept)
    assert not await redis.exists(reservation_key(*lost.key))
    found = await kept.reserve(check(tenant, event_time=milliseconds(datetime.now(UTC))))
    assert found is not None
    assert by_name(found.values)["user_count_1h"] == 1


async def test_reservation_on_its_way_to_its_commit_is_left_alone(
    kept: Kept, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window_keeper, "GRACE_SECONDS", 60.0)
    asked = check(new_tenant(), "under way")
    await kept.reserve(asked)
    await asyncio.sleep(0.5)
    assert await redis.exists(reservation_key(*asked.key))


async def test_nothing_is_withdrawn_while_the_store_cannot_say(
    kept: Kept, redis: Redis, monkeypatch: pytest.MonkeyPatch, pool: Pool
) -> None:
    asked = check(new_tenant(), "unknown")
    await kept.reserve(asked)
    pool.terminate()
    await asyncio.sleep(0.8)
    assert await redis.exists(reservation_key(*asked.key))
    assert await redis.zscore(PENDING, reservation_key(*asked.key)) is not None


async def test_two_keepers_at_work_count_nothing_twice(
    kept: Kept, redis: Redis, pool: Pool, database: Database
) -> None:
    tenant = new_tenant()
    for _ in range(5):
        await kept.decide(check(tenant))
    other = Kept(redis, pool, database)
    async with other.running():
        await redis.flushall()
        await warm(kept)
        await kept.equal(check(tenant, event_time=milliseconds(datetime.now(UTC))))


def clock_of(module: ModuleType, shift: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets the clock of the replica that a module stands for."""

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Shifted:
            return cls.fromtimestamp(datetime.now(UTC).timestamp() + shift.total_seconds(), tz)

    monkeypatch.setattr(module, "datetime", Shifted)


APART = pytest.mark.parametrize("minutes", [-4, 4], ids=["keeper's clock behind", "keeper's clock ahead"])


@APART
async def test_reservation_on_its_way_is_left_alone_whatever_the_clocks_of_replicas_say(
    kept: Kept, redis: Redis, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    monkeypatch.setattr(window_keeper, "GRACE_SECONDS", 60.0)
    clock_of(window_keeper, timedelta(minutes=minutes), monkeypatch)
    clock_of(redis_windows, timedelta(minutes=-minutes), monkeypatch)
    asked = check(new_tenant(), "under way")
    await kept.reserve(asked)
    await asyncio.sleep(0.5)
    assert await redis.exists(reservation_key(*asked.key))


@APART
async def test_reservation_of_a_dead_replica_is_withdrawn_whatever_the_clocks_of_replicas_say(
    kept: Kept, redis: Redis, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    clock_of(window_keeper, timedelta(minutes=minutes), monkeypatch)
    clock_of(redis_windows, timedelta(minutes=-minutes), monkeypatch)
    asked = check(new_tenant(), "lost")
    await kept.reserve(asked)

    async def withdrawn() -> bool:
        return not await redis.exists(reservation_key(*asked.key))

    await eventually(withdrawn)


async def test_decision_of_a_replica_whose_clock_is_behind_is_not_left_out_of_the_windows(
    kept: Kept, redis: Redis, pool: Pool, database: Database
) -> None:
    tenant = new_tenant()
    asked = check(tenant, event_time=milliseconds(datetime.now(UTC)))
    await kept.twin.reserve([asked])
    made = decided(asked)
    await kept.store.commit([made._replace(create_time=made.create_time - timedelta(minutes=4))])
    # The server loses its last seconds: this decision was in them.
    await redis.delete("windows:ready")
    await warm(kept)
    await kept.equal(check(tenant, event_time=milliseconds(datetime.now(UTC))))


async def test_addresses_of_before_they_had_one_spelling_are_filled_in_under_it(kept: Kept, redis: Redis) -> None:
    tenant = new_tenant()
    for ip in ("2001:DB8:0:0::7", "2001:db8::7"):
        await kept.store.commit([decided(check(tenant, ip=ip))])
    await redis.flushall()
    await warm(kept)
    found = await kept.reserve(check(tenant, ip="2001:db8::7", event_time=milliseconds(datetime.now(UTC))))
    assert found is not None
    assert by_name(found.values)["ip_count_1h"] == 2
