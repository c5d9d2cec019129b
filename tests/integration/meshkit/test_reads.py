"""Reads wait for reads alone, and one tenant's for its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from meshkit.errors import Kind, MeshError
from meshkit.settings import Reader, SettingsError
from meshkit.storage import reads as module
from meshkit.storage.postgres import Pool, open_pool
from meshkit.storage.reads import ReadLimits, Reads
from tests.support.fraud import new_tenant
from tests.support.servers import Database


@pytest.fixture
async def pool(databases: dict[str, Database]) -> AsyncIterator[Pool]:
    pool = await open_pool(databases["fraud"].dsn, size=4)
    yield pool
    await pool.close()


@pytest.fixture
def reads(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> Reads:
    monkeypatch.setattr(module, "WAITING", 2)
    return Reads(pool, ReadLimits(4, 2))


async def tenants(reads: Reads, tenant: str) -> str:
    async with reads.of(tenant) as connection:
        found: str = await connection.fetchval("SELECT current_setting('rampart.tenants')")
        return found


async def test_tenant_that_reads_all_the_time_leaves_connections_to_others(reads: Reads) -> None:
    greedy, other = new_tenant(), new_tenant()
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(reads.of(greedy))
        waiting = [asyncio.create_task(tenants(reads, greedy)) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in waiting)
        async with asyncio.timeout(5):
            assert await tenants(reads, other) == other
            with pytest.raises(MeshError) as caught:
                await tenants(reads, greedy)
    assert (caught.value.kind, caught.value.reason) == (Kind.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert caught.value.retry_after == 1.0
    assert await asyncio.gather(*waiting) == [greedy] * 2
    assert reads._shares == {}, "nothing is kept of tenants that read nothing"


async def test_wait_for_a_turn_has_an_end(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.05)
    tenant = new_tenant()
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(reads.of(tenant))
        with pytest.raises(MeshError) as caught:
            await tenants(reads, tenant)
    assert caught.value.reason == "OVERLOADED"
    assert await tenants(reads, tenant) == tenant


async def test_reader_that_leaves_gives_its_turn_back(reads: Reads) -> None:
    tenant = new_tenant()
    for _ in range(10):
        task = asyncio.create_task(tenants(reads, tenant))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await asyncio.gather(*[tenants(reads, tenant) for _ in range(3)]) == [tenant] * 3


def test_limits_are_settings_with_bounds() -> None:
    assert ReadLimits.read(Reader({})) == ReadLimits()
    assert ReadLimits.read(Reader({"RAMPART_READS": "9", "RAMPART_READS_PER_TENANT": "3"})) == ReadLimits(9, 3)
    with pytest.raises(SettingsError):
        ReadLimits.read(Reader({"RAMPART_READS": "0"}))
