"""Enters decided transactions into the ledger: effect and position in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import Counter

from meshkit.following.batches import FIRST, Batch, Cursor, DecidedPage, Position, Proof, Rejected
from meshkit.following.postgres import SOURCE, PostgresPlace
from meshkit.halving import halving
from meshkit.storage.leader import Session
from meshkit.storage.postgres import REFUSALS
from services.data.domain.ledger import Transaction
from services.data.ports import Rebuild

__all__ = ["PostgresLedgerWriter"]

_buried = Counter("ledger_dead_letters", "Events that could not enter the ledger and were put aside.")

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

# The first page fixes the place: decisions that were committed before it are in the pages, the others follow it.
_ADVANCE = """
UPDATE rebuilds SET xid = coalesce(xid, $2::xid8), seq = CASE WHEN xid IS NULL THEN $3 ELSE seq END,
    cluster = CASE WHEN xid IS NULL THEN $4 ELSE cluster END, event = CASE WHEN xid IS NULL THEN $5 ELSE event END,
    last_tenant = $6::uuid, last_decision = $7::uuid, decisions = decisions + $8
WHERE source = $1 RETURNING xid, seq, cluster, event"""

Entry = tuple[Transaction, bytes]
"""A transaction and the event that tells of it."""


class PostgresLedgerWriter(PostgresPlace):
    """Implements `LedgerWriter`."""

    def __init__(self, session: Session) -> None:
        super().__init__(session, _buried, "enter the ledger")

    async def rebuild(self) -> Rebuild | None:
        row = await self._session.fetchrow(
            "SELECT last_tenant, last_decision, xid IS NOT NULL AS begun FROM rebuilds WHERE source = $1", SOURCE
        )
        if row is None:
            return None
        return Rebuild(Cursor(str(row["last_tenant"]), str(row["last_decision"])), row["begun"])

    async def enter_page(self, page: DecidedPage[Transaction]) -> None:
        batch, following = page.batch, page.following
        async with self._session.transaction():
            await self.lock(batch.tenants)
            await self._take(batch)
            target = await self._session.fetchrow(
                _ADVANCE, SOURCE, *batch.last, *batch.proof, *(following or FIRST), len(batch)
            )
            if following is None and target is not None:
                xid, seq, *proof = target.values()
                await self.move(Position(xid, seq), Proof(*proof))
                await self._session.execute("DELETE FROM rebuilds WHERE source = $1", SOURCE)

    async def apply(self, batch: Batch[Transaction]) -> Position:
        async with self._session.transaction():
            stored = await self.lock(batch.tenants)
            if not batch.continues(stored):
                return stored
            await self._take(batch)
            await self.move(batch.last, batch.proof)
        return batch.last

    async def _take(self, batch: Batch[Transaction]) -> None:
        """Enters what can enter, and puts the rest aside."""
        entries = sorted(zip(batch.items, batch.payloads, strict=True))
        for item in (*batch.rejected, *await self._enter(entries)):
            await self.bury(item, batch)

    async def _enter(self, entries: Sequence[Entry]) -> list[Rejected]:
        """Enters transactions and returns those that the store refuses."""

        async def enter(part: Sequence[Entry]) -> Sequence[Rejected | None]:
            async with self._session.transaction():
                columns = zip(*[transaction for transaction, _ in part], strict=True)
                await self._session.execute(_ENTER, *columns)
            return [None] * len(part)

        found = await halving(entries, enter, splits=REFUSALS, alone=_rejected)
        return [each for each in found if each is not None]


def _rejected(entry: Entry, error: Exception) -> Rejected:
    return Rejected(entry[1], f"{type(error).__name__}: {error}")
