"""Stores decisions in PostgreSQL: many rows a commit, each with its outbox event, under row-level security."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from prometheus_client import Counter

from meshkit.errors import MeshError
from meshkit.halving import halving
from meshkit.storage.postgres import ACQUIRE_TIMEOUT, REFUSALS, Pool, connected, transaction
from meshkit.storage.reads import Reads
from services.fraud.adapters.decision_pages import list_query
from services.fraud.adapters.postgres_windows import read_features
from services.fraud.convert import DecisionRecord, decided_to_record
from services.fraud.domain.check import Decided, Features, Key, WindowEntry
from services.fraud.errors import value_refused
from services.fraud.ports import CommitResult, DecisionFilter, Stored

__all__ = ["PostgresStore"]

_log = logging.getLogger(__name__)
APART_WAIT = 1.0
"""Seconds that a check which takes long anyway waits for a connection."""

_values_refused = Counter("decision_values_refused", "Transactions that alone held a value which the store refuses.")

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

Row = tuple[Decided, DecisionRecord]
"""A decision and how it is stored."""


class PostgresStore:
    """The store of one database. Answers are sent only after its commits.

    Commits wait for no connection of others: `reads` has those of who asks about decisions, `apart` those of checks
    that take long.
    """

    def __init__(
        self,
        pool: Pool,
        on_commit: Callable[[], None] = lambda: None,
        *,
        reads: Reads | None = None,
        apart: Pool | None = None,
    ) -> None:
        self._pool = pool
        self._reads = reads or Reads(pool)
        self._apart = apart or pool
        self._on_commit = on_commit

    async def commit(self, decided: Sequence[Decided]) -> CommitResult:
        rows, refused = _rendered(decided)
        stored = await halving(rows, self._commit, splits=REFUSALS, alone=_refused)
        earlier = {made.check.key: found for (made, _), found in zip(rows, stored, strict=True) if found is not None}
        answers = {made.check.key: record.answer for made, record in rows if made.check.key not in earlier}
        return CommitResult(answers, {**earlier, **refused})

    async def get(self, tenant_id: str, decision_id: UUID) -> tuple[bytes, bytes] | None:
        async with self._reads.of(tenant_id) as connection:
            row = await connection.fetchrow(_GET, tenant_id, decision_id)
        return (row["answer"], row["inputs"]) if row else None

    async def list(self, tenant_id: str, only: DecisionFilter, before: UUID | None, limit: int) -> Sequence[bytes]:
        query, values = list_query(tenant_id, only, before, limit)
        async with self._reads.of(tenant_id) as connection:
            rows = await connection.fetch(query, *values)
        return [row["answer"] for row in rows]

    async def existing(self, keys: Sequence[Key]) -> set[Key]:
        return set(await _earlier(self._pool, keys))

    async def stored(self, keys: Sequence[Key]) -> Mapping[Key, Stored]:
        found = await _earlier(self._apart, keys)
        return {key: stored for key, (_, stored) in found.items()}

    async def features(
        self, entries: Sequence[WindowEntry], now: datetime, *, apart: bool = False
    ) -> Sequence[Features | MeshError]:
        if not apart:
            return await _read(self._pool, entries, now)
        # Tenant by tenant: one whose subjects are so busy that reading them takes too long fails for itself.
        places: dict[str, list[int]] = {}
        for place, entry in enumerate(entries):
            places.setdefault(entry.tenant_id, []).append(place)
        groups = [[entries[place] for place in group] for group in places.values()]
        read = await asyncio.gather(*[_read_or_fail(self._apart, group, now) for group in groups])
        found: list[Features | MeshError | None] = [None] * len(entries)
        for group, part in zip(places.values(), read, strict=True):
            for place, each in zip(group, part, strict=True):
                found[place] = each
        return [each for each in found if each is not None]

    async def _commit(self, rows: Sequence[Row]) -> Sequence[Stored | MeshError | None]:
        """Stores rows in one commit. Returns for each what was stored before, None for one that is stored now."""
        tenants = {made.check.tenant_id for made, _ in rows}
        columns = zip(*[_values(made, record) for made, record in rows], strict=True)
        async with connected(self._pool) as connection:
            stored = await connection.fetchval(_RECORD, ",".join(sorted(tenants)), *columns)
        self._on_commit()
        if stored == len(rows):
            return [None] * len(rows)
        found = await _earlier(self._pool, [made.check.key for made, _ in rows])
        return [_unless_ours(made, found.get(made.check.key)) for made, _ in rows]


async def _read(
    lent: Pool, entries: Sequence[WindowEntry], now: datetime, wait: float = ACQUIRE_TIMEOUT
) -> Sequence[Features | MeshError]:
    async def read(part: Sequence[WindowEntry]) -> Sequence[Features | MeshError]:
        async with transaction(lent, [entry.tenant_id for entry in part], wait=wait) as connection:
            return await read_features(connection, part, now)

    return await halving(entries, read, splits=REFUSALS, alone=_unasked)


async def _read_or_fail(lent: Pool, entries: Sequence[WindowEntry], now: datetime) -> Sequence[Features | MeshError]:
    try:
        return await _read(lent, entries, now, APART_WAIT)
    except MeshError as error:
        return [error] * len(entries)


Known = tuple[str, Stored]
"""The identifier of a stored decision, and what is stored."""


async def _earlier(lent: Pool, keys: Sequence[Key]) -> Mapping[Key, Known]:
    tenants = [tenant for tenant, _ in keys]
    async with transaction(lent, tenants) as connection:
        rows = await connection.fetch(_EARLIER, tenants, [transaction_id for _, transaction_id in keys])
    return {
        (str(row["tenant_id"]), row["transaction_id"]): (
            str(row["decision_id"]),
            Stored(row["fingerprint"], row["answer"], row["create_time"]),
        )
        for row in rows
    }


def _unless_ours(made: Decided, known: Known | None) -> Stored | None:
    return None if known is None or known[0] == made.decision_id else known[1]


def _rendered(decided: Sequence[Decided]) -> tuple[Sequence[Row], Mapping[Key, MeshError]]:
    """Renders decisions, and names those of which no message can be made."""
    rows: list[Row] = []
    refused: dict[Key, MeshError] = {}
    for made in decided:
        try:
            rows.append((made, decided_to_record(made)))
        except ValueError as error:
            refused[made.check.key] = _refusal(made.decision_id, error)
    return rows, refused


def _refused(row: Row, error: Exception) -> MeshError:
    return _refusal(row[0].decision_id, error)


def _unasked(entry: WindowEntry, error: Exception) -> MeshError:
    return _refusal(entry.transaction_id, error)


def _refusal(name: str, error: Exception) -> MeshError:
    # The words of the error may quote the transaction, so the log has only its kind.
    fields = {"id": name, "error": type(error).__name__}
    _log.error("a transaction holds what cannot be stored", extra={"fields": fields})
    _values_refused.inc()
    return value_refused()


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
