"""Deletes what ended long ago from PostgreSQL: cases with all that belongs to them, alerts without a case, and jobs."""

from __future__ import annotations

import prometheus_client

from meshkit.storage.postgres import Pool, connected, transaction
from services.cases.adapters.postgres_tenants import TENANTS, TENANTS_AT_ONCE

__all__ = ["EndedCaseRetention"]

_deleted = prometheus_client.Counter("cases_deleted", "Cases, alerts without one and jobs that were deleted in time.")

CHUNK = 50
JOB_DAYS = 30
"""Days for which jobs are kept, as their tasks are."""
# How old is old enough at least is also in the policies of the tables, which let nothing younger go.
_DELETE = """
WITH old AS MATERIALIZED (
    SELECT tenant_id, {key} FROM {table}
    WHERE tenant_id = ANY ($1::uuid[]) AND {ended} < now() - make_interval(days => $2)
    LIMIT $3 FOR UPDATE SKIP LOCKED
)
DELETE FROM {table} AS t USING old WHERE (t.tenant_id, t.{key}) = (old.tenant_id, old.{key})"""
_CASES = _DELETE.format(table="cases", key="case_id", ended="state = 'closed' AND closed_at")
_ALERTS = _DELETE.format(
    table="alerts", key="alert_id", ended="case_id IS NULL AND state IN ('dismissed', 'closed') AND updated_at"
)
_JOBS = _DELETE.format(table="case_jobs", key="job_id", ended="created_at")


class EndedCaseRetention:
    """Deletes in chunks, so that no statement runs long. Any number of replicas may do so (see `meshkit.periodic`)."""

    def __init__(self, pool: Pool, days: int) -> None:
        self._pool = pool
        self._days = days

    async def delete(self) -> int:
        """Deletes a chunk of what ended so many days ago and returns the number of cases, alerts and jobs."""
        async with connected(self._pool) as connection:
            tenants = [str(row[0]) for row in await connection.fetch(TENANTS)]
        count = 0
        for start in range(0, len(tenants), TENANTS_AT_ONCE):
            count += await self._delete(tenants[start : start + TENANTS_AT_ONCE])
        _deleted.inc(count)
        return count

    async def _delete(self, tenants: list[str]) -> int:
        count = 0
        async with transaction(self._pool, tenants) as connection:
            await connection.execute("SELECT set_config('rampart.cleaning', 'on', true)")
            for statement, days in ((_CASES, self._days), (_ALERTS, self._days), (_JOBS, JOB_DAYS)):
                done = await connection.execute(statement, tenants, days, CHUNK)
                count += int(done.rpartition(" ")[2])
        return count
