"""Keeps reports of quality in PostgreSQL, under row-level security."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from meshkit.storage.locks import hold_lock
from meshkit.storage.named_requests import PostgresClaims
from meshkit.storage.postgres import Pool, transaction
from meshkit.storage.reads import Reads
from services.fraud.convert import quality_result_to_record
from services.fraud.domain.quality.question import question_from_json, question_to_json
from services.fraud.domain.quality.report import QualityReport, QualityResult
from services.fraud.ports.backtests import SupersededError
from services.fraud.ports.quality import QualityChanges

__all__ = ["PostgresQuality", "PostgresQualityAttempts", "PostgresQualityChanges", "PostgresQualityWriter"]

CHUNK = 100
_COLUMNS = "tenant_id, report_id, task_id, question, created_by, created_at, finished_at"
_GET = f"""
SELECT {_COLUMNS}, result FROM quality_reports
WHERE tenant_id = $1 AND report_id = $2 AND created_at >= now() - interval '400 days'"""
_PAGE = f"""
SELECT {_COLUMNS} FROM quality_reports
WHERE tenant_id = $1 AND report_id < $2 AND created_at >= now() - interval '400 days'
ORDER BY report_id DESC LIMIT $3"""
_ADD = """
INSERT INTO quality_reports (tenant_id, report_id, task_id, question, created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6)"""
_DELETE = "DELETE FROM quality_reports WHERE tenant_id = $1 AND report_id = $2"
_WITHOUT_RESULT = f"""
SELECT {_COLUMNS} FROM quality_reports WHERE tenant_id = $1 AND finished_at IS NULL ORDER BY report_id DESC LIMIT $2"""
_PRUNE = """
DELETE FROM quality_reports WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM quality_reports WHERE created_at < now() - interval '400 days' LIMIT $1
))"""
_BEGIN = """
UPDATE quality_reports SET token = $3
WHERE tenant_id = $1 AND report_id = $2 AND token <= $3 AND finished_at IS NULL RETURNING token"""
_FINISHED = "SELECT finished_at IS NOT NULL FROM quality_reports WHERE tenant_id = $1 AND report_id = $2"
_FINISH = """
UPDATE quality_reports SET result = $4, finished_at = now()
WHERE tenant_id = $1 AND report_id = $2 AND token = $3 AND finished_at IS NULL RETURNING token"""
LAST = UUID(int=(1 << 128) - 1)


class PostgresQuality:
    """Implements `QualityReads`."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def get(self, tenant_id: str, report_id: UUID) -> QualityReport | None:
        async with self._reads.of(tenant_id) as connection:
            row = await connection.fetchrow(_GET, tenant_id, report_id)
        return _report(row) if row else None

    async def page(self, tenant_id: str, before: UUID | None, limit: int) -> Sequence[QualityReport]:
        async with self._reads.of(tenant_id) as connection:
            return [_report(row) for row in await connection.fetch(_PAGE, tenant_id, before or LAST, limit)]


class PostgresQualityWriter:
    """Implements `QualityWriter`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[QualityChanges]:
        async with transaction(self._pool, [tenant_id]) as connection:
            # Of two that ask for one more, the second sees the first.
            await hold_lock(connection, "quality reports", tenant_id)
            yield PostgresQualityChanges(connection, tenant_id)

    async def prune(self) -> int:
        """Deletes a slice of the reports, of all tenants, of more than 400 days ago, and returns how many."""
        async with transaction(self._pool, ()) as connection:
            await connection.execute("SELECT set_config('rampart.cleaning', 'on', true)")
            return int((await connection.execute(_PRUNE, CHUNK)).rpartition(" ")[2])


class PostgresQualityChanges(PostgresClaims):
    """Implements `QualityChanges` on a connection with an open transaction."""

    async def add(self, report: QualityReport) -> None:
        row = report.task_id, question_to_json(report.question), report.created_by, report.created_at
        await self._connection.execute(_ADD, report.tenant_id, report.report_id, *row)

    async def get(self, report_id: UUID) -> QualityReport | None:
        row = await self._connection.fetchrow(_GET, self._tenant_id, report_id)
        return _report(row) if row else None

    async def delete(self, report_id: UUID) -> None:
        await self._connection.execute(_DELETE, self._tenant_id, report_id)

    async def without_result(self, limit: int) -> Sequence[QualityReport]:
        return [_report(row) for row in await self._connection.fetch(_WITHOUT_RESULT, self._tenant_id, limit)]


class PostgresQualityAttempts:
    """Implements `QualityAttempts`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, tenant_id: str, report_id: str, token: int) -> bool:
        async with transaction(self._pool, [tenant_id]) as connection:
            if await connection.fetchval(_BEGIN, tenant_id, report_id, token) is not None:
                return True
            if await connection.fetchval(_FINISHED, tenant_id, report_id):
                return False
        raise SupersededError

    async def finish(self, tenant_id: str, report_id: str, token: int, result: QualityResult) -> None:
        record = quality_result_to_record(result)
        async with transaction(self._pool, [tenant_id]) as connection:
            if await connection.fetchval(_FINISH, tenant_id, report_id, token, record) is None:
                raise SupersededError


def _report(row: asyncpg.Record) -> QualityReport:
    return QualityReport(
        tenant_id=str(row["tenant_id"]),
        report_id=str(row["report_id"]),
        question=question_from_json(row["question"]),
        task_id=str(row["task_id"]),
        created_by=row["created_by"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        result=row.get("result"),
    )
