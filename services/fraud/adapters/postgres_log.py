"""Reads decisions in the order of their commits, from the outbox under row-level security."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import asyncpg
from rampart.fraud.v1 import event_pb2

from meshkit.storage.postgres import Connection, Pool, connected
from services.fraud.domain.outbox import Place
from services.fraud.domain.watching import Committed
from services.fraud.errors import position_lost
from services.fraud.ports import LogPage

__all__ = ["PostgresLog"]

# Rows of other tenants are stepped over, not counted, so each read is bounded in transactions as well as in rows.
SPAN = 4_096

_NEWEST = "SELECT pg_snapshot_xmin(pg_current_snapshot())"

# One round trip each: the functions name the tenants for their own transaction, which ends with the statement.
_READ = "SELECT * FROM watch_outbox($1, $2::xid8, $3::bigint, $4::xid8, $5::bigint)"
_ANSWERS = "SELECT * FROM watch_answers($1, $2::uuid[], $3::uuid[])"


class PostgresLog:
    """The log of one database. The database itself keeps it to the tenants asked for."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def newest(self) -> Place:
        async with connected(self._pool) as connection:
            return Place(await connection.fetchval(_NEWEST), 0)

    async def read(self, tenants: Collection[str], after: Place, limit: int) -> LogPage:
        named, end = ",".join(sorted(tenants)), after.xid + SPAN
        async with connected(self._pool) as connection:
            records = await connection.fetch(_READ, named, after.xid, after.seq, end, limit)
            first = records[0]
            if after < (first["gone_xid"], first["gone_seq"]) or after.xid > first["next"]:
                raise position_lost()
            found = records if first["event_xid"] is not None else []
            rows = await _rows(connection, named, found)
        if len(found) == limit:
            return LogPage(rows, Place(found[-1]["event_xid"], found[-1]["event_seq"]), more=True)
        settled: int = first["settled"]
        return LogPage(rows, max(after, Place(min(settled, end), 0)), more=end < settled)


async def _rows(connection: Connection, tenants: str, records: Sequence[asyncpg.Record]) -> Sequence[Committed]:
    if not records:
        return ()
    events = [event_pb2.DecisionEvent.FromString(record["payload"]) for record in records]
    decided = [event for event in events if event.decision_id]
    keys = [event.tenant_id for event in decided], [event.decision_id for event in decided]
    answers = {str(row["decision_id"]): row["answer"] for row in await connection.fetch(_ANSWERS, tenants, *keys)}
    return [
        _committed(record, event, answers[event.decision_id])
        for record, event in zip(records, events, strict=True)
        if event.decision_id in answers
    ]


def _committed(record: asyncpg.Record, event: event_pb2.DecisionEvent, answer: bytes) -> Committed:
    return Committed(
        place=Place(record["event_xid"], record["event_seq"]),
        tenant_id=event.tenant_id,
        user_id=event.user_id,
        outcome=event.outcome,
        score=event.confidence_score,
        answer=answer,
    )
