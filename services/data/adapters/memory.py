"""Keeps the ledger in memory, with the behaviour of the one in PostgreSQL."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal

from meshkit.following.batches import BEGINNING, UNKNOWN, Batch, DecidedPage, Position, Proof, Rejected
from services.data.domain.ledger import DailyTotal, LedgerState, Transaction
from services.data.ports import Rebuild, TotalsQuery, TransactionQuery

__all__ = ["MemoryLedger"]

OUTCOMES = ("approve", "review", "decline")


class MemoryLedger:
    """All sides of the ledger: what `Ledger` answers, what `LedgerWriter` enters, and the desk of operators."""

    def __init__(self) -> None:
        self._entered: dict[tuple[str, str], Transaction] = {}
        self._position = BEGINNING
        self._proof = UNKNOWN
        self._lost = ""
        self._rebuild: Rebuild | None = None
        self._target: tuple[Position, Proof] | None = None
        self._read = 0
        self.dead_letters: dict[bytes, Rejected] = {}

    async def position(self) -> Position:
        return self._position

    async def proof(self) -> Proof:
        return self._proof

    async def note(self, lost: str) -> None:
        self._lost = lost

    async def rebuild(self) -> Rebuild | None:
        return self._rebuild

    async def enter_page(self, page: DecidedPage[Transaction]) -> None:
        self._take(page.batch)
        self._target = self._target or (page.batch.last, page.batch.proof)
        self._read += len(page.batch)
        if page.following is None:
            (self._position, self._proof), self._lost = self._target, ""
            self._rebuild = self._target = None
        else:
            self._rebuild = Rebuild(page.following, begun=True)

    async def state(self) -> LedgerState:
        return LedgerState(self._lost, self._rebuild is not None, self._read if self._rebuild else 0)

    async def ask_rebuild(self) -> None:
        if self._rebuild is None:
            self._rebuild, self._read = Rebuild(), 0

    async def apply(self, batch: Batch[Transaction]) -> Position:
        if not batch.continues(self._position):
            return self._position
        self._take(batch)
        self._position, self._proof, self._lost = batch.last, batch.proof, ""
        return batch.last

    def _take(self, batch: Batch[Transaction]) -> None:
        rejected = list(batch.rejected)
        for transaction, payload in zip(batch.items, batch.payloads, strict=True):
            if transaction.outcome in OUTCOMES and transaction.amount >= 0:
                self._entered.setdefault((transaction.tenant_id, transaction.transaction_id), transaction)
            else:
                rejected.append(Rejected(payload, "the ledger has no place for it"))
        for item in rejected:
            self.dead_letters.setdefault(item.payload, item)

    async def transactions(self, query: TransactionQuery) -> list[Transaction]:
        found = [entry for entry in self._entered.values() if _matches(entry, query)]
        found.sort(key=lambda entry: (entry.event_time, entry.transaction_id), reverse=True)
        return found[: query.limit]

    async def totals(self, query: TotalsQuery) -> list[DailyTotal]:
        sums: dict[tuple[int, str, str], DailyTotal] = {}
        for entry in self._entered.values():
            if entry.tenant_id != query.tenant_id:
                continue
            day = entry.event_time.astimezone(UTC).date()
            # Newest day first, then currency and outcome upwards.
            key = (-day.toordinal(), entry.currency, entry.outcome)
            known = sums.get(key, DailyTotal(day, entry.currency, entry.outcome, 0, Decimal(0)))
            sums[key] = DailyTotal(day, entry.currency, entry.outcome, known.count + 1, known.amount + entry.amount)
        place = None if query.after is None else (-query.after[0].toordinal(), *query.after[1:])
        found = [
            sums[key]
            for key in sorted(sums)
            if (place is None or key > place)
            and (query.start is None or sums[key].day >= query.start)
            and (query.end is None or sums[key].day <= query.end)
        ]
        return found[: query.limit]


def _matches(entry: Transaction, query: TransactionQuery) -> bool:
    return (
        entry.tenant_id == query.tenant_id
        and query.user_id in ("", entry.user_id)
        and query.merchant_id in ("", entry.merchant_id)
        and (query.start is None or entry.event_time >= query.start)
        and (query.end is None or entry.event_time < query.end)
        and (query.after is None or (entry.event_time, entry.transaction_id) < query.after)
    )
