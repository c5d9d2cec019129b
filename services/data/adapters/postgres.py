"""Answers questions about the ledger from PostgreSQL, as the tenant who asks."""

from __future__ import annotations

from typing import Any

import asyncpg

from meshkit.storage import postgres
from meshkit.storage.reads import ReadLimits, Reads
from services.data.domain.ledger import DailyTotal, Transaction
from services.data.ports import TotalsQuery, TransactionQuery

__all__ = ["PostgresLedger"]

_TRANSACTIONS = """
SELECT tenant_id, transaction_id, decision_id, user_id, merchant_id, amount, currency, channel, outcome,
       confidence_score, event_time, decided_at
FROM transactions WHERE {} ORDER BY event_time DESC, transaction_id DESC LIMIT {}"""

_TOTALS = """
SELECT day, currency, outcome, count, amount
FROM daily_totals WHERE {} ORDER BY day DESC, currency, outcome LIMIT {}"""


class PostgresLedger:
    """The ledger of all tenants; a query sees those of its tenant, by its own condition and by row-level security."""

    def __init__(self, pool: postgres.Pool, limits: ReadLimits = ReadLimits()) -> None:
        self._reads = Reads(pool, limits)

    async def transactions(self, query: TransactionQuery) -> list[Transaction]:
        where = _Conditions()
        where.add("tenant_id = {}::uuid", query.tenant_id)
        if query.user_id:
            where.add("user_id = {}", query.user_id)
        if query.merchant_id:
            # The second half lets the planner use the index without the transactions that have no merchant.
            where.add("merchant_id = {} AND merchant_id <> ''", query.merchant_id)
        if query.start is not None:
            where.add("event_time >= {}::timestamptz", query.start)
        if query.end is not None:
            where.add("event_time < {}::timestamptz", query.end)
        if query.after is not None:
            where.add("(event_time, transaction_id) < ({}::timestamptz, {})", *query.after)
        rows = await self._fetch(_TRANSACTIONS, where, query.tenant_id, query.limit)
        return [_transaction(row) for row in rows]

    async def totals(self, query: TotalsQuery) -> list[DailyTotal]:
        where = _Conditions()
        where.add("tenant_id = {}::uuid", query.tenant_id)
        if query.start is not None:
            where.add("day >= {}::date", query.start)
        if query.end is not None:
            where.add("day <= {}::date", query.end)
        if query.after is not None:
            day, currency, outcome = query.after
            where.add("day <= {}::date", day)
            where.add("(day < {}::date OR (currency, outcome) > ({}, {}))", day, currency, outcome)
        rows = await self._fetch(_TOTALS, where, query.tenant_id, query.limit)
        return [DailyTotal(*row.values()) for row in rows]

    async def _fetch(self, query: str, where: _Conditions, tenant_id: str, limit: int) -> list[asyncpg.Record]:
        text = query.format(where.text, where.parameter(limit))
        async with self._reads.of(tenant_id) as connection:
            return await connection.fetch(text, *where.values)


class _Conditions:
    """Conditions joined by AND, from texts of ours; every value is a parameter."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self.values: list[Any] = []

    def add(self, text: str, *values: Any) -> None:
        self._texts.append(text.format(*[self.parameter(value) for value in values]))

    def parameter(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"

    @property
    def text(self) -> str:
        return " AND ".join(self._texts)


def _transaction(row: asyncpg.Record) -> Transaction:
    tenant_id, transaction_id, decision_id, *rest = row.values()
    return Transaction(str(tenant_id), transaction_id, str(decision_id), *rest)
