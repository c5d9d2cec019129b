"""Reads decisions with what is said of their transactions in PostgreSQL, under row-level security."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any
from uuid import UUID

import asyncpg

from meshkit.storage.postgres import Pool, transaction
from services.fraud.adapters.read_ahead import pages_ahead
from services.fraud.convert import past_from_record
from services.fraud.domain.labels.label import LabelKind
from services.fraud.ports.labelled import DecidedPeriod, LabelledDecision

__all__ = ["PostgresLabelledDecisions"]

PAGE = 500
WAIT_SECONDS = 5.0

# Events come at most five minutes before they happen, by clocks that are ahead; late ones may come at any time.
_PERIOD = """
FROM decisions AS d WHERE d.tenant_id = $1 AND d.event_type = $2 AND d.event_time >= $3 AND d.event_time < $4
    AND d.decision_id >= first_decision_id($3 - interval '6 minutes')
    AND d.decision_id < coalesce(first_decision_id($5::timestamptz), 'ffffffff-ffff-ffff-ffff-ffffffffffff')"""
_COUNT = f"SELECT count(*) {_PERIOD}"
_PAGE = f"""
SELECT decision_id, transaction_id, event_type, event_time, create_time, event, answer, inputs, (
    SELECT json_agg(
        json_build_array(floor(extract(epoch FROM l.known_time) * 1000)::bigint, l.number, l.label)
        ORDER BY l.known_time, l.number
    )::text
    FROM labels AS l
    WHERE l.tenant_id = $1 AND l.transaction_id = d.transaction_id AND l.decision_id = d.decision_id AND NOT l.refused
        AND l.known_time <= coalesce($6::timestamptz, 'infinity')
        AND l.create_time < coalesce($5::timestamptz, 'infinity')
) AS said
{_PERIOD} AND d.decision_id > $7
ORDER BY d.decision_id LIMIT $8"""


class PostgresLabelledDecisions:
    """Implements `LabelledDecisions`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def count(self, period: DecidedPeriod) -> int:
        async with transaction(self._pool, [period.tenant_id], wait=WAIT_SECONDS) as connection:
            return int(await connection.fetchval(_COUNT, *_asked(period)))

    async def pages(self, period: DecidedPeriod) -> AsyncGenerator[Sequence[LabelledDecision], None]:
        async def read(place: UUID) -> Sequence[asyncpg.Record]:
            async with transaction(self._pool, [period.tenant_id], wait=WAIT_SECONDS) as connection:
                return await connection.fetch(_PAGE, *_asked(period), period.known_by, place, PAGE)

        async with aclosing(pages_ahead(read, UUID(int=0), PAGE)) as pages:
            async for rows in pages:
                yield [LabelledDecision(past_from_record(row), _labels(row["said"])) for row in rows]


def _asked(period: DecidedPeriod) -> Sequence[Any]:
    return period.tenant_id, period.event_type, period.since, period.until, period.stored_before


def _labels(said: str | None) -> Sequence[tuple[int, int, LabelKind]]:
    return [(known_ms, number, LabelKind(label)) for known_ms, number, label in json.loads(said)] if said else ()
