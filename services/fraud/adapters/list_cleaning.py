"""Clears away what is left of lists of values, under the role that sees no value and may delete nothing else.

What was removed leaves a trace for an hour, by which processes learn that it went; one that was away for longer reads
the list anew. What has ended goes a minute later. The entries of a deleted list and parts of imports go as well.
"""

from __future__ import annotations

from prometheus_client import Counter

from meshkit.storage.locks import bounded, under_change
from meshkit.storage.postgres import Connection, Pool, connected

__all__ = ["ListCleaning"]

_cleared = Counter("value_list_rows_cleared", "Rows of lists of values that were deleted after their time.")

CHUNK = 1_000
PARTS = 20
"""Parts of imports are long."""

_OF_DELETED = """
SELECT l.number FROM value_lists AS l WHERE l.deleted_at IS NOT NULL
    AND EXISTS (SELECT FROM value_list_entries AS e WHERE e.number = l.number)
LIMIT 1"""
_DELETE = """
DELETE FROM value_list_entries WHERE number = $1 AND change = ANY (ARRAY(
    SELECT change FROM value_list_entries WHERE number = $1 ORDER BY change LIMIT $2))"""

_REMOVED = "removed AND changed_at < now() - interval '1 hour'"
_ENDED = "NOT removed AND ends < extract(epoch FROM now())::bigint - 60"
_LOCK = "SELECT revision FROM value_list_heads WHERE tenant_id = $1 FOR UPDATE"
# Who has not seen the last of these changes reads the list anew.
_CLEAR = """
WITH gone AS (
    DELETE FROM value_list_entries WHERE number = $1 AND {which} AND change = ANY (ARRAY(
        SELECT change FROM value_list_entries WHERE number = $1 AND {which} LIMIT $2))
    RETURNING change, removed
), counted AS (
    SELECT count(*) AS rows, count(*) FILTER (WHERE NOT removed) AS entries, max(change) AS last FROM gone
), noted AS (
    UPDATE value_lists SET cleared = greatest(cleared, last), entries = value_lists.entries - counted.entries
    FROM counted WHERE number = $1 AND rows > 0
)
SELECT rows FROM counted"""

_LISTS = """
DELETE FROM value_lists AS l WHERE l.deleted_at < now() - interval '24 hours'
    AND NOT EXISTS (SELECT FROM value_list_entries AS e WHERE e.number = l.number)"""
_IMPORTS = """
DELETE FROM value_list_imports WHERE (tenant_id, number, import_id, first_row) IN (
    SELECT tenant_id, number, import_id, first_row FROM value_list_imports
    WHERE created_at < now() - interval '24 hours' ORDER BY created_at LIMIT $1)"""


class ListCleaning:
    """Deletes in chunks, so that no statement runs long and no lock is held for long."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def clear(self) -> int:
        """Deletes one chunk of each kind and returns the number of rows. Raises MeshError UNAVAILABLE and ABORTED."""
        async with connected(self._pool) as connection:
            count = await self._deleted(connection)
            for which, order in ((_REMOVED, "changed_at"), (_ENDED, "ends")):
                count += await self._passed(connection, which, order)
            count += _rows(await connection.execute(_IMPORTS, PARTS))
        _cleared.inc(count)
        return count

    async def _deleted(self, connection: Connection) -> int:
        number = await connection.fetchval(_OF_DELETED)
        if number is not None:
            return _rows(await connection.execute(_DELETE, number, CHUNK))
        return _rows(await connection.execute(_LISTS))

    async def _passed(self, connection: Connection, which: str, order: str) -> int:
        """Deletes entries of the list that has the oldest, while nobody changes the lists of its tenant."""
        oldest = await connection.fetchrow(
            f"SELECT tenant_id, number FROM value_list_entries WHERE {which} ORDER BY {order} LIMIT 1"
        )
        if oldest is None:
            return 0
        async with connection.transaction():
            with bounded(under_change("lists")):
                await connection.execute(_LOCK, oldest["tenant_id"])
            rows: int = await connection.fetchval(_CLEAR.format(which=which), oldest["number"], CHUNK)
        return rows


def _rows(status: str) -> int:
    return int(status.rpartition(" ")[2])
