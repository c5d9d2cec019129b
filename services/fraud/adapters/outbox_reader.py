"""Reads the outbox for consumers that missed events on the stream, and keeps how far each has acknowledged."""

from __future__ import annotations

from meshkit.storage import postgres
from services.fraud.adapters.outbox_rows import read_rows
from services.fraud.domain.outbox import BEGINNING, OutboxPage, Place

__all__ = ["OutboxReader"]

DEFAULT_LIMIT = 1000

# An acknowledgement never goes back: an answer that came late must not keep rows from being pruned, nor a repeated
# question. The row that a first read writes makes the consumer known, so that rows wait for it from then on.
_ACKNOWLEDGE = """
INSERT INTO outbox_consumers AS known (consumer, xid, seq, acknowledged_at) VALUES ($1, $2::xid8, $3::bigint, now())
ON CONFLICT (consumer) DO UPDATE
SET xid = EXCLUDED.xid, seq = EXCLUDED.seq, acknowledged_at = EXCLUDED.acknowledged_at
WHERE (known.xid, known.seq) < (EXCLUDED.xid, EXCLUDED.seq)"""


class OutboxReader:
    """Implements `Outbox` as the relay role, the only one that sees the outbox of all tenants."""

    def __init__(self, pool: postgres.Pool) -> None:
        self._pool = pool

    async def read(self, consumer: str, after: Place = BEGINNING, limit: int = 0) -> OutboxPage:
        async with postgres.transaction(self._pool, ()) as connection:
            await connection.execute(_ACKNOWLEDGE, consumer, after.xid, after.seq)
            return await read_rows(connection, after, limit or DEFAULT_LIMIT)
