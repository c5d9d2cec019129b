"""Keeps the place of a follower in PostgreSQL: it moves in the transaction of the effect.

The tables `positions` and `dead_letters` are as in the migrations of the data service.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable

import asyncpg
from prometheus_client import Counter

from meshkit.following.batches import Batch, FollowedEvent, Position, Proof, Rejected
from meshkit.storage.leader import Session

__all__ = ["SOURCE", "PostgresPlace"]

_log = logging.getLogger(__name__)

SOURCE = "fraud"
"""Whose events are followed, as the rows of the position name it."""

# The row lock keeps two writers apart even if both believe to lead.
_LOCK = """
SELECT xid, seq, set_config('rampart.tenants', $2, true) FROM positions WHERE source = $1 FOR UPDATE"""

_BURY = """
INSERT INTO dead_letters (source, digest, after_xid, after_seq, last_xid, last_seq, payload, error)
VALUES ($1, $2, $3::xid8, $4, $5::xid8, $6, $7, $8) ON CONFLICT DO NOTHING"""

_MOVE = "UPDATE positions SET xid = $2::xid8, seq = $3, cluster = $4, event = $5, lost = '' WHERE source = $1"


class PostgresPlace:
    """Works on one session; whoever else writes waits for it at the row of the position."""

    def __init__(self, session: Session, buried: Counter, effect: str) -> None:
        """`buried` counts events that are put aside because they cannot have their `effect`, as the log says it."""
        self._session = session
        self._buried = buried
        self._effect = effect

    async def position(self) -> Position:
        row = await self._row()
        return Position(row["xid"], row["seq"])

    async def proof(self) -> Proof:
        row = await self._row()
        return Proof(row["cluster"], row["event"])

    async def lost(self) -> str:
        """Returns why the position is lost, empty if it is not."""
        lost: str = (await self._row())["lost"]
        return lost

    async def note(self, lost: str) -> None:
        await self._session.execute("UPDATE positions SET lost = $2 WHERE source = $1", SOURCE, lost)

    async def lock(self, tenants: Iterable[str]) -> Position:
        """Holds the position until the transaction ends, which sees the rows of these tenants from now on."""
        row = await self._session.fetchrow(_LOCK, SOURCE, ",".join(tenants))
        assert row is not None, "the migration makes the row"
        return Position(row["xid"], row["seq"])

    async def move(self, last: Position, proof: Proof) -> None:
        await self._session.execute(_MOVE, SOURCE, *last, *proof)

    async def bury(self, item: Rejected, batch: Batch[FollowedEvent]) -> None:
        """Puts an event of a batch aside."""
        digest = hashlib.sha256(item.payload).digest()
        error = item.error.replace("\x00", "")
        values = (SOURCE, digest, *batch.after, *batch.last, item.payload, error)
        if (await self._session.execute(_BURY, *values)).endswith(" 1"):
            self._buried.inc()
            # The error may quote the event, so the log has only its kind; the dead letter has the rest.
            fields = {"after": str(batch.after), "last": str(batch.last), "error": error.partition(":")[0]}
            _log.error("an event cannot %s and was put aside", self._effect, extra={"fields": fields})

    async def _row(self) -> asyncpg.Record:
        row = await self._session.fetchrow(
            "SELECT xid, seq, cluster, event, lost FROM positions WHERE source = $1", SOURCE
        )
        assert row is not None, "the migration makes the row"
        return row
