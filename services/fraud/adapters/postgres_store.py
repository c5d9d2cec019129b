"""Stores decisions in PostgreSQL: many rows a commit, each with its outbox event, under row-level security."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from meshkit.errors import MeshError, internal
from meshkit.storage.postgres import Pool, connected, transaction
from services.fraud.adapters.postgres_windows import read_features
from services.fraud.convert import DecisionRecord, decided_to_record
from services.fraud.domain.check import Decided, Features, Key, WindowEntry
from services.fraud.ports import CommitResult, DecisionFilter, Stored

__all__ = ["PostgresStore"]

_log = logging.getLogger(__name__)

# One round trip: the function names the tenants for its own transaction, stores the rows and ends with the statement.
_RECORD = """
SELECT record_decisions($1, $2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::bigint[], $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[], $15::bytea[],
    $16::bytea[], $17::bytea[])"""

_EARLIER = """
SELECT d.tenant_id, d.transaction_id, d.decision_id, d.fingerprint, d.answer, d.create_time
FROM unnest($1::uuid[], $2::text[]) AS k (tenant_id, transaction_id)
JOIN decisions d USING (tenant_id, transaction_id)"""

_GET = "SELECT answer, inputs FROM decisions WHERE tenant_id = $1 AND decision_id = $2"

_LIST = """
SELECT answer FROM decisions
WHERE tenant_id = $1 AND ($2 = '' OR user_id = $2) AND ($3 = '' OR outcome = $3)
    AND ($4 = '' OR transaction_id = $4) AND ($5::uuid IS NULL OR decision_id < $5)
ORDER BY decision_id DESC LIMIT $6"""


Row = tuple[Decided, DecisionRecord]
"""A decision and how it is stored."""


class PostgresStore:
    """The store of one database. Answers are sent only after its commits."""

    def __init__(self, pool: Pool, on_commit: Callable[[], None] = lambda: None) -> None:
        self._pool = pool
        self._on_commit = on_commit

    async def commit(self, decided: Sequence[Decided]) -> CommitResult:
        rows, refused = _rendered(decided)
        try:
            earlier = await self._commit(rows)
        except asyncpg.PostgresError:
            _log.exception("%d decisions cannot be stored together", len(rows))
            earlier = await self._commit_each(rows)
        answers = {made.check.key: record.answer for made, record in rows if made.check.key not in earlier}
        return CommitResult(answers, {**earlier, **refused})

    async def get(self, tenant_id: str, decision_id: UUID) -> tuple[bytes, bytes] | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(_GET, tenant_id, decision_id)
        return (row["answer"], row["inputs"]) if row else None

    async def list(self, tenant_id: str, only: DecisionFilter, before: UUID | None, limit: int) -> Sequence[bytes]:
        async with transaction(self._pool, [tenant_id]) as connection:
            rows = await connection.fetch(
                _LIST, tenant_id, only.user_id, only.outcome, only.transaction_id, before, limit
            )
        return [row["answer"] for row in rows]

    async def existing(self, keys: Sequence[Key]) -> set[Key]:
        tenants, transactions = [key[0] for key in keys], [key[1] for key in keys]
        async with transaction(self._pool, tenants) as connection:
            rows = await connection.fetch(_EARLIER, tenants, transactions)
        return {(str(row["tenant_id"]), row["transaction_id"]) for row in rows}

    async def features(self, entries: Sequence[WindowEntry], now: datetime) -> Sequence[Features]:
        async with transaction(self._pool, [entry.tenant_id for entry in entries]) as connection:
            return await read_features(connection, entries, now)

    async def _commit(self, rows: Sequence[Row]) -> Mapping[Key, Stored | MeshError]:
        if not rows:
            return {}
        tenants = [made.check.tenant_id for made, _ in rows]
        columns = zip(*[_values(made, record) for made, record in rows], strict=True)
        async with connected(self._pool) as connection:
            stored = await connection.fetchval(_RECORD, ",".join(sorted(set(tenants))), *columns)
        self._on_commit()
        if stored == len(rows):
            return {}
        async with transaction(self._pool, tenants) as connection:
            found = await connection.fetch(_EARLIER, tenants, [made.check.transaction_id for made, _ in rows])
        ours = {made.decision_id for made, _ in rows}
        return {
            (str(row["tenant_id"]), row["transaction_id"]): Stored(
                row["fingerprint"], row["answer"], row["create_time"]
            )
            for row in found
            if str(row["decision_id"]) not in ours
        }

    async def _commit_each(self, rows: Sequence[Row]) -> Mapping[Key, Stored | MeshError]:
        """Stores row by row, so that one that the database refuses fails alone."""
        results: dict[Key, Stored | MeshError] = {}
        for made, record in rows:
            try:
                results |= await self._commit([(made, record)])
            except asyncpg.PostgresError:
                results[made.check.key] = _refusal(made)
        return results


def _rendered(decided: Sequence[Decided]) -> tuple[Sequence[Row], Mapping[Key, MeshError]]:
    """Renders decisions, and names those of which no message can be made."""
    rows: list[Row] = []
    refused: dict[Key, MeshError] = {}
    for made in decided:
        try:
            rows.append((made, decided_to_record(made)))
        except ValueError:
            refused[made.check.key] = _refusal(made)
    return rows, refused


def _refusal(made: Decided) -> MeshError:
    _log.exception("a decision cannot be stored", extra={"fields": {"decision_id": made.decision_id}})
    return internal()


def _values(made: Decided, record: DecisionRecord) -> tuple[object, ...]:
    return (
        made.check.tenant_id,
        made.decision_id,
        made.check.transaction_id,
        made.check.fingerprint,
        made.check.user_id,
        made.check.device,
        made.check.ip,
        made.check.merchant,
        made.check.amount_minor,
        made.check.currency,
        made.verdict.outcome,
        made.features.event_time,
        made.create_time,
        record.answer,
        record.inputs,
        record.event,
    )
