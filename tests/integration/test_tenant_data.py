"""Two tenants with rows in every table of every service: one is exported and erased, and the other notices nothing.

Tables and columns are read from the catalogue, so that a table which is made tomorrow is tested tomorrow.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import asyncpg
import pytest

from meshkit.ids import uuid7
from meshkit.storage.postgres import Pool, open_pool, transaction
from meshkit.tenants import rows as of_tenants
from meshkit.topology import load
from tests.integration.conftest import FreshDatabase
from tests.support.seeding import EACH, SeedTable, rows_naming, seed, seed_tables
from tests.support.servers import Database, finish

KEPT = ("audit_",)
"""How the names of tables begin of which the rows of an erased tenant stay."""
Rows = Mapping[str, list[str]]


@dataclass(frozen=True)
class Seeded:
    """A database with rows of two tenants in every table that has tenants."""

    database: Database
    tables: list[SeedTable]
    """Of all rows, also those of no tenant."""
    gone: str
    stays: str


@pytest.fixture(scope="module", params=load().names)
def seeded(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Seeded:
    async def fill(database: Database, tenants: list[str]) -> list[SeedTable]:
        session = await asyncpg.connect(database.server.dsn(database.name))
        try:
            tables = await seed_tables(session)
            lent = {table.name for table in tables if table.of_tenant} | {"dead_letters"}
            await seed(session, [t for t in tables if t.name in lent and not t.name.startswith(KEPT)], tenants)
            if database.service == "auth":
                refusal = "INSERT INTO revocations (tenant_id, kind, name) VALUES ($1, 'tenant', '')"
                await session.executemany(refusal, [(tenant,) for tenant in tenants])
            return tables
        finally:
            await session.close()

    database, tenants = fresh_database(request.param), [str(uuid7()), str(uuid7())]
    return Seeded(database, finish(fill(database, tenants)), *tenants)


@pytest.fixture
async def root(seeded: Seeded) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    session = await asyncpg.connect(seeded.database.server.dsn(seeded.database.name))
    yield session
    await session.close()


@pytest.fixture
async def eraser(seeded: Seeded) -> AsyncIterator[Pool]:
    database = seeded.database
    role = load().service(database.service).user("eraser")
    pool = await open_pool(database.server.dsn(database.name, role), size=2)
    yield pool
    await pool.close()


async def naming(root: asyncpg.Connection[asyncpg.Record], seeded: Seeded, tenant: str) -> Rows:
    found = {table.name: await rows_naming(root, table, tenant) for table in seeded.tables}
    return {name: rows for name, rows in found.items() if rows}


async def exported(eraser: Pool, tenant: str) -> tuple[Rows, Mapping[str, int]]:
    """Returns the lines of each table that has some, and how many it was told to have."""
    texts, counts = defaultdict[str, bytes](bytes), defaultdict[str, int](int)
    name = ""
    async for part in of_tenants.export(eraser, tenant):
        if isinstance(part, of_tenants.ExportedRows):
            texts[name] += part.lines
            counts[name] += part.count
        else:
            name = part.name
    return {name: sorted(text.decode().splitlines()) for name, text in texts.items()}, counts


async def test_every_table_with_a_tenant_is_seeded_for_both(
    root: asyncpg.Connection[asyncpg.Record], seeded: Seeded
) -> None:
    wanted = {table.name for table in seeded.tables if table.of_tenant and not table.name.startswith(KEPT)}
    for tenant in (seeded.gone, seeded.stays):
        found = await naming(root, seeded, tenant)
        assert wanted <= found.keys()


async def test_export_has_every_row_of_the_tenant_and_no_other(
    root: asyncpg.Connection[asyncpg.Record], seeded: Seeded, eraser: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Parts that end within rows, and that end with one.
    monkeypatch.setattr(of_tenants, "CHUNK_BYTES", 100)
    lines, counts = await exported(eraser, seeded.gone)
    assert lines == await naming(root, seeded, seeded.gone)
    assert counts == {name: len(rows) for name, rows in lines.items()}
    assert all(isinstance(json.loads(line), dict) for rows in lines.values() for line in rows)


async def test_eraser_sees_nothing_without_a_tenant_and_changes_nothing(seeded: Seeded, eraser: Pool) -> None:
    names = [table.name for table in seeded.tables if table.of_tenant and not table.name.startswith(KEPT)]
    for name in names:
        async with transaction(eraser, ()) as connection:
            assert await connection.fetchval(f'SELECT count(*) FROM "{name}"') == 0
            assert await connection.execute(f'DELETE FROM "{name}"') == "DELETE 0"
        for statement in (f'UPDATE "{name}" SET tenant_id = tenant_id', f'INSERT INTO "{name}" DEFAULT VALUES'):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with transaction(eraser, [seeded.gone]) as connection:
                    await connection.execute(statement)


async def test_nothing_is_left_of_an_erased_tenant_and_everything_of_the_other(
    root: asyncpg.Connection[asyncpg.Record], seeded: Seeded, eraser: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, others = await naming(root, seeded, seeded.gone), await naming(root, seeded, seeded.stays)
    monkeypatch.setattr(of_tenants, "SLICE_ROWS", EACH - 1)
    # No time at all: each call ends after one slice, as if the process had died then, and the next goes on.
    calls, deleted = 1, defaultdict[str, int](int)
    while (part := await of_tenants.erase(eraser, seeded.gone, 0.0)).more:
        calls += 1
        for name, count in part.rows.items():
            deleted[name] += count
    assert calls > len(before)
    left = await naming(root, seeded, seeded.gone)
    assert deleted == {name: len(rows) - len(left.get(name, [])) for name, rows in before.items()}
    # That its tokens are refused holds until the last of them has expired.
    stays = {"revocations": ["tenant"]} if seeded.database.service == "auth" else {}
    assert {name: [json.loads(row)["kind"] for row in rows] for name, rows in left.items()} == stays
    assert await naming(root, seeded, seeded.stays) == others
    assert not (await of_tenants.erase(eraser, seeded.gone, 5.0)).rows
