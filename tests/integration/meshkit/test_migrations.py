"""Migrations run once each, in order, whoever starts first."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import asyncpg
import pytest

from meshkit.settings import Reader
from meshkit.storage.migrations import MigrationError, migrate, migrate_service, role_of
from tests.support.servers import Database, PostgresServer

ROLES = {"service": "rampart_user_service"}


@pytest.fixture
async def database(postgres: PostgresServer) -> Database:
    """An empty one."""
    return await postgres.create_database("user", f"migrations_{secrets.token_hex(4)}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_things.sql").write_text("CREATE TABLE things (n int); GRANT SELECT ON things TO {service};")
    (tmp_path / "0002_more.sql").write_text("INSERT INTO things VALUES (1);")
    (tmp_path / "notes.txt").write_text("no migration")
    return tmp_path


async def value(database: Database, statement: str) -> object:
    connection = await asyncpg.connect(database.owner_dsn, timeout=5)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close(timeout=5)


async def test_what_is_missing_is_applied_in_order_and_once(database: Database, folder: Path) -> None:
    assert await migrate(database.owner_dsn, folder, ROLES) == ["0001_things", "0002_more"]
    assert await migrate(database.owner_dsn, folder, ROLES) == []
    (folder / "0003_last.sql").write_text("INSERT INTO things VALUES (2);")
    assert await migrate(database.owner_dsn, folder, ROLES) == ["0003_last"]
    assert await value(database, "SELECT count(*) FROM things") == 2


async def test_placeholders_stand_for_roles(database: Database, folder: Path) -> None:
    await migrate(database.owner_dsn, folder, ROLES)
    assert await value(database, "SELECT has_table_privilege('rampart_user_service', 'things', 'SELECT')")
    assert not await value(database, "SELECT has_table_privilege('rampart_data_service', 'things', 'SELECT')")


async def test_concurrent_starts_apply_each_once(database: Database, folder: Path) -> None:
    (folder / "0001_things.sql").write_text("CREATE TABLE things (n int); SELECT pg_sleep(0.3);")
    applied = await asyncio.gather(*[migrate(database.owner_dsn, folder, ROLES) for _ in range(6)])
    assert sorted(applied) == [[]] * 5 + [["0001_things", "0002_more"]]
    assert await value(database, "SELECT count(*) FROM things") == 1


async def test_file_that_changed_after_it_was_applied_stops_the_start(database: Database, folder: Path) -> None:
    await migrate(database.owner_dsn, folder, ROLES)
    (folder / "0002_more.sql").write_text("INSERT INTO things VALUES (99);")
    (folder / "0003_last.sql").write_text("INSERT INTO things VALUES (3);")
    with pytest.raises(MigrationError, match=r"0002_more\.sql changed after it was applied"):
        await migrate(database.owner_dsn, folder, ROLES)
    assert await value(database, "SELECT sum(n) FROM things") == 1


async def test_database_ahead_of_this_version_stops_the_start(database: Database, folder: Path) -> None:
    await migrate(database.owner_dsn, folder, ROLES)
    (folder / "0002_more.sql").unlink()
    with pytest.raises(MigrationError, match="0002_more, which this version does not know"):
        await migrate(database.owner_dsn, folder, ROLES)


async def test_migration_that_fails_leaves_nothing_and_can_be_tried_again(database: Database, folder: Path) -> None:
    (folder / "0002_more.sql").write_text("INSERT INTO things VALUES (1); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(database.owner_dsn, folder, ROLES)
    assert await value(database, "SELECT count(*) FROM things") == 0
    (folder / "0002_more.sql").write_text("INSERT INTO things VALUES (1);")
    assert await migrate(database.owner_dsn, folder, ROLES) == ["0002_more"]


OUTSIDE = """-- outside a transaction
-- What an earlier attempt left half built; goes first.
DROP INDEX CONCURRENTLY IF EXISTS things_n;
CREATE UNIQUE INDEX CONCURRENTLY things_n ON things (n);
"""


async def test_index_is_built_while_others_write_and_concurrent_starts_wait(database: Database, folder: Path) -> None:
    await migrate(database.owner_dsn, folder, ROLES)
    (folder / "0003_index.sql").write_text(OUTSIDE)
    writer = await asyncpg.connect(database.owner_dsn, timeout=5)
    try:
        async with writer.transaction():
            await writer.execute("INSERT INTO things VALUES (2)")
            starts = [asyncio.create_task(migrate(database.owner_dsn, folder, ROLES)) for _ in range(4)]
            # The index waits for this transaction, which goes on writing.
            await asyncio.sleep(0.5)
            await writer.execute("INSERT INTO things VALUES (3)")
        async with asyncio.timeout(20):
            applied = await asyncio.gather(*starts)
    finally:
        await writer.close(timeout=5)
    assert sorted(applied) == [[]] * 3 + [["0003_index"]]
    assert await value(database, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'things_n'::regclass")


async def test_index_that_could_not_be_built_is_built_anew(database: Database, folder: Path) -> None:
    await migrate(database.owner_dsn, folder, ROLES)
    (folder / "0003_index.sql").write_text(OUTSIDE)
    await value(database, "INSERT INTO things VALUES (1)")
    with pytest.raises(asyncpg.UniqueViolationError):
        await migrate(database.owner_dsn, folder, ROLES)
    await value(database, "DELETE FROM things")
    assert await migrate(database.owner_dsn, folder, ROLES) == ["0003_index"]
    assert await value(database, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'things_n'::regclass")


@pytest.mark.parametrize("role", ['a"b', "a;b", "", "x" * 64, "a b", "1a"])
async def test_role_that_could_carry_sql_is_refused(database: Database, folder: Path, role: str) -> None:
    with pytest.raises(MigrationError, match="cannot be used as a role name"):
        await migrate(database.owner_dsn, folder, {"service": role})


@pytest.mark.parametrize(
    ("dsn", "role"),
    [
        ("postgresql://some_role:secret@/db?host=/run", "some_role"),
        ("postgresql://a%40b@host/db", "a@b"),
        ("postgresql:///db?user=asked&host=/run", "asked"),
    ],
)
def test_role_is_the_one_that_the_url_names(dsn: str, role: str) -> None:
    assert role_of(dsn) == role


def test_url_without_a_role_is_refused_without_showing_it() -> None:
    with pytest.raises(MigrationError) as caught:
        role_of("postgresql://:hidden@host/db")
    assert "hidden" not in str(caught.value)


async def test_service_migrates_as_its_owner_and_grants_to_its_own_role(database: Database, folder: Path) -> None:
    environment = {
        "RAMPART_USER_DSN": database.dsn,
        "RAMPART_USER_ERASER_DSN": database.dsn.replace("rampart_user_service", "rampart_user_eraser"),
        "RAMPART_USER_MIGRATE_DSN": database.owner_dsn,
    }
    await migrate_service(Reader(environment), "user", folder)
    assert await value(database, "SELECT tableowner::text FROM pg_tables WHERE tablename = 'things'") == (
        "rampart_user_owner"
    )
    assert await value(database, "SELECT has_table_privilege('rampart_user_service', 'things', 'SELECT')")
