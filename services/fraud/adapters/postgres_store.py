"""Decisions in PostgreSQL: many rows a commit, each with its outbox event, under row-level security."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from meshkit.errors import MeshError, internal
from meshkit.postgres import Pool, transaction
from services.fraud.adapters.postgres_windows import read_features
from services.fraud.domain.check import Check, Decided, Features, Key
from services.fraud.ports import DecisionFilter, Stored

__all__ = ["PostgresStore"]

_log = logging.getLogger(__name__)

_INSERT = """
WITH input AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[],
        $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::bytea[], $15::bytea[], $16::bytea[]
    ) AS t (
        tenant_id, decision_id, transaction_id, fingerprint, user_id, device_fingerprint, ip_address, merchant_id,
        amount_minor, currency, outcome, event_time, create_time, answer, inputs, payload
    )
), inserted AS (
    INSERT INTO decisions (
        tenant_id, decision_id, transaction_id, fingerprint, user_id, device_fingerprint, ip_address, merchant_id,
        amount_minor, currency, outcome, event_time, create_time, answer, inputs
    )
    SELECT tenant_id, decision_id, transaction_id, fingerprint, user_id, nullif(device_fingerprint, ''),
        nullif(ip_address, ''), nullif(merchant_id, ''), amount_minor, currency, outcome, event_time, create_time,
        answer, inputs
    FROM input
    ON CONFLICT (tenant_id, transaction_id) DO NOTHING
    RETURNING decision_id
), published AS (
    INSERT INTO outbox (tenant_id, payload)
    SELECT tenant_id, payload FROM input WHERE decision_id IN (SELECT decision_id FROM inserted)
)
SELECT count(*) FROM inserted"""

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


class PostgresStore:
    """The store of one database. Answers are sent only after its commits."""

    def __init__(self, pool: Pool, on_commit: Callable[[], None] = lambda: None) -> None:
        self._pool = pool
        self._on_commit = on_commit

    async def commit(self, decided: Sequence[Decided]) -> Mapping[Key, Stored | MeshError]:
        try:
            return await self._commit(decided)
        except asyncpg.PostgresError:
            _log.exception("%d decisions cannot be stored together", len(decided))
            return await self._commit_each(decided)

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

    async def features(self, checks: Sequence[Check], now: datetime) -> Sequence[Features]:
        async with transaction(self._pool, [check.tenant_id for check in checks]) as connection:
            return await read_features(connection, checks, now)

    async def _commit(self, decided: Sequence[Decided]) -> Mapping[Key, Stored | MeshError]:
        tenants = [made.check.tenant_id for made in decided]
        async with transaction(self._pool, tenants) as connection:
            stored = await connection.fetchval(_INSERT, *_columns(decided))
            rows = []
            if stored < len(decided):
                rows = await connection.fetch(_EARLIER, tenants, [made.check.transaction_id for made in decided])
        self._on_commit()
        ours = {made.decision_id for made in decided}
        return {
            (str(row["tenant_id"]), row["transaction_id"]): Stored(
                row["fingerprint"], row["answer"], row["create_time"]
            )
            for row in rows
            if str(row["decision_id"]) not in ours
        }

    async def _commit_each(self, decided: Sequence[Decided]) -> Mapping[Key, Stored | MeshError]:
        """Stores row by row, so that one that the database refuses fails alone."""
        results: dict[Key, Stored | MeshError] = {}
        for made in decided:
            try:
                results |= await self._commit([made])
            except asyncpg.PostgresError:
                _log.exception("a decision cannot be stored", extra={"fields": {"decision_id": made.decision_id}})
                results[made.check.key] = internal()
        return results


def _columns(decided: Sequence[Decided]) -> Sequence[Sequence[object]]:
    rows = [
        (
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
            made.answer,
            made.inputs,
            made.event,
        )
        for made in decided
    ]
    return list(zip(*rows, strict=True))
