"""Deletes old decisions and labels in PostgreSQL, under the role that may do nothing else."""

from __future__ import annotations

from prometheus_client import Counter

from meshkit.storage.postgres import Pool, connected

__all__ = ["PostgresOldDecisions", "PostgresOldLabels"]

_deleted = Counter("decisions_deleted", "Decisions that were deleted after the time for which their tenants keep them.")

CHUNK = 1_000
FILES = 10
"""That are deleted at once: each may have thousands of refused rows."""
MONTHS_AHEAD = 3

_PARTITIONS = "SELECT make_decision_partitions($1)"

# Tenants are found by skipping from one to the next in the primary key.
_NEXT_TENANT = "SELECT tenant_id FROM decisions WHERE tenant_id > $1 ORDER BY tenant_id LIMIT 1"

# Identifiers begin with the time, so that the primary key finds what is old and nothing needs an index of its own.
# What the outbox still tells of stays: who watches, or catches up, looks the decision up.
_DELETE = """
WITH bound AS (
    SELECT least(
        now() - make_interval(days => coalesce((SELECT days FROM decision_retention WHERE tenant_id = $1), $2)),
        (SELECT created_at FROM outbox ORDER BY xid, seq LIMIT 1)
    ) AS time
), gone AS (
    DELETE FROM decisions WHERE tenant_id = $1 AND decision_id = ANY (ARRAY(
        SELECT d.decision_id FROM decisions AS d, bound
        WHERE d.tenant_id = $1 AND d.decision_id < first_decision_id(bound.time) AND d.create_time < bound.time
        ORDER BY d.decision_id LIMIT $3
    )) RETURNING transaction_id
), freed AS (
    DELETE FROM transactions WHERE tenant_id = $1 AND transaction_id IN (SELECT transaction_id FROM gone)
), unlabelled AS (
    DELETE FROM labels WHERE tenant_id = $1 AND transaction_id IN (SELECT transaction_id FROM gone)
)
SELECT count(*) FROM gone"""

# One whose transaction has come meanwhile stays.
_DELETE_PENDING = """
DELETE FROM labels WHERE decision_id IS NULL AND (tenant_id, transaction_id, number) IN (
    SELECT tenant_id, transaction_id, number FROM labels
    WHERE decision_id IS NULL AND create_time < now() - interval '90 days' ORDER BY create_time LIMIT $1
)"""
_DELETE_FILES = """
DELETE FROM label_imports WHERE (tenant_id, import_id) IN (
    SELECT tenant_id, import_id FROM label_imports
    WHERE create_time < now() - interval '30 days' ORDER BY create_time LIMIT $1
)"""


class PostgresOldDecisions:
    """Implements `OldDecisions`. `days` is for tenants without a number of their own."""

    def __init__(self, pool: Pool, days: int) -> None:
        self._pool = pool
        self._days = days

    async def prepare(self) -> None:
        async with connected(self._pool) as connection:
            await connection.execute(_PARTITIONS, MONTHS_AHEAD)

    async def next_tenant(self, after: str) -> str | None:
        async with connected(self._pool) as connection:
            tenant = await connection.fetchval(_NEXT_TENANT, after)
        return str(tenant) if tenant is not None else None

    async def delete(self, tenant_id: str) -> int:
        async with connected(self._pool) as connection:
            count: int = await connection.fetchval(_DELETE, tenant_id, self._days, CHUNK)
        _deleted.inc(count)
        return count


class PostgresOldLabels:
    """Implements `OldLabels`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def delete(self) -> int:
        count = 0
        async with connected(self._pool) as connection:
            for statement, chunk in ((_DELETE_PENDING, CHUNK), (_DELETE_FILES, FILES)):
                count += int((await connection.execute(statement, chunk)).rpartition(" ")[2])
        return count
