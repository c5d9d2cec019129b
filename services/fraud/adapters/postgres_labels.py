"""Keeps labels in PostgreSQL, under row-level security."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import asyncpg

from meshkit.storage.locks import hold_lock
from meshkit.storage.named_requests import PostgresClaims
from meshkit.storage.postgres import Connection, Pool, transaction
from meshkit.storage.reads import Reads
from services.fraud.adapters.label_events import tell_of_labels
from services.fraud.adapters.label_rows import LABEL_COLUMNS, label_of, label_row
from services.fraud.domain.labels.imports import MOST_REFUSED, ImportedRows, LabelImport
from services.fraud.domain.labels.label import LabelledTransaction, StoredLabel, in_effect
from services.fraud.ports.labels import LabelChanges, LabelFilter

__all__ = ["PostgresLabelChanges", "PostgresLabelWriter", "PostgresLabels"]

_DECIDED = """
SELECT k.transaction_id, t.decision_id, d.event_time FROM unnest($2::text[]) AS k (transaction_id)
JOIN transactions AS t ON t.tenant_id = $1 AND t.transaction_id = k.transaction_id
JOIN decisions AS d ON d.tenant_id = $1 AND d.decision_id = t.decision_id"""
_OF_TRANSACTIONS = f"""
SELECT {LABEL_COLUMNS} FROM labels WHERE tenant_id = $1 AND transaction_id = ANY ($2::text[])
ORDER BY transaction_id, number"""
_ADD = f"""
INSERT INTO labels (tenant_id, {LABEL_COLUMNS})
SELECT $1, * FROM unnest($2::text[], $3::smallint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::bigint[],
    $9::text[], $10::timestamptz[], $11::uuid[], $12::boolean[], $13::text[], $14::timestamptz[])"""
_GET = f"SELECT {LABEL_COLUMNS} FROM labels WHERE tenant_id = $1 AND label_id = $2"
_PAGE = f"""
SELECT {LABEL_COLUMNS} FROM labels WHERE tenant_id = $1 AND label_id < $2 %s ORDER BY label_id DESC LIMIT $3"""
_ADD_IMPORT = """
INSERT INTO label_imports (tenant_id, import_id, task_id, data, rows, created_by, create_time)
VALUES ($1, $2, $3, $4, $5, $6, $7)"""
_UNFINISHED = """
SELECT count(*) FROM label_imports
WHERE tenant_id = $1 AND done < rows AND create_time > now() - interval '1 day'"""
_ADVANCE = """
UPDATE label_imports SET done = done + $4, stored = stored + $5, unchanged = unchanged + $6, refused = refused + $7,
    data = CASE WHEN $8 THEN ''::bytea ELSE data END
WHERE tenant_id = $1 AND import_id = $2 AND done = $3 RETURNING refused"""
_REFUSE = """
INSERT INTO label_import_errors (tenant_id, import_id, row, field, message)
SELECT $1, $2, * FROM unnest($3::integer[], $4::text[], $5::text[])"""
LAST = UUID(int=(1 << 128) - 1)


class PostgresLabels:
    """Implements `LabelReads`."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def get(self, tenant_id: str, label_id: UUID) -> StoredLabel | None:
        async with self._reads.of(tenant_id) as connection:
            row = await connection.fetchrow(_GET, tenant_id, label_id)
            found = await _with_effect(connection, tenant_id, [row] if row else [])
        return found[0] if found else None

    async def page(self, tenant_id: str, only: LabelFilter, before: UUID | None, limit: int) -> Sequence[StoredLabel]:
        values: list[object] = []
        conditions = "AND decision_id IS NULL AND NOT refused" if only.pending else ""
        asked = {"transaction_id": only.transaction_id, "label": only.kind.value if only.kind else "",
                 "source": only.source}  # fmt: skip
        for column, value in asked.items():
            if value:
                values.append(value)
                conditions += f" AND {column} = ${3 + len(values)}"
        async with self._reads.of(tenant_id) as connection:
            rows = await connection.fetch(_PAGE % conditions, tenant_id, before or LAST, limit, *values)
            return await _with_effect(connection, tenant_id, rows)


class PostgresLabelWriter:
    """Implements `LabelWriter`. `on_commit` is told that the outbox has more."""

    def __init__(self, pool: Pool, on_commit: Callable[[], None] = lambda: None) -> None:
        self._pool = pool
        self._on_commit = on_commit

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[LabelChanges]:
        async with transaction(self._pool, [tenant_id]) as connection:
            # Labels of a tenant are numbered one after another.
            await hold_lock(connection, "labels", tenant_id)
            yield PostgresLabelChanges(connection, tenant_id)
        self._on_commit()


class PostgresLabelChanges(PostgresClaims):
    """Implements `LabelChanges` on a connection with an open transaction."""

    async def transactions(self, transaction_ids: Collection[str]) -> Mapping[str, LabelledTransaction]:
        asked = self._tenant_id, list(transaction_ids)
        decided = {row["transaction_id"]: row for row in await self._connection.fetch(_DECIDED, *asked)}
        labels: dict[str, list[StoredLabel]] = {}
        for row in await self._connection.fetch(_OF_TRANSACTIONS, *asked):
            labels.setdefault(row["transaction_id"], []).append(label_of(row))
        found = {}
        for each in transaction_ids:
            made = decided.get(each)
            decision_id, event_at = (str(made["decision_id"]), made["event_time"]) if made else (None, None)
            found[each] = LabelledTransaction(decision_id, event_at, labels.get(each, ()))
        return found

    async def add(self, labels: Sequence[StoredLabel]) -> None:
        if labels:
            columns = zip(*map(label_row, labels), strict=True)
            await self._connection.execute(_ADD, self._tenant_id, *map(list, columns))
            await tell_of_labels(self._connection, self._tenant_id, labels)

    async def add_import(self, new: LabelImport, data: bytes) -> None:
        place = self._tenant_id, new.import_id, new.task_id
        await self._connection.execute(_ADD_IMPORT, *place, data, new.rows, new.created_by, new.created_at)

    async def unfinished_imports(self) -> int:
        return int(await self._connection.fetchval(_UNFINISHED, self._tenant_id))

    async def advance(self, import_id: str, done: int, rows: ImportedRows, *, whole: bool) -> bool:
        place = self._tenant_id, import_id
        counts = rows.rows, rows.stored, rows.unchanged, len(rows.refused)
        refused = await self._connection.fetchval(_ADVANCE, *place, done, *counts, whole)
        if refused is None:
            return False
        kept = rows.refused[: max(MOST_REFUSED - (refused - len(rows.refused)), 0)]
        if kept:
            columns = zip(*kept, strict=True)
            await self._connection.execute(_REFUSE, *place, *map(list, columns))
        return True


async def _with_effect(connection: Connection, tenant_id: str, rows: Sequence[asyncpg.Record]) -> Sequence[StoredLabel]:
    """Returns the labels of rows, each with whether it is that of its transaction now."""
    names = sorted({row["transaction_id"] for row in rows})
    others = await connection.fetch(_OF_TRANSACTIONS, tenant_id, names) if names else ()
    labels: dict[str, list[StoredLabel]] = {}
    for other in map(label_of, others):
        labels.setdefault(other.transaction_id, []).append(other)
    current = {name: in_effect(found) for name, found in labels.items()}
    numbers = {name: each.number for name, each in current.items() if each is not None}
    return [replace(each, effective=numbers.get(each.transaction_id) == each.number) for each in map(label_of, rows)]
