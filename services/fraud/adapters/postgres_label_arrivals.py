"""Reads labels in the order of their arrival in the entity logs, under row-level security."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from meshkit.storage.postgres import Pool, transaction
from services.fraud.convert import fields_from_record
from services.fraud.domain.backtests.arrived import ArrivedLabel
from services.fraud.ports.labels import PlacedLabel

__all__ = ["PostgresLabelArrivals"]

PAGE = 500
WAIT_SECONDS = 5.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND, _MILLISECOND = timedelta(microseconds=1), timedelta(milliseconds=1)

_PAGE = """
SELECT l.arrival, l.label_id, l.transaction_id, l.known_time, l.number, l.label IN ('fraud', 'chargeback') AS fraud,
    d.event_type, d.event
FROM labels AS l JOIN decisions AS d ON d.tenant_id = l.tenant_id AND d.decision_id = l.decision_id
WHERE l.tenant_id = $1 AND (l.arrival, l.label_id) > ($2, $3) AND l.arrival < $4 AND NOT l.refused
ORDER BY l.arrival, l.label_id LIMIT $5"""


class PostgresLabelArrivals:
    """Implements `LabelArrivals`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def pages(
        self, tenant_id: str, since: datetime, until: datetime
    ) -> AsyncGenerator[Sequence[PlacedLabel], None]:
        place, end = ((since - _EPOCH) // _MICROSECOND, UUID(int=0)), (until - _EPOCH) // _MICROSECOND
        while True:
            async with transaction(self._pool, [tenant_id], wait=WAIT_SECONDS) as connection:
                rows = await connection.fetch(_PAGE, tenant_id, *place, end, PAGE)
            if rows:
                yield [_placed(row) for row in rows]
                place = rows[-1]["arrival"], rows[-1]["label_id"]
            if len(rows) < PAGE:
                return


def _placed(row: asyncpg.Record) -> PlacedLabel:
    known_ms = (row["known_time"] - _EPOCH) // _MILLISECOND
    said = known_ms, row["number"], row["fraud"]
    return PlacedLabel(
        row["arrival"], ArrivedLabel(row["transaction_id"], row["event_type"], fields_from_record(row["event"]), *said)
    )
