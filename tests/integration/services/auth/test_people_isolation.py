"""Row-level security of members and of what they sign in with, as the service's own role meets it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest

from meshkit.storage.postgres import Pool, open_pool, transaction
from services.auth.domain.links import LinkKind
from services.auth.domain.members import Member
from services.auth.domain.passkeys import Ceremony, CeremonyKind, Passkey
from tests.support.people import NOW, People, act, in_postgres, link_of
from tests.support.servers import Database
from tests.support.tenants import add_tenant

TABLES = ["members", "passwords", "member_links", "member_marks", "member_totp", "recovery_codes", "passkeys"]


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(database.dsn, size=2)
    yield pool
    await pool.close()


@pytest.fixture
async def two(pool: Pool) -> list[Member]:
    """Two members of two tenants, who have everything that can be had."""
    return [await equipped(in_postgres(pool)) for _ in range(2)]


async def equipped(people: People) -> Member:
    await add_tenant(people.directory, people.tenant)
    member, stores = await people.join(), people.stores
    own = member.tenant_id, member.member_id
    await stores.links.put_link(link_of(member, LinkKind.RESET), member.roles, act(member))
    await stores.passwords.note_sign_in(*own, [secrets.token_bytes(32)], NOW)
    await stores.codes.begin_totp(*own, b"sealed", act(member))
    await stores.codes.replace_codes(*own, [secrets.token_bytes(32)], act(member))
    await stores.passkeys.add_passkey(Passkey(secrets.token_bytes(16), *own, b"key", 0, "Laptop", NOW), 9, act(member))
    await stores.members.require_second_factor(own[0], True, act(member))
    return member


@pytest.mark.parametrize("table", [*TABLES, "sign_in_policies"])
async def test_rows_of_the_named_tenant_are_seen_and_no_others(pool: Pool, two: list[Member], table: str) -> None:
    async with transaction(pool, []) as connection:
        assert await connection.fetch(f"SELECT tenant_id FROM {table} WHERE tenant_id IS NOT NULL") == []
    async with transaction(pool, [two[0].tenant_id]) as connection:
        rows = await connection.fetch(f"SELECT tenant_id FROM {table}")
        assert {str(row["tenant_id"]) for row in rows} == {two[0].tenant_id}


@pytest.mark.parametrize(
    ("setting", "table", "key"),
    [
        ("rampart.member", "members", "member_id::text"),
        ("rampart.link", "member_links", "encode(link_hash, 'hex')"),
        ("rampart.passkey", "passkeys", "encode(credential_id, 'hex')"),
    ],
)
async def test_key_opens_one_row_to_be_read(pool: Pool, two: list[Member], setting: str, table: str, key: str) -> None:
    async with transaction(pool, [two[1].tenant_id]) as connection:
        name = await connection.fetchval(f"SELECT {key} FROM {table} WHERE tenant_id = $1", two[1].tenant_id)
    async with transaction(pool, []) as connection:
        await connection.execute("SELECT set_config($1, $2, true)", setting, name)
        rows = await connection.fetch(f"SELECT tenant_id, {key} AS key FROM {table}")
        assert [row["key"] for row in rows] == [name]
        column = {"members": "display_name = ''", "member_links": "kind = 'reset'", "passkeys": "sign_count = 1"}[table]
        assert await connection.execute(f"UPDATE {table} SET {column}") == "UPDATE 0"


async def test_ceremony_belongs_to_who_has_its_secret(pool: Pool, two: list[Member]) -> None:
    passkeys = in_postgres(pool).stores.passkeys
    far = NOW.replace(year=2100)
    for member in two:
        state = secrets.token_bytes(32)
        kind = CeremonyKind.AUTHENTICATION
        await passkeys.begin_ceremony(Ceremony(state, kind, b"c", member.tenant_id, member.member_id, far))
    async with transaction(pool, [two[0].tenant_id]) as connection:
        assert await connection.fetch("SELECT state_hash FROM passkey_ceremonies") == []
        assert await connection.execute("DELETE FROM passkey_ceremonies") == "DELETE 0"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM members",
        "UPDATE members SET tenant_id = gen_random_uuid()",
        "UPDATE members SET member_id = gen_random_uuid()",
        "UPDATE passwords SET member_id = gen_random_uuid()",
        "UPDATE passkeys SET public_key = 'x'",
        "UPDATE passkeys SET member_id = gen_random_uuid()",
        "UPDATE member_links SET member_id = gen_random_uuid()",
        "UPDATE recovery_codes SET code_hash = 'x'",
        "DELETE FROM sign_in_policies",
        "ALTER TABLE members NO FORCE ROW LEVEL SECURITY",
    ],
)
async def test_service_role_can_do_no_more_than_it_needs(pool: Pool, two: list[Member], statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(pool, [two[0].tenant_id]) as connection:
            await connection.execute(statement)


async def test_no_secret_is_stored_as_it_is(pool: Pool, two: list[Member]) -> None:
    async with transaction(pool, [two[0].tenant_id]) as connection:
        for table in TABLES[1:]:
            text = str([dict(row) for row in await connection.fetch(f"SELECT * FROM {table}")])
            assert two[0].email not in text and "rln_" not in text
