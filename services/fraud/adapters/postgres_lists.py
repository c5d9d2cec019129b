"""Reads lists of values from PostgreSQL, under row-level security. `postgres_list_changes` changes them."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from meshkit.storage.locks import bounded, under_change
from meshkit.storage.postgres import Pool, transaction
from meshkit.storage.reads import ReadLimits, Reads
from services.fraud.adapters.engine_revisions import CHANNEL
from services.fraud.adapters.list_rows import LIST_COLUMNS, list_of
from services.fraud.adapters.postgres_list_changes import PostgresListChanges
from services.fraud.domain.value_lists.lists import MAX_VALUE, EntryFilter, StoredEntry, ValueList
from services.fraud.ports.value_lists import ListChanges

__all__ = ["PostgresLists"]

_GET = f"SELECT {LIST_COLUMNS} FROM value_lists WHERE tenant_id = $1 AND name = $2 AND deleted_at IS NULL"
_PAGE = f"""
SELECT {LIST_COLUMNS} FROM value_lists WHERE tenant_id = $1 AND name > $2 AND deleted_at IS NULL
ORDER BY name LIMIT $3"""

# The lock of the tenant's lists. Who listens is told when this commits.
_LOCK = """
INSERT INTO value_list_heads AS h (tenant_id, revision) VALUES ($1, 1)
ON CONFLICT (tenant_id) DO UPDATE SET revision = h.revision + 1"""
_TELL = f"SELECT pg_notify('{CHANNEL}', $1)"

_ENTRIES = """
SELECT value, ends, note, changed_by, changed_at FROM value_list_entries
WHERE tenant_id = $1 AND number = $2 AND value > $3 AND value BETWEEN $4 AND $5 AND NOT removed AND ends > $6
ORDER BY value LIMIT $7"""

LAST = chr(sys.maxunicode) * MAX_VALUE
"""After every value."""


class PostgresLists:
    """Implements `ListStore`. Lists and entries are read over connections of `reads`."""

    def __init__(self, pool: Pool, reads: Reads | None = None) -> None:
        self._pool = pool
        self._reads = reads or Reads(pool, ReadLimits())

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[ListChanges]:
        async with transaction(self._pool, [tenant_id]) as connection:
            with bounded(under_change("lists")):
                await connection.execute(_LOCK, tenant_id)
            await connection.execute(_TELL, tenant_id)
            yield PostgresListChanges(connection, tenant_id)

    async def get(self, tenant_id: str, name: str) -> ValueList | None:
        async with self._reads.of(tenant_id) as connection:
            row = await connection.fetchrow(_GET, tenant_id, name)
        return list_of(row) if row is not None else None

    async def page(self, tenant_id: str, after: str, limit: int) -> Sequence[ValueList]:
        async with self._reads.of(tenant_id) as connection:
            return [list_of(row) for row in await connection.fetch(_PAGE, tenant_id, after, limit)]

    async def entries(
        self, tenant_id: str, number: int, only: EntryFilter, after: str, limit: int, now: int
    ) -> Sequence[StoredEntry]:
        async with self._reads.of(tenant_id) as connection:
            rows = await connection.fetch(_ENTRIES, tenant_id, number, after, *_bounds(only), now, limit)
        return [StoredEntry(*row) for row in rows]


def _bounds(only: EntryFilter) -> tuple[str, str]:
    """Returns the first and the last value that may be listed, so that no others are looked at."""
    if only.value:
        return (only.value, only.value) if only.value.startswith(only.prefix) else (LAST, "")
    return only.prefix, only.prefix + LAST
