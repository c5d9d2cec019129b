"""Finds the tenants that have cases, and deletes what was told long ago, in PostgreSQL."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import prometheus_client

from meshkit.storage.postgres import Pool, connected, transaction
from services.cases.adapters.rows import aged_priority
from services.cases.domain.levels import AGES, UrgencyLevel
from services.cases.ports import WatchedCases

__all__ = ["TENANTS", "TENANTS_AT_ONCE", "CaseOutboxRetention", "PostgresTenantsWithCases"]

_deleted = prometheus_client.Counter("cases_outbox_deleted", "Rows of the outbox that were deleted after their time.")

TENANTS = "SELECT tenant_id FROM case_tenants ORDER BY 1"
TENANTS_AT_ONCE = 500
_WATCHED = f"""
SELECT priority, count(*) AS open, array_agg(DISTINCT tenant_id) FILTER (
    WHERE (NOT overdue AND due_at <= $2) OR (state = 'open' AND priority <> {aged_priority(3)})
) AS due
FROM cases WHERE tenant_id = ANY ($1::uuid[]) AND state <> 'closed' GROUP BY priority"""
CHUNK = 2_000
# How old is old enough is also in the policy of the table, which lets nothing younger go.
_DELETE = """
DELETE FROM outbox WHERE (xid, seq) IN (
    SELECT xid, seq FROM outbox WHERE created_at < now() - interval '30 days' ORDER BY created_at LIMIT $1
)"""


class PostgresTenantsWithCases:
    """Implements `TenantsWithCases`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def watched(self, now: datetime) -> WatchedCases:
        async with connected(self._pool) as connection:
            tenants = [str(row[0]) for row in await connection.fetch(TENANTS)]
        count: Counter[UrgencyLevel] = Counter()
        due: set[str] = set()
        for start in range(0, len(tenants), TENANTS_AT_ONCE):
            own = tenants[start : start + TENANTS_AT_ONCE]
            async with transaction(self._pool, own) as connection:
                rows = await connection.fetch(_WATCHED, own, now, *(now - age for age in AGES))
            for row in rows:
                count[UrgencyLevel(row["priority"])] += row["open"]
                due.update(map(str, row["due"] or ()))
        return WatchedCases(count, sorted(due))


class CaseOutboxRetention:
    """Deletes in chunks, so that no statement runs long. Any number of replicas may do so (see `meshkit.periodic`)."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def delete(self) -> int:
        """Deletes one chunk and returns the number of its rows."""
        async with transaction(self._pool, ()) as connection:
            await connection.execute("SELECT set_config('rampart.cleaning', 'on', true)")
            count = int((await connection.execute(_DELETE, CHUNK)).rpartition(" ")[2])
        _deleted.inc(count)
        return count
