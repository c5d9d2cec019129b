"""Answers questions about the ledger in pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from services.data.domain.ledger import DailyTotal, Transaction
from services.data.ports import Ledger, TotalsQuery, TransactionQuery

__all__ = ["LedgerService", "RowPage"]

Row = TypeVar("Row")


class RowPage(Generic[Row]):
    """Rows of one page; `last` is the row after which the next page begins, None if there is no next page."""

    def __init__(self, rows: Sequence[Row], limit: int) -> None:
        self.rows = rows[:limit]
        self.last = self.rows[-1] if len(rows) > limit else None


class LedgerService:
    """Answers in pages. A page begins after a row's key, so that rows added meanwhile neither repeat nor hide any."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def transactions(self, query: TransactionQuery) -> RowPage[Transaction]:
        rows = await self._ledger.transactions(replace(query, limit=query.limit + 1))
        return RowPage(rows, query.limit)

    async def totals(self, query: TotalsQuery) -> RowPage[DailyTotal]:
        rows = await self._ledger.totals(replace(query, limit=query.limit + 1))
        return RowPage(rows, query.limit)
