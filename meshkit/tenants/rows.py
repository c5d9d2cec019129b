"""Reads and deletes the rows of one tenant, whatever tables there are."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from meshkit.storage.postgres import Pool, transaction
from meshkit.tenants.tables import TableOfTenants, erasable, exportable

__all__ = ["ErasedPart", "ExportedRows", "erase", "export"]

CHUNK_BYTES = 1 << 20
SLICE_ROWS = 1_000
FETCHED_ROWS = 500
FETCHED_LARGE_ROWS = 4
WAIT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ExportedRows:
    """A part of the rows of a table, as JSON lines; it may end within one."""

    lines: bytes
    count: int
    """How many rows end in it."""


@dataclass(frozen=True, slots=True)
class ErasedPart:
    """What was deleted, and whether there may be more."""

    rows: dict[str, int]
    """By the names of tables."""
    more: bool


async def export(pool: Pool, tenant_id: str) -> AsyncIterator[TableOfTenants | ExportedRows]:
    """Yields each table and then its rows of the tenant, all of one moment. Raises UNAVAILABLE."""
    async with transaction(pool, [tenant_id], wait=WAIT_SECONDS, snapshot=True) as connection:
        for table in await exportable(connection):
            yield table
            statement = f'SELECT row_to_json(each)::text AS line FROM "{table.name}" AS each'
            rows = connection.cursor(statement, prefetch=FETCHED_LARGE_ROWS if table.has_bytes else FETCHED_ROWS)
            found = bytearray()
            async for row in rows:
                found += row["line"].encode() + b"\n"
                while len(found) >= CHUNK_BYTES:
                    yield _part(found[:CHUNK_BYTES])
                    del found[:CHUNK_BYTES]
            if found:
                yield _part(found)


async def erase(
    pool: Pool, tenant_id: str, seconds: float, *, clock: Callable[[], float] = time.monotonic
) -> ErasedPart:
    """Deletes rows of the tenant until there are none or the time is over. Raises UNAVAILABLE.

    Each slice is a transaction of its own, so that what is deleted stays so whatever happens to the rest.
    """
    end, erased = clock() + seconds, Counter[str]()
    async with transaction(pool, [tenant_id], wait=WAIT_SECONDS) as connection:
        tables = await erasable(connection)
    for table in tables:
        while gone := await _delete(pool, tenant_id, table):
            erased[table.name] += gone
            if clock() >= end:
                return ErasedPart(dict(erased), more=True)
    return ErasedPart(dict(erased), more=False)


def _part(lines: bytearray) -> ExportedRows:
    # Within JSON a line feed is escaped.
    return ExportedRows(bytes(lines), lines.count(b"\n"))


async def _delete(pool: Pool, tenant_id: str, table: TableOfTenants) -> int:
    async with transaction(pool, [tenant_id], wait=WAIT_SECONDS) as connection:
        done = await connection.execute(_statement(table), SLICE_ROWS)
    return int(done.rpartition(" ")[2])


def _statement(table: TableOfTenants) -> str:
    # Row-level security shows the rows of the tenant alone. A row is found fastest by its place, within one partition.
    if not table.partitioned:
        return f'DELETE FROM "{table.name}" WHERE ctid = ANY (ARRAY(SELECT ctid FROM "{table.name}" LIMIT $1))'
    key = ", ".join(f'"{column}"' for column in table.key)
    return f'DELETE FROM "{table.name}" WHERE ({key}) IN (SELECT {key} FROM "{table.name}" LIMIT $1)'
