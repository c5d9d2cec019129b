"""Reads the outbox for consumers that missed events on the stream, and keeps how far each has acknowledged."""

from __future__ import annotations

import asyncpg

from meshkit.storage import postgres
from services.fraud.domain.outbox import BEGINNING, OutboxPage, Place, PlaceProof
from services.fraud.errors import events_lost

__all__ = ["CLUSTER", "OutboxReader"]

DEFAULT_LIMIT = 1000

CLUSTER = "(SELECT system_identifier::text FROM pg_control_system())"
"""Of the PostgreSQL cluster: transactions of another are numbered otherwise."""

# One statement, hence one snapshot: what is pruned meanwhile is either in the rows or in the mark.
_READ = f"""
SELECT {CLUSTER} AS cluster, gone.xid AS gone_xid, gone.seq AS gone_seq, gone.event AS gone_event,
    pg_snapshot_xmax(head) AS next,
    (SELECT sha256(payload) FROM outbox WHERE (xid, seq) = ($1::xid8, $2::bigint)) AS event,
    followed.xid, followed.seq, followed.payload
FROM pg_current_snapshot() AS head CROSS JOIN outbox_pruned AS gone LEFT JOIN LATERAL (
    SELECT o.xid, o.seq, o.payload FROM outbox AS o
    WHERE (o.xid, o.seq) > ($1::xid8, $2::bigint) AND o.xid < pg_snapshot_xmin(head)
    ORDER BY o.xid, o.seq LIMIT $3
) AS followed ON true
ORDER BY followed.xid, followed.seq"""

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

    async def read(
        self, consumer: str, after: Place = BEGINNING, limit: int = 0, proof: PlaceProof = PlaceProof()
    ) -> OutboxPage:
        async with postgres.transaction(self._pool, ()) as connection:
            page = await _page(connection, after, limit or DEFAULT_LIMIT, proof)
            # Only now: what a consumer has of another outbox must not let rows of this one be pruned.
            await connection.execute(_ACKNOWLEDGE, consumer, after.xid, after.seq)
        return page

    async def peek(self, after: Place, limit: int, proof: PlaceProof) -> OutboxPage:
        """Reads as `read` does for who can do without what is pruned: no row waits for him."""
        async with postgres.transaction(self._pool, ()) as connection:
            return await _page(connection, after, limit, proof)


async def _page(connection: postgres.Connection, after: Place, limit: int, proof: PlaceProof) -> OutboxPage:
    records = await connection.fetch(_READ, after.xid, after.seq, limit)
    _check(records[0], after, proof)
    rows = [record for record in records if record["xid"] is not None]
    last = Place(rows[-1]["xid"], rows[-1]["seq"]) if rows else after
    return OutboxPage(after, last, [row["payload"] for row in rows], cluster=records[0]["cluster"])


def _check(state: asyncpg.Record, after: Place, proof: PlaceProof) -> None:
    """Raises STREAM_POSITION_LOST unless all that was committed after a place can be read."""
    pruned = Place(state["gone_xid"], state["gone_seq"])
    if proof.cluster and proof.cluster != state["cluster"]:
        raise events_lost("it is of another database cluster")
    if after < pruned:
        raise events_lost("what follows it is kept no longer")
    if after.xid >= state["next"]:
        raise events_lost("the database is older than it")
    found = state["gone_event"] if after == pruned else state["event"]
    if proof.event and found != proof.event and not (after == pruned and not found):
        raise events_lost("the database has another history there")
