"""Reads the stored decisions of a period in the order in which they were made, under row-level security."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from datetime import datetime
from uuid import UUID

import asyncpg

from meshkit.storage.postgres import Pool, transaction
from services.fraud.adapters.read_ahead import pages_ahead
from services.fraud.convert import past_from_record, vector_version_from_record
from services.fraud.domain.backtests.past import Extent, PastDecision

__all__ = ["PostgresPast"]

PAGE = 500
WAIT_SECONDS = 5.0

_PERIOD = """
FROM decisions WHERE tenant_id = $1 AND event_type = $2 AND decision_id >= first_decision_id($3)
    AND decision_id < first_decision_id($4)"""
_EXTENT = f"SELECT count(*) AS decisions, max(create_time - event_time) AS latest {_PERIOD}"
_FIRST = f"SELECT inputs {_PERIOD} ORDER BY decision_id LIMIT 1"
_LAST = f"SELECT inputs {_PERIOD} ORDER BY decision_id DESC LIMIT 1"
_PAGE = """
SELECT decision_id, transaction_id, event_type, event_time, create_time, event,
    CASE WHEN event_type = $5 AND decision_id > $6 THEN answer END AS answer,
    CASE WHEN event_type = $5 AND decision_id > $6 OR $9 THEN inputs END AS inputs
FROM decisions
WHERE tenant_id = $1 AND decision_id > $2 AND decision_id >= first_decision_id($3)
    AND decision_id < first_decision_id($4) AND event_type = ANY ($7::text[])
ORDER BY decision_id LIMIT $8"""


class PostgresPast:
    """Implements `PastDecisions`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def extent(self, tenant_id: str, event_type: str, since: datetime, until: datetime) -> Extent:
        period = tenant_id, event_type, since, until
        async with transaction(self._pool, [tenant_id], wait=WAIT_SECONDS) as connection:
            row = await connection.fetchrow(_EXTENT, *period)
            ends = [await connection.fetchval(query, *period) for query in (_FIRST, _LAST)]
        assert row is not None
        latest = row["latest"].total_seconds() if row["latest"] is not None else 0.0
        return Extent(row["decisions"], latest, tuple(vector_version_from_record(each) for each in ends if each))

    async def pages(
        self,
        tenant_id: str,
        since: datetime,
        until: datetime,
        after: UUID,
        whole: str,
        events: Collection[str] = (),
        *,
        places: bool = False,
    ) -> AsyncGenerator[Sequence[PastDecision], None]:
        asked = since, until, whole, after, sorted({whole, *events}), places
        # Where nothing but whole decisions is asked for, those before are not even looked at.
        first = UUID(int=0) if events else after
        async with aclosing(pages_ahead(lambda place: self._read(tenant_id, place, *asked), first, PAGE)) as pages:
            async for rows in pages:
                yield [past_from_record(row) for row in rows]

    async def _read(
        self,
        tenant_id: str,
        place: UUID,
        since: datetime,
        until: datetime,
        whole: str,
        after: UUID,
        types: Sequence[str],
        places: bool,
    ) -> Sequence[asyncpg.Record]:
        async with transaction(self._pool, [tenant_id], wait=WAIT_SECONDS) as connection:
            return await connection.fetch(_PAGE, tenant_id, place, since, until, whole, after, types, PAGE, places)
