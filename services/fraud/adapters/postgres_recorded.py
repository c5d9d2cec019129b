"""Reads stored decisions with the values of their features, under row-level security."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from uuid import UUID

import asyncpg

from meshkit.storage.postgres import Pool, transaction
from services.fraud.adapters.read_ahead import pages_ahead
from services.fraud.convert import intact_from_record, recorded_check_from_record, vector_version_from_record
from services.fraud.domain.verification.recorded import RecordedCheck, RecordedExtent

__all__ = ["PostgresRecorded"]

PAGE = 500
WAIT_SECONDS = 5.0

_PERIOD = """
FROM decisions WHERE tenant_id = $1 AND decision_id >= first_decision_id($2) AND decision_id < first_decision_id($3)"""
_EXTENT = f"SELECT count(*) AS decisions, max(create_time - event_time) AS latest {_PERIOD}"
_FIRST = f"SELECT inputs {_PERIOD} ORDER BY decision_id LIMIT 1"
_LAST = f"SELECT inputs {_PERIOD} ORDER BY decision_id DESC LIMIT 1"
# Old decisions are deleted a slice at a time: of a tenant whose first one is about as old as they get, some are gone.
_DELETED_BEFORE = """
SELECT create_time FROM (
    SELECT create_time FROM decisions WHERE tenant_id = $1 ORDER BY decision_id LIMIT 1
) AS first
WHERE create_time < now() - make_interval(days => coalesce(
    (SELECT days FROM decision_retention WHERE tenant_id = $1), $2
) - 2)"""
_PAGE = """
SELECT decision_id, transaction_id, event_type, event_time, create_time, event, inputs FROM decisions
WHERE tenant_id = $1 AND decision_id > $2 AND decision_id >= first_decision_id($3)
    AND decision_id < first_decision_id($4)
ORDER BY decision_id LIMIT $5"""
_WHOLE = "SELECT answer, event, inputs FROM decisions WHERE tenant_id = $1 AND decision_id = $2"


class PostgresRecorded:
    """Implements `RecordedChecks`. `kept_days` is for tenants that say nothing else."""

    def __init__(self, pool: Pool, kept_days: int) -> None:
        self._pool = pool
        self._kept_days = kept_days

    async def extent(self, tenant_id: str, since: datetime, until: datetime) -> RecordedExtent:
        period = tenant_id, since, until
        async with transaction(self._pool, [tenant_id], wait=WAIT_SECONDS) as connection:
            row = await connection.fetchrow(_EXTENT, *period)
            ends = [await connection.fetchval(query, *period) for query in (_FIRST, _LAST)]
            deleted_before = await connection.fetchval(_DELETED_BEFORE, tenant_id, self._kept_days)
        assert row is not None
        latest = row["latest"].total_seconds() if row["latest"] is not None else 0.0
        sets = tuple(vector_version_from_record(each) for each in ends if each)
        return RecordedExtent(row["decisions"], latest, sets, deleted_before)

    async def pages(
        self, tenant_id: str, since: datetime, until: datetime
    ) -> AsyncGenerator[Sequence[RecordedCheck], None]:
        reading = pages_ahead(lambda place: self._read(tenant_id, place, since, until), UUID(int=0), PAGE)
        async with aclosing(reading) as pages:
            async for rows in pages:
                yield [recorded_check_from_record(row) for row in rows]

    async def intact(self, tenant_id: str, decision_id: str) -> bool:
        async with transaction(self._pool, [tenant_id], wait=WAIT_SECONDS) as connection:
            row = await connection.fetchrow(_WHOLE, tenant_id, UUID(decision_id))
        return row is not None and intact_from_record(row["answer"], row["event"], row["inputs"])

    async def _read(self, tenant_id: str, after: UUID, since: datetime, until: datetime) -> Sequence[asyncpg.Record]:
        async with transaction(self._pool, [tenant_id], wait=WAIT_SECONDS) as connection:
            return await connection.fetch(_PAGE, tenant_id, after, since, until, PAGE)
