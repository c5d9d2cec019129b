"""Deletes requests whose names nobody can count on any more."""

from __future__ import annotations

import asyncio
import logging

from prometheus_client import Counter

from meshkit.errors import MeshError
from meshkit.storage import postgres

__all__ = ["RequestRetention"]

_log = logging.getLogger(__name__)
_deleted = Counter("requests_deleted", "Named requests that were deleted after their time.")

CHUNK = 1_000
PAUSE_SECONDS = 0.05
INTERVAL_SECONDS = 300.0

# How old is old enough is also in the policy of the table, which lets nothing younger go.
_DELETE = """
DELETE FROM requests WHERE (tenant_id, request_id) IN (
    SELECT tenant_id, request_id FROM requests
    WHERE created_at < now() - interval '24 hours' ORDER BY created_at LIMIT $1
)"""


class RequestRetention:
    """A task that deletes in chunks, so that no statement runs long. Any number of replicas may run it."""

    def __init__(self, pool: postgres.Pool, *, interval: float = INTERVAL_SECONDS) -> None:
        self._pool = pool
        self._interval = interval

    async def run(self) -> None:
        """Deletes now and then, until cancelled."""
        while True:
            deleted = 0
            try:
                deleted = await self.delete()
            except MeshError as error:
                _log.warning("old requests were not deleted: %s", error.message)
            except Exception:
                _log.exception("deleting old requests failed unexpectedly")
            await asyncio.sleep(PAUSE_SECONDS if deleted else self._interval)

    async def delete(self) -> int:
        """Deletes one chunk and returns the number of its rows."""
        async with postgres.transaction(self._pool, ()) as connection:
            await connection.execute("SELECT set_config('rampart.cleaning', 'on', true)")
            count = int((await connection.execute(_DELETE, CHUNK)).rpartition(" ")[2])
        _deleted.inc(count)
        return count
