"""Stores decisions in PostgreSQL: many rows a commit, each with its outbox event, under row-level security."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from prometheus_client import Counter

from meshkit.errors import MeshError
from meshkit.halving import halving
from meshkit.storage.postgres import REFUSALS, Pool, connected, transaction
from meshkit.storage.reads import Reads
from services.fraud.adapters.decision_pages import list_query
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.convert import DecisionRecord, decided_to_record
from services.fraud.domain.check import Decided, Key
from services.fraud.errors import value_refused
from services.fraud.ports import CommitResult, DecisionFilter, Stored, StoredDecision

__all__ = ["PostgresStore"]

_log = logging.getLogger(__name__)

_values_refused = Counter("decision_values_refused", "Transactions that alone held a value which the store refuses.")

# One round trip: the function names the tenants for its own transaction, stores the rows and ends with the statement.
_RECORD = """
SELECT record_decisions($1, $2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::text[],
    $7::text[], $8::text[], $9::timestamptz[], $10::timestamptz[], $11::bigint[], $12::bigint[], $13::bigint[],
    $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bytea[], $20::bytea[],
    $21::bytea[], $22::bytea[], $23::smallint[], $24::bytea[])"""

_EARLIER = """
SELECT t.tenant_id, t.transaction_id, t.decision_id, t.fingerprint, d.answer, d.create_time
FROM unnest($1::uuid[], $2::text[]) AS k (tenant_id, transaction_id)
JOIN transactions t USING (tenant_id, transaction_id)
JOIN decisions d ON d.tenant_id = t.tenant_id AND d.decision_id = t.decision_id"""
_GET = "SELECT answer, inputs, event FROM decisions WHERE tenant_id = $1 AND decision_id = $2"


class _Refused:
    """Stands for a row that was not stored, because the logs that it was decided from may lack something."""


_REFUSED = _Refused()
_NOTHING = {None}
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
        keys: EventKeys,
        on_commit: Callable[[], None] = lambda: None,
        *,
        reads: Reads | None = None,
        apart: Pool | None = None,
    ) -> None:
        self._pool = pool
        self._keys = keys
        self._reads = reads or Reads(pool)
        self._apart = apart or pool
        self._on_commit = on_commit

    async def commit(self, decided: Sequence[Decided]) -> CommitResult:
        rows, refused = _rendered(decided)
        stored = await halving(rows, self._commit, splits=REFUSALS, alone=_refused)
        answers: dict[Key, bytes] = {}
        earlier: dict[Key, Stored | MeshError] = dict(refused)
        unsure: set[str] = set()
        for (made, record), found in zip(rows, stored, strict=True):
            if found is None:
                answers[made.check.key] = record.answer
            elif found is _REFUSED:
                unsure.add(made.check.tenant_id)
            else:
                assert not isinstance(found, _Refused)
                earlier[made.check.key] = found
        return CommitResult(answers, earlier, frozenset(unsure))

    async def get(self, tenant_id: str, decision_id: UUID) -> StoredDecision | None:
        async with self._reads.of(tenant_id) as connection:
            row = await connection.fetchrow(_GET, tenant_id, decision_id)
        return StoredDecision(row["answer"], row["inputs"], row["event"]) if row else None

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

    async def _commit(self, rows: Sequence[Row]) -> Sequence[Stored | MeshError | _Refused | None]:
        """Stores rows in one commit. Returns for each what was stored before, None for one that is stored now."""
        tenants = {made.check.tenant_id for made, _ in rows}
        secret = await self._keys.secret()
        columns = [
            None if set(column) == _NOTHING else column
            for column in zip(*[self._values(made, record, secret) for made, record in rows], strict=True)
        ]
        async with connected(self._pool) as connection:
            stored = await connection.fetchval(_RECORD, ",".join(sorted(tenants)), *columns)
        self._on_commit()
        if stored == len(rows):
            return [None] * len(rows)
        found = await _earlier(self._pool, [made.check.key for made, _ in rows])
        return [_before(made, found.get(made.check.key)) for made, _ in rows]

    def _values(self, made: Decided, record: DecisionRecord, secret: bytes) -> tuple[object, ...]:
        check = made.check
        return (
            check.tenant_id,
            made.decision_id,
            check.transaction_id,
            check.fingerprint,
            check.event_type,
            check.user_id,
            made.verdict.outcome,
            made.features.event_time,
            made.create_time,
            *self._keys.hashes(secret, check.tenant_id, check.columns, check.fields),
            record.fields,
            record.answer,
            record.inputs,
            record.event,
            int(made.features.basis),
            made.features.generation,
        )


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


def _before(made: Decided, known: Known | None) -> Stored | _Refused | None:
    """Tells what kept a row from being stored; None if it was stored."""
    if known is None:
        return _REFUSED
    return None if known[0] == made.decision_id else known[1]


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


def _refusal(name: str, error: Exception) -> MeshError:
    # The words of the error may quote the transaction, so the log has only its kind.
    fields = {"id": name, "error": type(error).__name__}
    _log.error("a transaction holds what cannot be stored", extra={"fields": fields})
    _values_refused.inc()
    return value_refused()
