"""Reading outbox rows in an order to which nothing can be added behind the reader's back."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import asyncpg
from rampart.fraud.v1 import event_pb2

__all__ = ["BEGINNING", "Place", "Rows", "newest_place", "oldest_waiting", "place_of", "read_rows"]

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


class Place(NamedTuple):
    """A place in the outbox."""

    xid: int
    seq: int


BEGINNING = Place(0, 0)


class Rows(NamedTuple):
    """Rows that follow a place, and when the first of them was written (Unix seconds)."""

    batch: event_pb2.EventBatch
    last: Place
    oldest: float | None


class Queries(Protocol):
    """The part of a connection that reading needs; pooled connections have it as well."""

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]: ...

    async def fetchrow(self, query: str, *args: Any) -> asyncpg.Record | None: ...

    async def fetchval(self, query: str, *args: Any) -> Any: ...


def place_of(message: event_pb2.OutboxPosition) -> Place:
    """Reads a place; an unset message is the beginning."""
    return Place(message.xid, message.seq)


async def read_rows(connection: Queries, after: Place, limit: int) -> Rows:
    """Reads up to `limit` rows that follow `after` and that no later commit can precede."""
    records = await connection.fetch(_READ, after.xid, after.seq, limit)
    last = Place(records[-1]["xid"], records[-1]["seq"]) if records else after
    batch = event_pb2.EventBatch(
        after=_message(after), last=_message(last), events=[record["payload"] for record in records]
    )
    return Rows(batch, last, records[0]["created"] if records else None)


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


def _message(place: Place) -> event_pb2.OutboxPosition | None:
    return event_pb2.OutboxPosition(xid=place.xid, seq=place.seq) if place > BEGINNING else None
