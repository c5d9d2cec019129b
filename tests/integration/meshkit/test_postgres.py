"""Pools and transactions: nothing leaks from one to the next, and an outage is known at once."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

import asyncpg
import pytest

from meshkit.errors import Kind, MeshError
from meshkit.ids import uuid7
from meshkit.storage.postgres import Pool, check, connected, open_pool, transaction
from tests.integration.conftest import FreshDatabase
from tests.support.proxy import Proxy, proxied
from tests.support.servers import Database

TENANTS = "SELECT current_setting('rampart.tenants', true)"
SOCKET = ".s.PGSQL.5432"


@pytest.fixture(scope="module")
def database(fresh_database: FreshDatabase) -> Database:
    return fresh_database("fraud")


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(database.dsn, size=1)
    yield pool
    await pool.close()


@pytest.fixture
async def proxy(database: Database, run_folder: Path, tmp_path: Path) -> AsyncIterator[Proxy]:
    folder = run_folder / f"pg-{tmp_path.name[-12:]}"
    folder.mkdir()
    target = Path(unquote(parse_qs(urlsplit(database.dsn).query)["host"][0]))
    async with proxied(target / SOCKET, folder / SOCKET) as proxy:
        yield proxy


@pytest.fixture
async def through_proxy(database: Database, proxy: Proxy) -> AsyncIterator[Pool]:
    address = database.dsn.partition("?")[0]
    pool = await open_pool(f"{address}?host={quote(str(proxy.path.parent))}", size=4)
    yield pool
    pool.terminate()


async def test_only_a_transaction_that_may_be_lost_does_not_wait_for_the_disk(pool: Pool) -> None:
    found = []
    for durable in (True, False, True):
        async with transaction(pool, [], durable=durable) as connection:
            found.append(await connection.fetchval("SHOW synchronous_commit"))
    assert found == ["on", "off", "on"]


async def failed(pool: Pool) -> tuple[MeshError, float]:
    """Returns how a transaction failed and after how many seconds."""
    start = time.perf_counter()
    with pytest.raises(MeshError) as caught:
        async with transaction(pool, []) as connection:
            await connection.execute("SELECT 1")
    return caught.value, time.perf_counter() - start


async def test_transaction_names_its_tenants_in_one_order_and_each_once(pool: Pool) -> None:
    first, second = sorted(str(uuid7()) for _ in range(2))
    async with transaction(pool, [second, first, second]) as connection:
        assert await connection.fetchval(TENANTS) == f"{first},{second}"
    async with transaction(pool, []) as connection:
        assert not await connection.fetchval(TENANTS)


async def test_tenants_do_not_leak_to_the_next_use_of_the_connection(pool: Pool) -> None:
    async with transaction(pool, [str(uuid7())]) as connection:
        process = await connection.fetchval("SELECT pg_backend_pid()")
    async with pool.acquire() as connection:
        assert await connection.fetchval("SELECT pg_backend_pid()") == process, "the same connection"
        assert not await connection.fetchval(TENANTS)
        assert not await connection.fetchval("SELECT rampart_tenants()")


@pytest.mark.parametrize("how", ["error", "database error", "cancelled"])
async def test_tenants_do_not_leak_from_a_transaction_that_failed(pool: Pool, how: str) -> None:
    async def fail() -> None:
        async with transaction(pool, [str(uuid7())]) as connection:
            if how == "cancelled":
                await connection.execute("SELECT pg_sleep(30)")
            if how == "database error":
                await connection.execute("SELECT 1 / 0")
            raise ZeroDivisionError

    task = asyncio.create_task(fail())
    if how == "cancelled":
        await asyncio.sleep(0.1)
        task.cancel()
    with pytest.raises((ZeroDivisionError, asyncpg.DivisionByZeroError, asyncio.CancelledError)):
        await task
    async with pool.acquire() as connection:
        assert not await connection.fetchval(TENANTS)
        assert not connection.is_in_transaction()


async def test_what_a_failed_transaction_wrote_is_gone(pool: Pool) -> None:
    tenant = str(uuid7())
    with pytest.raises(ZeroDivisionError):
        async with transaction(pool, [tenant]) as connection:
            await connection.execute("INSERT INTO outbox (tenant_id, payload) VALUES ($1, '')", tenant)
            raise ZeroDivisionError
    async with transaction(pool, [tenant]) as connection:
        await connection.execute("INSERT INTO outbox (tenant_id, payload) VALUES ($1, 'x')", tenant)


async def test_errors_of_the_caller_pass_through(pool: Pool) -> None:
    mine = MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "none")
    with pytest.raises(MeshError) as caught:
        async with transaction(pool, []):
            raise mine
    assert caught.value is mine
    with pytest.raises(asyncpg.UndefinedTableError):
        async with transaction(pool, []) as connection:
            await connection.execute("SELECT * FROM unheard_of")


async def test_server_that_is_gone_is_unavailable_at_once_and_usable_when_it_is_back(
    through_proxy: Pool, proxy: Proxy
) -> None:
    async with transaction(through_proxy, []) as connection:
        await connection.execute("SELECT 1")
    await proxy.down()
    for _ in range(3):
        error, seconds = await failed(through_proxy)
        assert (error.kind, error.metadata) == (Kind.UNAVAILABLE, {"dependency": "postgres"})
        assert error.retry_after
        assert seconds < 0.5, "acquiring gives up after 250 ms"
    await proxy.up()
    start = time.perf_counter()
    while True:
        try:
            async with transaction(through_proxy, []) as connection:
                await connection.execute("SELECT 1")
            break
        except MeshError:
            assert time.perf_counter() - start < 2
            await asyncio.sleep(0.02)


async def test_server_that_was_never_there_is_unavailable_at_once(through_proxy: Pool, proxy: Proxy) -> None:
    await proxy.down()
    error, seconds = await failed(through_proxy)
    assert error.kind is Kind.UNAVAILABLE
    assert seconds < 0.5


async def test_server_that_accepts_and_says_nothing_is_unavailable_at_once(through_proxy: Pool, proxy: Proxy) -> None:
    proxy.hang()
    error, seconds = await failed(through_proxy)
    assert error.kind is Kind.UNAVAILABLE
    assert seconds < 0.6


async def test_connection_cut_in_a_transaction_is_an_outage(through_proxy: Pool, proxy: Proxy) -> None:
    with pytest.raises(MeshError) as caught:
        async with transaction(through_proxy, []) as connection:
            running = asyncio.create_task(connection.execute("SELECT pg_sleep(30)"))
            await asyncio.sleep(0.1)
            await proxy.down()
            await running
    assert caught.value.kind is Kind.UNAVAILABLE


async def test_a_connection_whose_state_the_driver_has_lost_is_an_outage(pool: Pool) -> None:
    """asyncpg raises this, too, when a connection is cut at the moment that a statement begins or ends."""
    with pytest.raises(MeshError) as caught:
        async with connected(pool):
            raise asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")
    assert caught.value.kind is Kind.UNAVAILABLE


async def test_pool_that_is_used_up_is_unavailable_and_recovers(pool: Pool) -> None:
    async with transaction(pool, []):
        error, seconds = await failed(pool)
        assert error.kind is Kind.UNAVAILABLE
        assert seconds < 0.6
    async with transaction(pool, []) as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_who_waits_too_long_for_a_lock_is_told_to_come_again(through_proxy: Pool) -> None:
    async with transaction(through_proxy, []) as first:
        await first.execute("SELECT pg_advisory_xact_lock(7)")
        with pytest.raises(MeshError) as caught:
            async with transaction(through_proxy, []) as second:
                await second.execute("SET LOCAL lock_timeout = 10")
                await second.execute("SELECT pg_advisory_xact_lock(7)")
    assert (caught.value.kind, caught.value.reason) == (Kind.ABORTED, "CONFLICT")
    assert caught.value.retry_after


async def test_check_raises_while_the_server_does_not_answer(through_proxy: Pool, proxy: Proxy) -> None:
    await check(through_proxy)
    await proxy.down()
    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await check(through_proxy)


async def test_a_thousand_cancellations_leak_no_connection_and_no_tenant(fresh_database: FreshDatabase) -> None:
    database = fresh_database("fraud")
    pool, choice = await open_pool(database.dsn, size=4), random.Random(2)
    tenant = str(uuid7())

    async def work() -> None:
        async with transaction(pool, [tenant]) as connection:
            await connection.fetchval("SELECT count(*) FROM decisions")
            await connection.execute("SELECT pg_sleep(0.001)")

    async def cancelled() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(choice.random() * 0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async with asyncio.timeout(60):
        for _ in range(50):
            await asyncio.gather(*[cancelled() for _ in range(20)])
        async with asyncio.timeout(5):
            while pool.get_idle_size() < pool.get_size():
                await asyncio.sleep(0.01)
        assert pool.get_size() <= 4
        held = [await pool.acquire(timeout=1) for _ in range(4)]
        for connection in held:
            assert not connection.is_in_transaction()
            assert not await connection.fetchval(TENANTS)
            await pool.release(connection)
        assert await sessions(database) <= 4
    await pool.close()


async def sessions(database: Database) -> int:
    """Returns how many sessions the service has; cancelled ones take a moment to end."""
    connection = await asyncpg.connect(database.owner_dsn, timeout=5)
    statement = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = $1"
    count = 0
    for _ in range(100):
        count = await connection.fetchval(statement, "rampart_fraud_service")
        if count <= 4:
            break
        await asyncio.sleep(0.02)
    await connection.close(timeout=5)
    return count
