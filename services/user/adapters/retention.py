"""Deletes idempotency records of requests after a day."""

from __future__ import annotations

from prometheus_client import Counter

from meshkit.storage import postgres

__all__ = ["RequestRetention"]

_deleted = Counter("requests_deleted", "Named requests that were deleted after their time.")

CHUNK = 1_000

# How old is old enough is also in the policy of the table, which lets nothing younger go.
_DELETE = """
DELETE FROM requests WHERE (tenant_id, request_id) IN (
    SELECT tenant_id, request_id FROM requests
    WHERE created_at < now() - interval '24 hours' ORDER BY created_at LIMIT $1
)"""


class RequestRetention:
    """Deletes in chunks, so that no statement runs long. Any number of replicas may do so (see `meshkit.periodic`)."""

    def __init__(self, pool: postgres.Pool) -> None:
        self._pool = pool

    async def delete(self) -> int:
        """Deletes one chunk and returns the number of its rows."""
        async with postgres.transaction(self._pool, ()) as connection:
            await connection.execute("SELECT set_config('rampart.cleaning', 'on', true)")
            count = int((await connection.execute(_DELETE, CHUNK)).rpartition(" ")[2])
        _deleted.inc(count)
        return count
