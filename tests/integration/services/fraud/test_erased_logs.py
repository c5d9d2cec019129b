"""What is left in Redis of a tenant that was erased, and of the others."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from meshkit.storage.event_stream import RedisStream
from meshkit.storage.postgres import Pool, open_pool
from meshkit.topology import load
from services.fraud.adapters.logs.erasing import ErasedLogs
from services.fraud.adapters.logs.names import WHOLE, LogNames
from tests.integration.conftest import FreshDatabase
from tests.support.fraud import new_tenant
from tests.support.log_writes import key_of, record, write
from tests.support.readers import logs_in, settled

SECRET = b"no secret"


@pytest.fixture
async def cleaner(fresh_database: FreshDatabase) -> AsyncIterator[Pool]:
    database = fresh_database("fraud")
    pool = await open_pool(database.server.dsn(database.name, load().service("fraud").user("cleaner")), size=1)
    yield pool
    await pool.close()


async def secret() -> bytes:
    return SECRET


async def with_logs(redis: Redis, *tenants: str) -> None:
    logs = logs_in(redis)
    await logs.prove_all(await logs.proof())
    for tenant in tenants:
        key = key_of(tenant)
        appended = await logs.append([], [write(key, [record("one")])])
        logs.settle(appended.ticket, [])
        await redis.hset(WHOLE, f"{tenant} schema", "1 1 1 1")
    await settled(logs)


async def left_of(redis: Redis, tenant: str) -> int:
    """Returns how many keys and fields there are that belong to a tenant."""
    name = LogNames(SECRET).of(key_of(tenant))
    fields = [field for field in await redis.hkeys(WHOLE) if tenant.encode() in field]
    return int(await redis.exists(name)) + len(fields)


async def test_logs_and_proofs_of_an_erased_tenant_are_gone_and_those_of_others_stay(
    own_redis: Redis, cleaner: Pool
) -> None:
    tenants = [new_tenant() for _ in range(200)]
    await with_logs(own_redis, *tenants)
    assert [await left_of(own_redis, tenant) for tenant in tenants] == [2] * 200
    # Tags are bytes of any kind, those of patterns among them.
    erased = ErasedLogs(own_redis, secret, cleaner)
    for tenant in tenants[:100]:
        await erased.forget(tenant)
        await erased.forget(tenant)
    assert [await left_of(own_redis, tenant) for tenant in tenants] == [0] * 100 + [2] * 100


async def test_logs_stay_where_another_tenant_has_the_tag(
    own_redis: Redis, cleaner: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = new_tenant()
    await with_logs(own_redis, tenant)
    own = LogNames(SECRET).tag(tenant)
    monkeypatch.setattr("services.fraud.adapters.logs.erasing._TENANTS", f"SELECT '{new_tenant()}' AS tenant_id")
    monkeypatch.setattr(LogNames, "tag", lambda *_: own)
    await ErasedLogs(own_redis, secret, cleaner).forget(tenant)
    monkeypatch.undo()
    assert await own_redis.exists(LogNames(SECRET).of(key_of(tenant)))


async def test_entries_of_a_stream_that_name_an_erased_tenant_are_gone(own_redis: Redis) -> None:
    gone, stays = new_tenant(), new_tenant()
    stream = RedisStream(own_redis, "events:test")
    await stream.forget(gone)
    for data in (f"a {gone} b", stays, gone, f"{stays}!"):
        await stream.append(data.encode())
    await stream.forget(gone)
    assert [entry.data for entry in await stream.read("0-0", limit=9, wait=0.1)] == [
        stays.encode(),
        f"{stays}!".encode(),
    ]
