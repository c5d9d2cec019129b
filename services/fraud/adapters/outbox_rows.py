"""Queries the outbox: rows in an order in which no later commit can come before what was read."""

from __future__ import annotations

from typing import Any, Protocol

import asyncpg

from services.fraud.domain.outbox import BEGINNING, OutboxPage, Place

__all__ = ["newest_place", "oldest_waiting", "read_rows"]

# `pg_snapshot_xmin` is the oldest transaction under way: all before it have ended, and their rows are in this snapshot.
_SETTLED = "xid < pg_snapshot_xmin(pg_current_snapshot())"

_READ = f"""
SELECT xid, seq, payload, extract(epoch FROM created_at)::float8 AS created FROM outbox
WHERE (xid, seq) > ($1::xid8, $2::bigint) AND {_SETTLED}
ORDER BY xid, seq LIMIT $3"""

_NEWEST = f"""
SELECT pg_snapshot_xmax(pg_current_snapshot()) AS next, newest.xid, newest.seq
FROM (VALUES (1)) AS one LEFT JOIN LATERAL
    (SELECT xid, seq FROM outbox WHERE {_SETTLED} ORDER BY xid DESC, seq DESC LIMIT 1) AS newest ON true"""

_OLDEST_WAITING = """
SELECT extract(epoch FROM created_at)::float8 FROM outbox
WHERE (xid, seq) > ($1::xid8, $2::bigint) ORDER BY xid, seq LIMIT 1"""


class Queries(Protocol):
    """The part of a connection that reading needs; pooled connections have it as well."""

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]: ...

    async def fetchrow(self, query: str, *args: Any) -> asyncpg.Record | None: ...

    async def fetchval(self, query: str, *args: Any) -> Any: ...


async def read_rows(connection: Queries, after: Place, limit: int) -> OutboxPage:
    """Reads up to `limit` rows that follow `after` and that no later commit can precede."""
    records = await connection.fetch(_READ, after.xid, after.seq, limit)
    last = Place(records[-1]["xid"], records[-1]["seq"]) if records else after
    oldest = records[0]["created"] if records else None
    return OutboxPage(after, last, [record["payload"] for record in records], oldest)


async def newest_place(connection: Queries) -> tuple[Place, int]:
    """Returns the place of the newest row to be read, and the first transaction id that was not given out yet."""
    record = await connection.fetchrow(_NEWEST)
    assert record is not None
    place = BEGINNING if record["xid"] is None else Place(record["xid"], record["seq"])
    return place, record["next"]


async def oldest_waiting(connection: Queries, after: Place) -> float | None:
    """Returns when the first row after a place was written (Unix seconds), be it readable yet or not."""
    written: float | None = await connection.fetchval(_OLDEST_WAITING, after.xid, after.seq)
    return written
