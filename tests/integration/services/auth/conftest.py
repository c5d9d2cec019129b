"""The database of the auth service, and what keeps people in memory and in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from meshkit.storage.postgres import open_pool
from tests.integration.conftest import FreshDatabase
from tests.support.people import People, in_memory, in_postgres
from tests.support.servers import Database
from tests.support.tenants import add_tenant


@pytest.fixture(scope="module")
def database(fresh_database: FreshDatabase) -> Database:
    return fresh_database("auth")


@pytest.fixture(params=["memory", "postgres"])
async def people(request: pytest.FixtureRequest) -> AsyncIterator[People]:
    if request.param == "memory":
        people = in_memory()
        await add_tenant(people.directory, people.tenant)
        yield people
        return
    pool = await open_pool(request.getfixturevalue("database").dsn)
    people = in_postgres(pool)
    await add_tenant(people.directory, people.tenant)
    yield people
    await pool.close()
