"""Row-level security of the auth database, as the service's own role meets it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from meshkit.ids import uuid7
from meshkit.storage.postgres import Pool, open_pool, transaction
from services.auth.adapters.postgres_api_keys import PostgresApiKeys
from services.auth.adapters.postgres_clients import PostgresClients
from services.auth.adapters.postgres_directory import PostgresDirectory
from services.auth.adapters.sealing import AesSealer
from services.auth.domain.clients import Client
from services.auth.domain.tenants import Tenant
from services.auth.ports import RecordedAct
from tests.integration.services.auth.test_program_ports import client_of, event, key_of
from tests.support.servers import Database
from tests.support.tenants import add_tenant

NOW = datetime(2026, 11, 21, tzinfo=UTC)
INSERT = (
    "INSERT INTO clients (client_id, tenant_id, secret_hash, scopes, rate_limit, created_at)"
    " VALUES ($1, $2, $3, '{}', 1, now())"
)


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(database.dsn, size=1)
    yield pool
    await pool.close()


@pytest.fixture
async def clients(pool: Pool) -> list[Client]:
    """Two clients of two tenants, each of which has an API key as well."""
    directory, sealer = PostgresDirectory(pool), AesSealer(secrets.token_bytes(32))
    made = []
    for _ in range(2):
        owner = await add_tenant(directory, Tenant(str(uuid7()), f"t-{secrets.token_hex(6)}", "USD", NOW))
        client, key = client_of(owner), key_of(owner)
        async with PostgresClients(pool, sealer).begin(owner.tenant_id) as changes:
            await changes.create(client, RecordedAct(event(owner.tenant_id)))
        async with PostgresApiKeys(pool, sealer).begin(owner.tenant_id) as changes_of_keys:
            await changes_of_keys.create(key, RecordedAct(event(owner.tenant_id)))
        made.append(client)
    return made


async def seen(pool: Pool, tenants: list[str], table: str = "clients") -> set[str]:
    async with transaction(pool, tenants) as connection:
        return {str(row["tenant_id"]) for row in await connection.fetch(f"SELECT tenant_id FROM {table}")}


@pytest.mark.parametrize("table", ["tenants", "clients", "api_keys"])
async def test_rows_of_the_named_tenants_are_seen_and_no_others(pool: Pool, clients: list[Client], table: str) -> None:
    first, second = (client.tenant_id for client in clients)
    assert await seen(pool, [], table) == set()
    assert await seen(pool, [first], table) == {first}
    assert await seen(pool, [first, second], table) == {first, second}
    assert await seen(pool, [str(uuid7())], table) == set()


async def test_settings_end_with_their_transaction(pool: Pool, clients: list[Client]) -> None:
    assert await PostgresClients(pool, AesSealer(secrets.token_bytes(32))).find(clients[0].client_id)
    async with pool.acquire() as connection:
        assert await connection.fetch("SELECT tenant_id FROM clients") == []
        assert await connection.fetch("SELECT tenant_id FROM tenants") == []


async def test_lookup_by_name_opens_one_row(pool: Pool, clients: list[Client]) -> None:
    async with transaction(pool, ()) as connection:
        await connection.execute("SELECT set_config('rampart.client_id', $1, true)", clients[0].client_id)
        rows = await connection.fetch("SELECT client_id FROM clients")
    assert [row["client_id"] for row in rows] == [clients[0].client_id]


async def test_lookup_by_name_does_not_let_write(pool: Pool, clients: list[Client]) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(pool, ()) as connection:
            await connection.execute("SELECT set_config('rampart.client_id', 'new', true)")
            await connection.execute(INSERT, "new", clients[0].tenant_id, secrets.token_bytes(32))


async def test_plan_of_another_tenant_is_not_changed(pool: Pool, clients: list[Client]) -> None:
    change = "UPDATE tenants SET rate_limit = 7 WHERE tenant_id = $1"
    own, other = clients[0].tenant_id, clients[1].tenant_id
    async with transaction(pool, [other]) as connection:
        name = await connection.fetchval("SELECT name FROM tenants")
    async with transaction(pool, [own]) as connection:
        # Seen by its name it is, but that does not let write.
        names = await connection.fetch("SELECT set_config('rampart.tenant_name', $1, true)", name)
        assert names and await connection.fetchval("SELECT count(*) FROM tenants") == 2
        assert await connection.execute(change, other) == "UPDATE 0"
        assert await connection.execute(change, own) == "UPDATE 1"


async def test_row_for_another_tenant_is_refused(pool: Pool, clients: list[Client]) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with transaction(pool, [clients[0].tenant_id]) as connection:
            await connection.execute(INSERT, "new", clients[1].tenant_id, secrets.token_bytes(32))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE clients SET client_id = 'x'",
        "UPDATE clients SET created_at = now()",
        "UPDATE api_keys SET scopes = '{}'",
        "UPDATE api_keys SET expires_at = now()",
        "UPDATE tenants SET name = 'x'",
        "UPDATE tenants SET default_currency = 'EUR'",
        "DELETE FROM tenants",
        "DROP POLICY own ON clients",
        "ALTER TABLE clients NO FORCE ROW LEVEL SECURITY",
        "SET ROLE rampart_auth_owner",
        "SET SESSION AUTHORIZATION rampart_auth_owner",
    ],
)
async def test_service_role_can_do_no_more_than_it_needs(pool: Pool, clients: list[Client], statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(pool, [clients[0].tenant_id]) as connection:
            await connection.execute(statement)


async def test_owner_is_bound_by_the_policies_too(database: Database, clients: list[Client]) -> None:
    connection = await asyncpg.connect(database.owner_dsn)
    try:
        assert await connection.fetchval("SELECT count(*) FROM clients") == 0
        assert await connection.fetchval("SELECT count(*) FROM tenants") == 0
    finally:
        await connection.close()


async def test_security_is_forced_on_every_table_of_tenants(database: Database) -> None:
    connection = await asyncpg.connect(database.owner_dsn)
    try:
        rows = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            " AND NOT (relrowsecurity AND relforcerowsecurity)"
        )
    finally:
        await connection.close()
    assert {row["relname"] for row in rows} == {"schema_migrations", "signing_keys", "sign_in_failures"}


async def test_rows_are_hidden_by_the_policies_and_by_nothing_else(
    database: Database, pool: Pool, clients: list[Client]
) -> None:
    # Guards the tests above: with the security off, what they look at is there to be seen.
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        await owner.execute("ALTER TABLE clients DISABLE ROW LEVEL SECURITY")
        assert {client.tenant_id for client in clients} <= await seen(pool, [])
    finally:
        await owner.execute("ALTER TABLE clients ENABLE ROW LEVEL SECURITY")
        await owner.close()
    assert await seen(pool, []) == set()


async def test_tenants_opened_for_a_list_can_be_read_and_not_changed(pool: Pool, clients: list[Client]) -> None:
    async with transaction(pool, []) as connection:
        await connection.execute("SELECT set_config('rampart.all_tenants', 'on', true)")
        found = {str(row["tenant_id"]) for row in await connection.fetch("SELECT tenant_id FROM tenants")}
        assert {client.tenant_id for client in clients} <= found
        assert await connection.execute("UPDATE tenants SET rate_limit = 1") == "UPDATE 0"
        assert await connection.fetch("SELECT client_id FROM clients") == []
    assert await seen(pool, [], "tenants") == set()


async def test_hash_of_a_key_opens_that_key_alone_and_lets_nothing_be_written(
    pool: Pool, clients: list[Client]
) -> None:
    async with transaction(pool, [clients[0].tenant_id]) as connection:
        digest = await connection.fetchval("SELECT key_hash FROM api_keys")
    async with transaction(pool, []) as connection:
        await connection.execute("SELECT set_config('rampart.key_hash', $1, true)", digest.hex())
        rows = await connection.fetch("SELECT tenant_id FROM api_keys")
        assert [str(row["tenant_id"]) for row in rows] == [clients[0].tenant_id]
        assert await connection.execute("UPDATE api_keys SET prefix = 'x'") == "UPDATE 0"
        assert await connection.execute("DELETE FROM api_keys") == "DELETE 0"
    for nothing in ("", "00" * 32):
        async with transaction(pool, []) as connection:
            await connection.execute("SELECT set_config('rampart.key_hash', $1, true)", nothing)
            assert await connection.fetch("SELECT tenant_id FROM api_keys") == []


async def test_clean_up_takes_what_is_over_and_nothing_else(pool: Pool, clients: list[Client]) -> None:
    tenant_id = clients[0].tenant_id
    insert = "INSERT INTO used_assertions VALUES ($1, 'c', $2, now() + interval '1 minute')"
    async with transaction(pool, [tenant_id]) as connection:
        await connection.execute(insert, tenant_id, secrets.token_bytes(32))
        assert await connection.execute("DELETE FROM used_assertions") == "DELETE 0"
        await connection.execute("SELECT set_config('rampart.cleaning', 'on', true)")
        assert await connection.execute("DELETE FROM used_assertions") == "DELETE 0"
        assert await connection.execute("DELETE FROM requests") == "DELETE 0"
