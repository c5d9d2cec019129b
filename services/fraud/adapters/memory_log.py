"""Keeps the log of committed decisions in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from meshkit.errors import unavailable
from services.fraud.convert import decided_to_record
from services.fraud.domain.check import Decided
from services.fraud.domain.outbox import BEGINNING, Place
from services.fraud.domain.watching import Committed
from services.fraud.errors import position_lost
from services.fraud.ports import LogPage

__all__ = ["MemoryLog"]


class MemoryLog:
    """Decisions of any tenants. `available` off stands for a store that does not answer."""

    def __init__(self) -> None:
        self._rows: list[Committed] = []
        self._next = 1
        self._pruned = BEGINNING
        self.available = True

    def commit(self, decided: Sequence[Decided]) -> Place:
        """Adds decisions in one commit and returns the place of the last."""
        for seq, made in enumerate(decided, start=1):
            self._rows.append(_committed(made, Place(self._next, seq)))
        self._next += 1
        return self._rows[-1].place

    def prune(self, last: Place) -> None:
        """Forgets everything up to a place."""
        self._rows = [row for row in self._rows if row.place > last]
        self._pruned = last

    async def newest(self) -> Place:
        self._check()
        return Place(self._next, 0)

    async def read(self, tenants: Collection[str], after: Place, limit: int) -> LogPage:
        self._check()
        if after < self._pruned or after.xid > self._next:
            raise position_lost()
        found = [row for row in self._rows if row.place > after and row.tenant_id in tenants][:limit]
        if len(found) == limit:
            return LogPage(found, found[-1].place, more=True)
        return LogPage(found, max(after, Place(self._next, 0)), more=False)

    def _check(self) -> None:
        if not self.available:
            raise unavailable("postgres")


def _committed(made: Decided, place: Place) -> Committed:
    return Committed(
        place=place,
        tenant_id=made.check.tenant_id,
        user_id=made.check.user_id,
        outcome=made.verdict.outcome,
        score=made.verdict.score,
        answer=decided_to_record(made).answer,
    )
