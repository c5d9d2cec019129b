"""Enters decided transactions into the ledger: effect and position in one transaction."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence

from prometheus_client import Counter

from meshkit.halving import halving
from meshkit.storage.leader import Session
from meshkit.storage.postgres import REFUSALS
from services.data.domain.ledger import (
    FIRST,
    Batch,
    Cursor,
    DecidedPage,
    Position,
    Proof,
    Rebuild,
    Rejected,
    Transaction,
)

__all__ = ["SOURCE", "PostgresLedgerWriter"]

_log = logging.getLogger(__name__)
_buried = Counter("ledger_dead_letters", "Events that could not enter the ledger and were put aside.")

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

_MOVE = "UPDATE positions SET xid = $2::xid8, seq = $3, cluster = $4, event = $5, lost = '' WHERE source = $1"

# The first page fixes the place: decisions that were committed before it are in the pages, the others follow it.
_ADVANCE = """
UPDATE rebuilds SET xid = coalesce(xid, $2::xid8), seq = CASE WHEN xid IS NULL THEN $3 ELSE seq END,
    cluster = CASE WHEN xid IS NULL THEN $4 ELSE cluster END, event = CASE WHEN xid IS NULL THEN $5 ELSE event END,
    last_tenant = $6::uuid, last_decision = $7::uuid, decisions = decisions + $8
WHERE source = $1 RETURNING xid, seq, cluster, event"""

SOURCE = "fraud"
"""Whose decisions the ledger follows, as the rows of its position and its rebuild name it."""

Entry = tuple[Transaction, bytes]
"""A transaction and the event that tells of it."""


class PostgresLedgerWriter:
    """Writes on one session; whoever else writes waits for it at the row of the position."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def position(self) -> Position:
        row = await self._session.fetchrow("SELECT xid, seq FROM positions WHERE source = $1", SOURCE)
        assert row is not None, "the migration makes the row"
        return Position(row["xid"], row["seq"])

    async def proof(self) -> Proof:
        row = await self._session.fetchrow("SELECT cluster, event FROM positions WHERE source = $1", SOURCE)
        assert row is not None, "the migration makes the row"
        return Proof(row["cluster"], row["event"])

    async def note(self, lost: str) -> None:
        await self._session.execute("UPDATE positions SET lost = $2 WHERE source = $1", SOURCE, lost)

    async def rebuild(self) -> Rebuild | None:
        row = await self._session.fetchrow(
            "SELECT last_tenant, last_decision, xid IS NOT NULL AS begun FROM rebuilds WHERE source = $1", SOURCE
        )
        if row is None:
            return None
        return Rebuild(Cursor(str(row["last_tenant"]), str(row["last_decision"])), row["begun"])

    async def enter_page(self, page: DecidedPage) -> None:
        batch, following = page.batch, page.following
        async with self._session.transaction():
            await self._session.fetchrow(_LOCK, SOURCE, ",".join(batch.tenants))
            await self._take(batch)
            target = await self._session.fetchrow(
                _ADVANCE, SOURCE, *batch.last, *batch.proof, *(following or FIRST), len(batch)
            )
            if following is None and target is not None:
                await self._session.execute(_MOVE, SOURCE, *target.values())
                await self._session.execute("DELETE FROM rebuilds WHERE source = $1", SOURCE)

    async def apply(self, batch: Batch) -> Position:
        async with self._session.transaction():
            row = await self._session.fetchrow(_LOCK, SOURCE, ",".join(batch.tenants))
            assert row is not None, "the migration makes the row"
            stored = Position(row["xid"], row["seq"])
            if not batch.continues(stored):
                return stored
            await self._take(batch)
            await self._session.execute(_MOVE, SOURCE, *batch.last, *batch.proof)
        return batch.last

    async def _take(self, batch: Batch) -> None:
        """Enters what can enter, and puts the rest aside."""
        entries = sorted(zip(batch.transactions, batch.payloads, strict=True))
        for item in (*batch.rejected, *await self._enter(entries)):
            await self._bury(item, batch)

    async def _enter(self, entries: Sequence[Entry]) -> list[Rejected]:
        """Enters transactions and returns those that the store refuses."""

        async def enter(part: Sequence[Entry]) -> Sequence[Rejected | None]:
            async with self._session.transaction():
                columns = zip(*[transaction for transaction, _ in part], strict=True)
                await self._session.execute(_ENTER, *columns)
            return [None] * len(part)

        found = await halving(entries, enter, splits=REFUSALS, alone=_rejected)
        return [each for each in found if each is not None]

    async def _bury(self, item: Rejected, batch: Batch) -> None:
        digest = hashlib.sha256(item.payload).digest()
        error = item.error.replace("\x00", "")
        values = (SOURCE, digest, *batch.after, *batch.last, item.payload, error)
        if (await self._session.execute(_BURY, *values)).endswith(" 1"):
            _buried.inc()
            # The error may quote the event, so the log has only its kind; the dead letter has the rest.
            fields = {"after": str(batch.after), "last": str(batch.last), "error": error.partition(":")[0]}
            _log.error("an event cannot enter the ledger and was put aside", extra={"fields": fields})


def _rejected(entry: Entry, error: Exception) -> Rejected:
    return Rejected(entry[1], f"{type(error).__name__}: {error}")
