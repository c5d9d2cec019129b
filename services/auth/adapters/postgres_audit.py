"""Keeps the audit log in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import asyncpg

from meshkit.audit.chain import START, canonical_time
from meshkit.errors import MeshError
from meshkit.rpc.coalesce import Coalescer
from meshkit.storage.postgres import Pool, transaction
from services.auth.adapters.audit_contents import event_from
from services.auth.adapters.audit_rows import append_all, copy_to_log
from services.auth.domain.audit import AuditEvent, AuditFilter, AuditSeal, StoredAuditEvent

__all__ = ["PostgresAuditLog", "PostgresAuditNotary", "PostgresAuditTrail"]

_STORED = "sequence, previous, hash, content"
_SEAL = "tenant_id, sequence, hash, sealed_at, seal"
_FILTERS = (
    " AND ($2::text IS NULL OR at >= $2) AND ($3::text IS NULL OR at < $3)"
    " AND ($4 = '' OR action = $4 OR right($4, 1) = '*' AND starts_with(action, rtrim($4, '*')))"
    " AND ($5 = '' OR actor = $5) AND ($6 = '' OR outcome = $6) AND ($7 = '' OR target = $7)"
)
_OLD = """
    SELECT old.tenant_id, old.sequence, old.hash FROM audit_heads AS head
    CROSS JOIN LATERAL (SELECT min(sequence) AS first FROM audit_events WHERE tenant_id = head.tenant_id) AS kept
    CROSS JOIN LATERAL (
        SELECT tenant_id, sequence, hash FROM audit_events
        WHERE tenant_id = head.tenant_id AND sequence < kept.first + $2 AND recorded_at < $1
        ORDER BY sequence DESC LIMIT 1
    ) AS old
    LIMIT 1
"""
# Of a pruned event the checkpoint stands in its place.
_BROKEN = """
    SELECT last.tenant_id, last.sequence FROM audit_heads AS head
    CROSS JOIN LATERAL (
        SELECT tenant_id, sequence, hash FROM audit_anchors
        WHERE tenant_id = head.tenant_id ORDER BY sequence DESC LIMIT 1
    ) AS last
    LEFT JOIN audit_events AS event ON event.tenant_id = last.tenant_id AND event.sequence = last.sequence
    LEFT JOIN audit_checkpoints AS pruned ON pruned.tenant_id = last.tenant_id AND pruned.sequence = last.sequence
    WHERE coalesce(event.hash, pruned.hash) IS DISTINCT FROM last.hash
    LIMIT $1
"""
MAX_BATCH = 256
MAX_IN_FLIGHT = 2
CONNECTION_SECONDS = 2.0
"""Longest that a batch waits for a connection, of which there is one for each: only a new one takes time."""


class PostgresAuditTrail:
    """Implements `AuditTrail`. Events that are recorded at once share a transaction, and its wait for the disk."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._coalescer: Coalescer[AuditEvent, None] = Coalescer(
            "audit", self._commit, max_items=MAX_BATCH, max_bytes=1 << 20, max_in_flight=MAX_IN_FLIGHT
        )

    async def record(self, event: AuditEvent) -> None:
        """Records an event; returns when it is committed. Raises MeshError UNAVAILABLE or OVERLOADED."""
        await self._coalescer.submit(event)
        copy_to_log(event)

    async def _commit(self, events: Sequence[AuditEvent]) -> Sequence[MeshError | None]:
        try:
            await self._append(events)
        except MeshError as error:
            of_tenants = _by_tenant(events)
            if len(of_tenants) == 1:
                raise
            # One log that others hold must not keep events of other tenants from theirs.
            failed = {tenant_id: await self._tried(some) for tenant_id, some in of_tenants.items()}
            if all(failed.values()):
                raise error from None
            return [failed[event.tenant_id] for event in events]
        return [None] * len(events)

    async def _tried(self, events: Sequence[AuditEvent]) -> MeshError | None:
        try:
            await self._append(events)
        except MeshError as error:
            return error
        return None

    async def _append(self, events: Sequence[AuditEvent]) -> None:
        async with transaction(self._pool, (), wait=CONNECTION_SECONDS) as connection:
            await append_all(connection, events)


class PostgresAuditLog:
    """Implements `AuditLog`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(
        self, tenant_id: str, only: AuditFilter, after: int | None, limit: int, *, oldest_first: bool
    ) -> list[StoredAuditEvent]:
        beyond, order = ("> $8", "ASC") if oldest_first else ("< $8", "DESC")
        place = f" AND ($8::bigint IS NULL OR sequence {beyond})"
        async with transaction(self._pool, [tenant_id]) as connection:
            rows = await connection.fetch(
                f"SELECT {_STORED} FROM audit_events WHERE tenant_id = $1{_FILTERS}{place}"
                f" ORDER BY sequence {order} LIMIT $9",
                tenant_id,
                only.since and canonical_time(only.since),
                only.until and canonical_time(only.until),
                only.action,
                only.actor,
                only.outcome,
                only.target,
                after,
                limit,
            )
        return [_stored(row) for row in rows]

    async def find(self, tenant_id: str, sequence: int) -> StoredAuditEvent | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(
                f"SELECT {_STORED} FROM audit_events WHERE tenant_id = $1 AND sequence = $2", tenant_id, sequence
            )
        return _stored(row) if row else None

    async def head(self, tenant_id: str) -> tuple[int, bytes]:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow("SELECT sequence, hash FROM audit_heads WHERE tenant_id = $1", tenant_id)
        return (row["sequence"], row["hash"]) if row else (START.sequence, START.hash)

    async def checkpoint(self, tenant_id: str) -> AuditSeal | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(f"SELECT {_SEAL} FROM audit_checkpoints WHERE tenant_id = $1", tenant_id)
        return _seal(row) if row else None

    async def anchors(self, tenant_id: str, after: int, limit: int) -> list[AuditSeal]:
        async with transaction(self._pool, [tenant_id]) as connection:
            rows = await connection.fetch(
                f"SELECT {_SEAL} FROM audit_anchors WHERE tenant_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
                tenant_id,
                after,
                limit,
            )
        return [_seal(row) for row in rows]


class PostgresAuditNotary:
    """Implements `AuditNotary`, as the role that sees where the logs of all tenants end."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def heads(self, limit: int) -> list[tuple[str, int, bytes]]:
        async with transaction(self._pool, ()) as connection:
            rows = await connection.fetch(
                "SELECT tenant_id, sequence, hash FROM audit_heads AS head WHERE sequence > 0 AND NOT EXISTS ("
                " SELECT FROM audit_anchors WHERE tenant_id = head.tenant_id AND sequence = head.sequence) LIMIT $1",
                limit,
            )
        return [(str(row["tenant_id"]), row["sequence"], row["hash"]) for row in rows]

    async def broken(self, limit: int) -> list[tuple[str, int]]:
        async with transaction(self._pool, ()) as connection:
            rows = await connection.fetch(_BROKEN, limit)
        return [(str(row["tenant_id"]), row["sequence"]) for row in rows]

    async def anchor(self, seals: Sequence[AuditSeal]) -> None:
        async with transaction(self._pool, [seal.tenant_id for seal in seals]) as connection:
            await connection.executemany(
                f"INSERT INTO audit_anchors ({_SEAL}) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                [(seal.tenant_id, seal.sequence, seal.hash, seal.at, seal.seal) for seal in seals],
            )

    async def old(self, before: datetime, limit: int) -> tuple[str, int, bytes] | None:
        async with transaction(self._pool, ()) as connection:
            row = await connection.fetchrow(_OLD, before, limit)
        return (str(row["tenant_id"]), row["sequence"], row["hash"]) if row else None

    async def prune(self, checkpoint: AuditSeal) -> int:
        async with transaction(self._pool, [checkpoint.tenant_id]) as connection:
            pruned: int = await connection.fetchval(
                "SELECT audit_prune($1, $2, $3, $4)",
                checkpoint.tenant_id,
                checkpoint.sequence,
                checkpoint.at,
                checkpoint.seal,
            )
        return pruned


def _by_tenant(events: Iterable[AuditEvent]) -> dict[str, list[AuditEvent]]:
    found: defaultdict[str, list[AuditEvent]] = defaultdict(list)
    for event in events:
        found[event.tenant_id].append(event)
    return found


def _stored(row: asyncpg.Record) -> StoredAuditEvent:
    return StoredAuditEvent(event_from(row["content"]), row["sequence"], row["previous"], row["hash"])


def _seal(row: asyncpg.Record) -> AuditSeal:
    return AuditSeal(str(row["tenant_id"]), row["sequence"], row["hash"], row["sealed_at"], row["seal"])
