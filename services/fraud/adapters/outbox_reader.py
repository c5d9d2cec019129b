"""Rows of the outbox for a consumer that missed them on the event stream."""

from __future__ import annotations

from rampart.fraud.v1 import event_pb2

from meshkit.storage import postgres
from services.fraud.adapters.outbox_rows import Place, place_of, read_rows

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
    """Reads as the relay role, the only one that sees the outbox of all tenants."""

    def __init__(self, pool: postgres.Pool) -> None:
        self._pool = pool

    async def read(
        self, consumer: str, after: event_pb2.OutboxPosition | None = None, limit: int = 0
    ) -> event_pb2.EventBatch:
        """Returns up to `limit` rows after a place and takes the place as the consumer's acknowledgement.

        Raises MeshError UNAVAILABLE while the store cannot be used.
        """
        place = place_of(after) if after is not None else Place(0, 0)
        async with postgres.transaction(self._pool, ()) as connection:
            await connection.execute(_ACKNOWLEDGE, consumer, place.xid, place.seq)
            return (await read_rows(connection, place, limit or DEFAULT_LIMIT)).batch
