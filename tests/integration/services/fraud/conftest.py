"""A Valkey of the fraud service's own, of which every log that is not there was never written."""

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
from tests.support.graph_stores import KeptGraph, graph_in
from tests.support.readers import logs_in
from tests.support.servers import Database, valkey_server


@pytest.fixture(scope="session")
def logs_url(run_folder: Path) -> Iterator[str]:
    with valkey_server(State.open(run_folder / "logs")) as url:
        yield url


@pytest.fixture
async def redis(logs_url: str) -> AsyncIterator[Redis]:
    """With a timeout that a busy machine does not reach."""
    client = open_redis(logs_url, timeout=10, size=50)
    logs = logs_in(client)
    await logs.prove_all(await logs.proof())
    yield client
    await client.aclose()


@pytest.fixture(scope="module")
def own_url(run_folder: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A server of the module's own."""
    with valkey_server(State.open(run_folder / request.path.stem.removeprefix("test_"))) as url:
        yield url


@pytest.fixture
async def own_redis(own_url: str) -> AsyncIterator[Redis]:
    """An empty server, of which nothing is proven."""
    client = open_redis(own_url, timeout=10, size=20)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def lone_url(run_folder: Path, tmp_path: Path) -> Iterator[str]:
    """A server of the test's own, which it may empty and bound."""
    with valkey_server(State.open(run_folder / tmp_path.name[-12:])) as url:
        yield url


@pytest.fixture
async def lone_redis(lone_url: str) -> AsyncIterator[Redis]:
    client = open_redis(lone_url, timeout=5, size=20)
    yield client
    await client.aclose()


@pytest.fixture
def lone_database(fresh_database: FreshDatabase) -> Database:
    return fresh_database("fraud")


@pytest.fixture(scope="session")
def fraud_database(fresh_database: FreshDatabase) -> Database:
    return fresh_database("fraud")


@pytest.fixture(scope="session")
def logged_database(fresh_database: FreshDatabase) -> Database:
    """Of processes with logs: others store decisions as if there were none."""
    return fresh_database("fraud")


@pytest.fixture
async def pool(fraud_database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(fraud_database.dsn)
    yield pool
    await pool.close()


@pytest.fixture
def tenant() -> str:
    return new_tenant()


@pytest.fixture
async def graph(request: pytest.FixtureRequest, fraud_database: Database) -> AsyncIterator[KeptGraph]:
    """The store of graphs that the test names."""
    async with graph_in(request.param, fraud_database) as opened:
        yield opened
