"""Enters decided transactions into the ledger: effect and position in one transaction."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence

import asyncpg
from prometheus_client import Counter

from meshkit.storage.leader import Session
from services.data.domain.ledger import Batch, Position, Rejected, Transaction

__all__ = ["PostgresLedgerWriter"]

_log = logging.getLogger(__name__)
_buried = Counter("ledger_dead_letters", "Events that could not enter the ledger and were put aside.")

# Errors of the data itself, which no retry can heal.
_REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)

# The row lock keeps two writers apart even if both believe to lead.
_LOCK = """
SELECT xid, seq, set_config('rampart.tenants', $2, true) FROM positions WHERE source = $1 FOR UPDATE"""

# Totals count only what was really inserted. Rows are written in the order of their keys: transactions that lock the
# same keys in different orders deadlock.
_ENTER = """
WITH inserted AS (
    INSERT INTO transactions (tenant_id, transaction_id, decision_id, user_id, merchant_id, amount, currency, channel,
        outcome, confidence_score, event_time, decided_at)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::numeric[], $7::text[],
        $8::text[], $9::text[], $10::float8[], $11::timestamptz[], $12::timestamptz[])
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, (event_time AT TIME ZONE 'UTC')::date AS day, currency, outcome, amount
)
INSERT INTO daily_totals AS total (tenant_id, day, currency, outcome, count, amount)
SELECT tenant_id, day, currency, outcome, count(*), sum(amount) FROM inserted
GROUP BY tenant_id, day, currency, outcome
ORDER BY tenant_id, day, currency, outcome
ON CONFLICT (tenant_id, day, currency, outcome) DO UPDATE
SET count = total.count + EXCLUDED.count, amount = total.amount + EXCLUDED.amount"""

_BURY = """
INSERT INTO dead_letters (source, digest, after_xid, after_seq, last_xid, last_seq, payload, error)
VALUES ($1, $2, $3::xid8, $4, $5::xid8, $6, $7, $8) ON CONFLICT DO NOTHING"""

_MOVE = "UPDATE positions SET xid = $2::xid8, seq = $3 WHERE source = $1"

_SOURCE = "fraud"


class PostgresLedgerWriter:
    """Writes on one session; whoever else writes waits for it at the row of the position."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def position(self) -> Position:
        row = await self._session.fetchrow("SELECT xid, seq FROM positions WHERE source = $1", _SOURCE)
        assert row is not None, "the migration makes the row"
        return Position(row["xid"], row["seq"])

    async def apply(self, batch: Batch) -> Position:
        async with self._session.transaction():
            row = await self._session.fetchrow(_LOCK, _SOURCE, ",".join(batch.tenants))
            assert row is not None, "the migration makes the row"
            stored = Position(row["xid"], row["seq"])
            if not batch.continues(stored):
                return stored
            rejected = list(batch.rejected)
            entries = sorted(zip(batch.transactions, batch.payloads, strict=True))
            rejected += await self._enter(entries)
            for item in rejected:
                await self._bury(item, batch)
            await self._session.execute(_MOVE, _SOURCE, batch.last.xid, batch.last.seq)
        return batch.last

    async def _enter(self, entries: Sequence[tuple[Transaction, bytes]]) -> list[Rejected]:
        """Enters transactions and returns those that the store refuses, found by halving."""
        if not entries:
            return []
        try:
            async with self._session.transaction():
                columns = zip(*[transaction for transaction, _ in entries], strict=True)
                await self._session.execute(_ENTER, *columns)
        except _REFUSED as error:
            if len(entries) == 1:
                return [Rejected(entries[0][1], f"{type(error).__name__}: {error}")]
            middle = len(entries) // 2
            return [*await self._enter(entries[:middle]), *await self._enter(entries[middle:])]
        return []

    async def _bury(self, item: Rejected, batch: Batch) -> None:
        digest = hashlib.sha256(item.payload).digest()
        error = item.error.replace("\x00", "")
        values = (_SOURCE, digest, *batch.after, *batch.last, item.payload, error)
        if (await self._session.execute(_BURY, *values)).endswith(" 1"):
            _buried.inc()
            # The error may quote the event, so the log has only its kind; the dead letter has the rest.
            fields = {"after": str(batch.after), "last": str(batch.last), "error": error.partition(":")[0]}
            _log.error("an event cannot enter the ledger and was put aside", extra={"fields": fields})
