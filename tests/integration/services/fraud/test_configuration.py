"""A change of a tenant's configuration reaches other processes, told by PostgreSQL or found by looking."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from meshkit.storage.notifications import Notifications
from meshkit.storage.postgres import Pool
from services.fraud.adapters.engine_revisions import CHANNEL
from services.fraud.adapters.postgres_declarations import PostgresDeclarations
from services.fraud.adapters.postgres_event_types import PostgresEventTypeWriter
from services.fraud.domain.event_types import EventType, Field, FieldType
from services.fraud.service.tenants.configuration import Configurations
from tests.support.servers import Database

QUOTE = EventType("quote", (Field("user_id", FieldType.STRING, key=True),))
NEVER = 3_600.0


@asynccontextmanager
async def process(dsn: str, pool: Pool, *, poll: float, listening: bool) -> AsyncIterator[Configurations]:
    """Configurations as a process of the service keeps them."""
    configurations = Configurations(PostgresDeclarations(pool), poll=poll)
    listener = Notifications(dsn, CHANNEL, tell=configurations.changed, tell_all=configurations.everything_changed)
    running = [asyncio.create_task(configurations.run())]
    if listening:
        running.append(asyncio.create_task(listener.run()))
    try:
        yield configurations
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait(running)


async def until_seen(configurations: Configurations, tenant: str) -> None:
    async with asyncio.timeout(20):
        while "quote" not in (await configurations.of(tenant)).readers:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("poll", "listening"), [(NEVER, True), (0.1, False)], ids=["told", "found"])
async def test_change_reaches_every_process(
    fraud_database: Database, pool: Pool, tenant: str, poll: float, listening: bool
) -> None:
    async with (
        process(fraud_database.dsn, pool, poll=poll, listening=listening) as first,
        process(fraud_database.dsn, pool, poll=poll, listening=listening) as second,
    ):
        for each in (first, second):
            assert "quote" not in (await each.of(tenant)).readers
        async with PostgresEventTypeWriter(pool).begin(tenant) as changes:
            await changes.put(QUOTE)
        await asyncio.gather(until_seen(first, tenant), until_seen(second, tenant))


async def test_change_is_seen_after_the_listening_connection_was_lost(
    fraud_database: Database, pool: Pool, tenant: str
) -> None:
    async with process(fraud_database.dsn, pool, poll=NEVER, listening=True) as there:
        await there.of(tenant)
        assert await cut(pool)
        async with PostgresEventTypeWriter(pool).begin(tenant) as changes:
            await changes.put(QUOTE)
        await until_seen(there, tenant)


async def cut(pool: Pool) -> int:
    """Ends the sessions that listen, as soon as there is one."""
    ended = 0
    async with asyncio.timeout(10):
        while not ended:
            async with pool.acquire() as connection:
                ended = await connection.fetchval(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE application_name = $1 AND query LIKE 'LISTEN%'",
                    f"{CHANNEL} listener",
                )
            await asyncio.sleep(0.01)
    return ended
