"""What is over of lists of values goes after its time, and roles see and do no more than they need."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest

from meshkit.storage.postgres import Pool, open_pool, transaction
from services.fraud.adapters.list_cleaning import ListCleaning
from services.fraud.adapters.postgres_list_contents import PostgresListContents
from services.fraud.adapters.postgres_lists import PostgresLists
from services.fraud.domain.value_lists.lists import NEVER, EntryFilter, ValueList
from services.fraud.service.value_lists.values import Values
from tests.integration.conftest import FreshDatabase
from tests.support.fraud import new_tenant
from tests.support.servers import Database
from tests.support.value_lists import AUTHOR, create

TABLES = ("value_list_heads", "value_lists", "value_list_entries", "value_list_imports")
Superuser: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture(scope="module")
def database(fresh_database: FreshDatabase) -> Database:
    return fresh_database("fraud")


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(database.dsn, size=2)
    yield pool
    await pool.close()


@pytest.fixture
async def cleaner(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(database.server.dsn(database.name, "rampart_fraud_cleaner"), size=1)
    yield pool
    await pool.close()


@pytest.fixture
async def superuser(database: Database) -> AsyncIterator[Superuser]:
    connection = await asyncpg.connect(database.server.dsn(database.name))
    yield connection
    await connection.close()


async def made(pool: Pool, *entries: tuple[str, int]) -> tuple[str, ValueList]:
    tenant = new_tenant()
    about = await create(PostgresLists(pool), tenant)
    await put(pool, tenant, about, *entries)
    return tenant, about


async def put(pool: Pool, tenant: str, about: ValueList, *entries: tuple[str, int]) -> None:
    read = [Values(about).entry(value, ends) for value, ends in entries]
    async with PostgresLists(pool).begin(tenant) as changes:
        await changes.put(about.number, read, AUTHOR)


async def remove(pool: Pool, tenant: str, about: ValueList, value: str) -> None:
    async with PostgresLists(pool).begin(tenant) as changes:
        await changes.remove(about.number, [value], AUTHOR)


async def clear(cleaner: Pool) -> None:
    while await ListCleaning(cleaner).clear():
        pass


async def left(superuser: Superuser, about: ValueList) -> set[str]:
    rows = await superuser.fetch("SELECT value FROM value_list_entries WHERE number = $1", about.number)
    return {row["value"] for row in rows}


async def test_what_ended_a_minute_ago_goes_and_is_no_longer_counted(
    pool: Pool, cleaner: Pool, superuser: Superuser
) -> None:
    now = int(await superuser.fetchval("SELECT extract(epoch FROM now())"))
    tenant, about = await made(pool, ("ended", now - 120), ("ends", now - 5), ("stays", NEVER))
    await clear(cleaner)
    assert await left(superuser, about) == {"ends", "stays"}
    stored = await PostgresLists(pool).get(tenant, "blocked")
    assert stored is not None
    assert stored.entries == 2


async def test_trace_of_a_removed_entry_goes_after_an_hour(pool: Pool, cleaner: Pool, superuser: Superuser) -> None:
    tenant, about = await made(pool, ("old", NEVER), ("young", NEVER), ("stays", NEVER))
    contents = PostgresListContents(pool)
    await remove(pool, tenant, about, "old")
    (before,) = await contents.lists(tenant)
    await remove(pool, tenant, about, "young")
    await superuser.execute(
        "UPDATE value_list_entries SET changed_at = now() - interval '61 minutes' WHERE value = 'old'"
    )
    await superuser.execute("UPDATE value_list_entries SET changed_at = now() WHERE value = 'young'")
    await clear(cleaner)
    assert await left(superuser, about) == {"young", "stays"}
    assert await contents.changed(tenant, about.number, 0, 10) is None, "who has not seen it must read all again"
    assert await contents.changed(tenant, about.number, before.changes, 10) is not None


async def test_reader_that_missed_the_end_of_an_entry_is_told_to_read_all_again(
    pool: Pool, cleaner: Pool, superuser: Superuser
) -> None:
    tenant, about = await made(pool, ("ada", NEVER))
    (before,) = await PostgresListContents(pool).lists(tenant)
    await put(pool, tenant, about, ("ada", 1_000_000_000))
    await clear(cleaner)
    assert await PostgresListContents(pool).changed(tenant, about.number, before.changes, 10) is None


async def test_entries_of_a_deleted_list_go_and_a_day_later_its_name(
    pool: Pool, cleaner: Pool, superuser: Superuser
) -> None:
    tenant, about = await made(pool, ("ada", NEVER))
    kept = await made(pool, ("ada", NEVER))
    async with PostgresLists(pool).begin(tenant) as changes:
        await changes.delete("blocked")
    await clear(cleaner)
    assert (await left(superuser, about), await left(superuser, kept[1])) == (set(), {"ada"})
    numbered = "SELECT count(*) FROM value_lists WHERE number = $1"
    assert await superuser.fetchval(numbered, about.number) == 1
    await superuser.execute(
        "UPDATE value_lists SET deleted_at = now() - interval '25 hours' WHERE number = $1", about.number
    )
    await clear(cleaner)
    assert await superuser.fetchval(numbered, about.number) == 0


async def test_clearing_waits_for_a_change_and_counts_right(pool: Pool, cleaner: Pool, superuser: Superuser) -> None:
    """The value that goes because it has ended is put again at the same moment."""
    tenant, about = await made(pool, ("ada", 1_000_000_000))
    async with PostgresLists(pool).begin(tenant) as changes:
        clearing = asyncio.create_task(clear(cleaner))
        await asyncio.sleep(0.3)
        assert await changes.put(about.number, [Values(about).entry("ada")], AUTHOR) == (0, 1)
    await clearing
    stored = await PostgresLists(pool).get(tenant, "blocked")
    assert stored is not None
    assert (stored.entries, await left(superuser, about)) == (1, {"ada"})


async def seen(pool: Pool, table: str, *tenants: str) -> set[str]:
    async with transaction(pool, tenants) as connection:
        return {str(row["tenant_id"]) for row in await connection.fetch(f"SELECT tenant_id FROM {table}")}


@pytest.mark.parametrize("table", TABLES[:3])
async def test_rows_of_the_named_tenants_are_seen_and_no_others(pool: Pool, table: str) -> None:
    (first, _), (second, _) = await made(pool, ("ada", NEVER)), await made(pool, ("ada", NEVER))
    assert await seen(pool, table) == set()
    assert await seen(pool, table, first) == {first}
    assert await seen(pool, table, first, second) == {first, second}


async def test_list_of_another_tenant_is_neither_read_nor_changed(pool: Pool, superuser: Superuser) -> None:
    _, about = await made(pool, ("ada", NEVER))
    other, own = await made(pool, ("own", NEVER))
    lists, contents = PostgresLists(pool), PostgresListContents(pool)
    assert await lists.entries(other, about.number, EntryFilter(), "", 10, 0) == []
    assert len(await contents.read(other, about.number, None, 10)) == 0
    assert await contents.changed(other, about.number, 0, 10) is None
    async with lists.begin(other) as changes:
        assert await changes.remove(about.number, ["ada"], AUTHOR) == 0
        assert await changes.put(about.number, [Values(own).entry("eve")], AUTHOR)
    assert await left(superuser, about) == {"ada"}


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM value_list_entries",
        "DELETE FROM value_lists",
        "DELETE FROM value_list_heads",
        "TRUNCATE value_list_entries",
        "ALTER TABLE value_lists DISABLE ROW LEVEL SECURITY",
    ],
)
async def test_service_deletes_nothing(pool: Pool, statement: str) -> None:
    tenant, _ = await made(pool, ("ada", NEVER))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(pool, [tenant]) as connection:
            await connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT value FROM value_list_entries",
        "SELECT seed FROM value_lists",
        "SELECT data FROM value_list_imports",
        "UPDATE value_lists SET kind = 'allow'",
        "UPDATE value_list_heads SET revision = 7",
        "UPDATE value_list_entries SET removed = true",
    ],
)
async def test_cleaner_sees_no_value_and_changes_nothing(pool: Pool, cleaner: Pool, statement: str) -> None:
    await made(pool, ("ada", NEVER))
    async with cleaner.acquire() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


@pytest.mark.parametrize("table", TABLES[1:])
async def test_cleaner_deletes_nothing_that_is_not_over(pool: Pool, cleaner: Pool, table: str) -> None:
    tenant, about = await made(pool, ("ada", NEVER), ("bob", NEVER))
    await remove(pool, tenant, about, "bob")
    async with cleaner.acquire() as connection:
        await connection.execute(f"DELETE FROM {table} WHERE number = $1", about.number)
    assert await PostgresLists(pool).get(tenant, "blocked") is not None
    assert await seen(pool, "value_list_entries", tenant) == {tenant}
