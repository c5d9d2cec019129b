"""Deletes rows of the outbox that are old and that every known consumer has acknowledged."""

from __future__ import annotations

from prometheus_client import Counter

from meshkit.storage import postgres

__all__ = ["OutboxRetention"]

_pruned = Counter("outbox_pruned", "Rows of the outbox that were deleted, old and acknowledged.")

CHUNK = 2_000

# The inner query bounds the work before it looks at ages: places grow with time, so nothing old hides behind what is
# young. Without any known consumer the comparison is null and nothing is deleted. Who watches decisions learns from the
# last place that was pruned, in the same transaction, that he has missed some.
_PRUNE = """
WITH pruned AS (
    DELETE FROM outbox WHERE (xid, seq) IN (
        SELECT xid, seq FROM (
            SELECT xid, seq, created_at FROM outbox
            WHERE (xid, seq) <= (SELECT xid, seq FROM outbox_consumers ORDER BY xid, seq LIMIT 1)
            ORDER BY xid, seq LIMIT $2
        ) AS first WHERE created_at < now() - make_interval(hours => $1)
    ) RETURNING xid, seq, payload
), marked AS (
    UPDATE outbox_pruned AS mark SET xid = last.xid, seq = last.seq, event = sha256(last.payload)
    FROM (SELECT xid, seq, payload FROM pruned ORDER BY xid DESC, seq DESC LIMIT 1) AS last
    WHERE (mark.xid, mark.seq) < (last.xid, last.seq)
)
SELECT count(*) FROM pruned"""


class OutboxRetention:
    """Deletes in chunks, so that no statement runs long. Any number of replicas may do so (see `meshkit.periodic`)."""

    def __init__(self, pool: postgres.Pool, hours: int) -> None:
        self._pool = pool
        self._hours = hours

    async def prune(self) -> int:
        """Deletes one chunk and returns the number of its rows."""
        async with postgres.transaction(self._pool, ()) as connection:
            count: int = await connection.fetchval(_PRUNE, self._hours, CHUNK)
        _pruned.inc(count)
        return count
