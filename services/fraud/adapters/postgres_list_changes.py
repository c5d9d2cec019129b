"""Changes lists of values in PostgreSQL, in a transaction that holds the lock of its tenant's lists."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from meshkit.storage.named_requests import PostgresClaims
from services.fraud.adapters.list_rows import LIST_COLUMNS, list_of, stored_key
from services.fraud.adapters.postgres_scenarios import read_contents
from services.fraud.domain.value_lists.lists import ListChange, ListEntry, ValueList
from services.fraud.ports.features import UsingContent
from services.fraud.ports.value_lists import Author, ImportPart, ListFullError, Staged

__all__ = ["PostgresListChanges"]

STATEMENT_ROWS = 2_000
"""Most entries of a statement, so that neither end is busy with one for long."""

_CREATE = f"""
INSERT INTO value_lists (tenant_id, name, kind, field, type, description, seed, created_at, updated_at, tag)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (tenant_id, name) WHERE deleted_at IS NULL DO NOTHING
RETURNING {LIST_COLUMNS}"""
_COUNT = "SELECT count(*) FROM value_lists WHERE tenant_id = $1 AND deleted_at IS NULL"
_NAMED = "WHERE tenant_id = $1 AND name = $2 AND deleted_at IS NULL"
_GET = f"SELECT {LIST_COLUMNS} FROM value_lists {_NAMED}"
_UPDATE = f"""
UPDATE value_lists SET description = coalesce($3, description), updated_at = $4, tag = $5
{_NAMED} RETURNING {LIST_COLUMNS}"""
_DELETE = f"UPDATE value_lists SET deleted_at = now() {_NAMED} RETURNING number"

_PUT = """
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest($3::text[], $4::int2[], $5::bigint[], $6::bigint[], $7::text[]) WITH ORDINALITY
        AS t (value, key_group, key, ends, note, place)
), changed AS MATERIALIZED (
    SELECT asked.*, e.value IS NULL OR e.removed AS new
    FROM asked LEFT JOIN value_list_entries AS e ON e.number = $2 AND e.value = asked.value
    WHERE e.value IS NULL OR e.removed OR e.ends <> asked.ends OR e.note <> asked.note
), put AS (
    INSERT INTO value_list_entries AS e
        (tenant_id, number, value, key_group, key, change, ends, note, changed_by, changed_at)
    SELECT $1, $2, c.value, c.key_group, c.key, l.changes + c.place, c.ends, c.note, $8, $9
    FROM changed AS c, value_lists AS l WHERE l.number = $2
    ON CONFLICT (number, value) DO UPDATE SET change = excluded.change, ends = excluded.ends, note = excluded.note,
        changed_by = excluded.changed_by, changed_at = excluded.changed_at, removed = false
)
SELECT count(*) FILTER (WHERE new) AS new, count(*) AS changed FROM changed"""
_REMOVE = """
WITH gone AS (
    UPDATE value_list_entries AS e
    SET removed = true, note = '', change = l.changes + asked.place, changed_by = $4, changed_at = $5
    FROM unnest($3::text[]) WITH ORDINALITY AS asked (value, place), value_lists AS l
    WHERE e.tenant_id = $1 AND e.number = $2 AND l.number = $2 AND e.value = asked.value AND NOT e.removed
    RETURNING 1
)
SELECT count(*) FROM gone"""
_NUMBERED = "UPDATE value_lists SET changes = changes + $3, entries = entries + $4 WHERE tenant_id = $1 AND number = $2"
_MISSING = """
SELECT count(*) FROM unnest($3::text[]) AS asked (value) WHERE NOT EXISTS (
    SELECT FROM value_list_entries AS e
    WHERE e.tenant_id = $1 AND e.number = $2 AND e.value = asked.value AND NOT e.removed)"""

_STAGE = """
INSERT INTO value_list_imports AS i
    (tenant_id, import_id, number, first_row, rows, new, data, created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (tenant_id, number, import_id, first_row)
DO UPDATE SET rows = excluded.rows, new = excluded.new, data = excluded.data WHERE NOT i.entered"""
_STAGED = """
SELECT count(*) AS parts, coalesce(sum(rows), 0) AS rows,
    coalesce(sum(new) FILTER (WHERE NOT entered), 0) AS new, coalesce(sum(rows) FILTER (WHERE entered), 0) AS entered
FROM value_list_imports WHERE tenant_id = $1 AND number = $2 AND import_id = $3"""
_WAITING = "SELECT count(*) FROM value_list_imports WHERE tenant_id = $1 AND NOT entered"
_NEXT = """
SELECT import_id, first_row, rows, new, data FROM value_list_imports
WHERE tenant_id = $1 AND number = $2 AND import_id = $3 AND NOT entered ORDER BY first_row LIMIT 1"""
_ENTERED = """
UPDATE value_list_imports SET entered = true, data = ''
WHERE tenant_id = $1 AND number = $2 AND import_id = $3 AND first_row = $4 AND NOT entered"""


class PostgresListChanges(PostgresClaims):
    """Implements `ListChanges` on a connection with an open transaction."""

    async def create(self, made: ValueList) -> ValueList | None:
        row = await self._connection.fetchrow(
            _CREATE,
            self._tenant_id,
            made.name,
            made.kind.value,
            made.field,
            made.type.value,
            made.description,
            made.seed,
            made.created_at,
            made.updated_at,
            made.tag,
        )
        return list_of(row) if row is not None else None

    async def count(self) -> int:
        count: int = await self._connection.fetchval(_COUNT, self._tenant_id)
        return count

    async def get(self, name: str) -> ValueList | None:
        return await self._list(_GET, name)

    async def update(self, name: str, change: ListChange) -> ValueList | None:
        return await self._list(_UPDATE, name, change.description, change.at, change.tag)

    async def delete(self, name: str) -> bool:
        return await self._connection.fetchval(_DELETE, self._tenant_id, name) is not None

    async def contents(self) -> Sequence[UsingContent]:
        return await read_contents(self._connection, self._tenant_id)

    async def put(self, number: int, entries: Sequence[ListEntry], author: Author) -> tuple[int, int]:
        new = changed = 0
        for start in range(0, len(entries), STATEMENT_ROWS):
            part = entries[start : start + STATEMENT_ROWS]
            row = await self._connection.fetchrow(
                _PUT,
                self._tenant_id,
                number,
                [entry.value for entry in part],
                [entry.group for entry in part],
                [stored_key(entry.key) for entry in part],
                [entry.ends for entry in part],
                [entry.note for entry in part],
                author.client_id,
                author.at,
            )
            assert row is not None
            if row["changed"]:
                await self._count(number, len(part), row["new"])
            new, changed = new + row["new"], changed + row["changed"]
        return new, changed

    async def remove(self, number: int, values: Sequence[str], author: Author) -> int:
        gone: int = await self._connection.fetchval(
            _REMOVE, self._tenant_id, number, values, author.client_id, author.at
        )
        if gone:
            await self._count(number, len(values), -gone)
        return gone

    async def missing(self, number: int, values: Sequence[str]) -> int:
        count = 0
        for start in range(0, len(values), STATEMENT_ROWS):
            part = values[start : start + STATEMENT_ROWS]
            count += await self._connection.fetchval(_MISSING, self._tenant_id, number, part)
        return count

    async def stage(self, number: int, part: ImportPart, author: Author) -> None:
        await self._connection.execute(
            _STAGE,
            self._tenant_id,
            part.import_id,
            number,
            part.first_row,
            part.rows,
            part.new,
            part.data,
            author.client_id,
            author.at,
        )

    async def staged(self, number: int, import_id: UUID) -> Staged:
        row = await self._connection.fetchrow(_STAGED, self._tenant_id, number, import_id)
        assert row is not None
        return Staged(**dict(row.items()))

    async def waiting(self) -> int:
        count: int = await self._connection.fetchval(_WAITING, self._tenant_id)
        return count

    async def next_part(self, number: int, import_id: UUID) -> ImportPart | None:
        row = await self._connection.fetchrow(_NEXT, self._tenant_id, number, import_id)
        return ImportPart(**dict(row.items())) if row is not None else None

    async def entered(self, number: int, part: ImportPart) -> None:
        await self._connection.execute(_ENTERED, self._tenant_id, number, part.import_id, part.first_row)

    async def _count(self, number: int, changes: int, entries: int) -> None:
        try:
            await self._connection.execute(_NUMBERED, self._tenant_id, number, changes, entries)
        except asyncpg.CheckViolationError:
            raise ListFullError from None

    async def _list(self, statement: str, *values: object) -> ValueList | None:
        row = await self._connection.fetchrow(statement, self._tenant_id, *values)
        return list_of(row) if row is not None else None
