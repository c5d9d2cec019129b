"""Finds the tenants that have cases, and deletes what was told long ago, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import Counter

from meshkit.storage.postgres import Pool, connected, transaction
from services.cases.domain.levels import UrgencyLevel

__all__ = ["CaseOutboxRetention", "PostgresTenantsWithCases"]

_deleted = Counter("cases_outbox_deleted", "Rows of the outbox that were deleted after their time.")

_COUNTS = "SELECT priority, count(*) FROM cases WHERE tenant_id = $1 AND state <> 'closed' GROUP BY priority"
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

    async def all(self) -> Sequence[str]:
        async with connected(self._pool) as connection:
            return [str(row[0]) for row in await connection.fetch("SELECT tenant_id FROM case_tenants ORDER BY 1")]

    async def counts(self, tenant_id: str) -> Sequence[tuple[UrgencyLevel, int]]:
        async with transaction(self._pool, [tenant_id]) as connection:
            rows = await connection.fetch(_COUNTS, tenant_id)
        return [(UrgencyLevel(priority), count) for priority, count in rows]


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
