"""Keeps the answers to named requests in the table `requests` of a service, and deletes them after a day.

The table has row-level security like any other, and lets nothing go that is younger (see the migrations of the user
service).
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from prometheus_client import Counter

from meshkit.named_requests import Answered, NamedRequest, request_under_way
from meshkit.storage import postgres
from meshkit.storage.locks import bounded

__all__ = ["MemoryClaims", "PostgresClaims", "RequestRetention"]

_deleted = Counter("requests_deleted", "Named requests that were deleted after their time.")

CHUNK = 1_000

# Waits for a transaction that has inserted the same and has not ended, and goes on if that one fails.
_CLAIM = """
INSERT INTO requests (tenant_id, request_id, method, fingerprint, response) VALUES ($1, $2, $3, $4, '')
ON CONFLICT DO NOTHING
RETURNING request_id"""

_ANSWERED = "SELECT method, fingerprint, response FROM requests WHERE tenant_id = $1 AND request_id = $2"
_ANSWER = "UPDATE requests SET response = $3 WHERE tenant_id = $1 AND request_id = $2"

# How old is old enough is also in the policy of the table, which lets nothing younger go.
_DELETE = """
DELETE FROM requests WHERE (tenant_id, request_id) IN (
    SELECT tenant_id, request_id FROM requests
    WHERE created_at < now() - interval '24 hours' ORDER BY created_at LIMIT $1
)"""


class PostgresClaims:
    """Implements `Claims` on a connection with an open transaction."""

    def __init__(self, connection: postgres.Connection, tenant_id: str) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def claim(self, request: NamedRequest) -> Answered | None:
        name = (self._tenant_id, request.request_id)
        with bounded(request_under_way()):
            claimed = await self._connection.fetchval(_CLAIM, *name, request.method, request.fingerprint)
        if claimed is not None:
            return None
        row = await self._connection.fetchrow(_ANSWERED, *name)
        if row is None:
            # It was cleaned away between the two statements: the next attempt is the first.
            raise request_under_way()
        return Answered(row["method"], row["fingerprint"], row["response"])

    async def answer(self, request_id: UUID, response: bytes) -> None:
        await self._connection.execute(_ANSWER, self._tenant_id, request_id, response)


class MemoryClaims:
    """Implements `Claims` on a dictionary by tenant and name."""

    def __init__(self, requests: dict[tuple[str, UUID], Answered], tenant_id: str) -> None:
        self._requests = requests
        self._tenant_id = tenant_id

    async def claim(self, request: NamedRequest) -> Answered | None:
        key = (self._tenant_id, request.request_id)
        answered = self._requests.get(key)
        if answered is None:
            self._requests[key] = Answered(request.method, request.fingerprint, b"")
        return answered

    async def answer(self, request_id: UUID, response: bytes) -> None:
        key = (self._tenant_id, request_id)
        self._requests[key] = replace(self._requests[key], response=response)


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
