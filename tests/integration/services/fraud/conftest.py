"""A Valkey of the fraud service's own, whose windows count as complete."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from console.up.state import State
from meshkit.storage.postgres import Pool, open_pool
from meshkit.storage.redis import open_redis
from tests.integration.conftest import FreshDatabase
from tests.support.fraud import new_tenant
from tests.support.servers import Database, valkey_server
from tests.support.windows import make_ready


@pytest.fixture(scope="session")
def windows_url(run_folder: Path) -> Iterator[str]:
    with valkey_server(State.open(run_folder / "windows")) as url:
        yield url


@pytest.fixture
async def redis(windows_url: str) -> AsyncIterator[Redis]:
    """With a timeout that a busy machine does not reach."""
    client = open_redis(windows_url, timeout=10, size=50)
    await make_ready(client)
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
def fraud_database(fresh_database: FreshDatabase) -> Database:
    return fresh_database("fraud")


@pytest.fixture
async def pool(fraud_database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(fraud_database.dsn)
    yield pool
    await pool.close()


@pytest.fixture
def tenant() -> str:
    return new_tenant()
