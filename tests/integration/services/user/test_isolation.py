"""Row-level security of the users, as the service's own role meets it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from meshkit.ids import uuid7
from meshkit.named_requests import NamedRequest
from meshkit.storage.named_requests import RequestRetention
from meshkit.storage.postgres import Pool, open_pool, transaction
from services.user.adapters.postgres import PostgresUsers
from services.user.adapters.postgres_changes import PostgresWriter
from services.user.domain.users import User
from tests.integration.conftest import FreshDatabase
from tests.support.servers import Database

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(scope="module")
def database(fresh_database: FreshDatabase) -> Database:
    return fresh_database("user")


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(database.dsn, size=1)
    yield pool
    await pool.close()


@pytest.fixture
async def tenants(pool: Pool) -> tuple[str, str]:
    """Two tenants with one user each, of the same identifier."""
    made = (str(uuid7()), str(uuid7()))
    for tenant in made:
        async with PostgresWriter(pool).begin(tenant) as changes:
            assert await changes.create_user(User("u1", "", "", "", "", NOW, NOW, UUID(int=1)))
            assert await changes.claim(NamedRequest(UUID(int=2), "CreateUser", b"")) is None
    return made


async def seen(pool: Pool, *tenants: str, table: str = "users") -> set[str]:
    async with transaction(pool, tenants) as connection:
        return {str(row["tenant_id"]) for row in await connection.fetch(f"SELECT tenant_id FROM {table}")}


@pytest.mark.parametrize("table", ["users", "requests"])
async def test_rows_of_the_named_tenants_are_seen_and_no_others(
    pool: Pool, tenants: tuple[str, str], table: str
) -> None:
    first, second = tenants
    assert await seen(pool, table=table) == set()
    assert await seen(pool, first, table=table) == {first}
    assert await seen(pool, first, second, table=table) == {first, second}
    assert await seen(pool, str(uuid7()), table=table) == set()


async def test_tenants_are_forgotten_with_their_transaction(pool: Pool, tenants: tuple[str, str]) -> None:
    assert await seen(pool, *tenants) == set(tenants)
    async with pool.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM users") == 0


async def test_tenants_are_forgotten_when_a_transaction_fails(pool: Pool, tenants: tuple[str, str]) -> None:
    with pytest.raises(ZeroDivisionError):
        async with transaction(pool, tenants):
            raise ZeroDivisionError
    async with pool.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM users") == 0


async def test_row_for_another_tenant_is_refused(pool: Pool, tenants: tuple[str, str]) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with transaction(pool, tenants[:1]) as connection:
            await connection.execute(
                "INSERT INTO users (tenant_id, user_id, base_risk, tier, chargeback_count, created_at, updated_at)"
                " VALUES ($1, 'new', 0.1, 'standard', 0, now(), now())",
                tenants[1],
            )


async def test_answer_for_another_tenant_is_refused(pool: Pool, tenants: tuple[str, str]) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with transaction(pool, tenants[:1]) as connection:
            await connection.execute(
                "INSERT INTO requests (tenant_id, request_id, method, fingerprint, response)"
                " VALUES ($1, gen_random_uuid(), '', '', '')",
                tenants[1],
            )


async def test_answer_cannot_be_deleted_before_its_time(pool: Pool, tenants: tuple[str, str]) -> None:
    for cleaning in ("off", "on"):
        async with transaction(pool, tenants) as connection:
            await connection.execute("SELECT set_config('rampart.cleaning', $1, true)", cleaning)
            assert await connection.execute("DELETE FROM requests") == "DELETE 0"
    assert await seen(pool, *tenants, table="requests") == set(tenants)


async def test_old_answer_is_seen_and_deleted_only_by_who_says_that_it_cleans_up(
    database: Database, pool: Pool, tenants: tuple[str, str]
) -> None:
    async with transaction(pool, tenants) as connection:
        await connection.execute("UPDATE requests SET created_at = now() - interval '25 hours'")
    async with transaction(pool, ()) as connection:
        assert await connection.fetchval("SELECT count(*) FROM requests") == 0
        assert await connection.execute("DELETE FROM requests") == "DELETE 0"
    assert await RequestRetention(pool).delete() >= 2
    assert await seen(pool, *tenants, table="requests") == set()


async def test_young_answer_outlives_the_cleaning(pool: Pool, tenants: tuple[str, str]) -> None:
    async with transaction(pool, tenants[:1]) as connection:
        await connection.execute("UPDATE requests SET created_at = now() - interval '24 hours 1 minute'")
    async with transaction(pool, tenants[1:]) as connection:
        await connection.execute("UPDATE requests SET created_at = now() - interval '23 hours 59 minutes'")
    await RequestRetention(pool).delete()
    assert await seen(pool, *tenants, table="requests") == {tenants[1]}


async def test_row_cannot_be_handed_to_another_tenant(pool: Pool, tenants: tuple[str, str]) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with transaction(pool, tenants[:1]) as connection:
            await connection.execute("UPDATE users SET tenant_id = $1, user_id = 'moved'", tenants[1])


async def test_update_without_a_condition_stays_within_the_tenant(pool: Pool, tenants: tuple[str, str]) -> None:
    async with transaction(pool, tenants[:1]) as connection:
        assert await connection.execute("UPDATE users SET display_name = 'changed'") == "UPDATE 1"
    other = await PostgresUsers(pool).get(tenants[1], "u1")
    assert other is not None
    assert other.display_name == ""


async def test_deletion_without_a_condition_stays_within_the_tenant(pool: Pool, tenants: tuple[str, str]) -> None:
    async with transaction(pool, tenants[:1]) as connection:
        assert await connection.execute("DELETE FROM users") == "DELETE 1"
    assert await PostgresUsers(pool).get(tenants[1], "u1") is not None
    async with PostgresWriter(pool).begin(tenants[0]) as changes:
        assert not await changes.delete_user("u1", None)


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE users",
        "DROP POLICY own ON users",
        "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
        "SET ROLE rampart_user_owner",
        "CREATE TABLE mine (x int)",
    ],
)
async def test_service_role_can_do_no_more_than_it_needs(pool: Pool, tenants: tuple[str, str], statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(pool, tenants) as connection:
            await connection.execute(statement)


async def test_security_is_forced_on_every_table_of_tenants(database: Database, tenants: tuple[str, str]) -> None:
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        rows = await owner.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            " AND NOT (relrowsecurity AND relforcerowsecurity)"
        )
        assert await owner.fetchval("SELECT count(*) FROM users") == 0
    finally:
        await owner.close()
    assert {row["relname"] for row in rows} == {"schema_migrations"}


async def test_rows_are_hidden_by_the_policy_and_by_nothing_else(
    database: Database, pool: Pool, tenants: tuple[str, str]
) -> None:
    # Guards the tests above: with the security off, what they look at is there to be seen.
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        await owner.execute("ALTER TABLE users DISABLE ROW LEVEL SECURITY")
        assert set(tenants) <= await seen(pool)
    finally:
        await owner.execute("ALTER TABLE users ENABLE ROW LEVEL SECURITY")
        await owner.close()
    assert await seen(pool) == set()
