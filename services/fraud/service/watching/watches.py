"""Streams a tenant's decisions to watchers: what was missed first, then each as it is committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from prometheus_client import Counter

from services.fraud.domain.outbox import Place
from services.fraud.domain.watching import Committed, Selection, WatchEvent
from services.fraud.ports import DecisionLog, LogPage
from services.fraud.service.watching.feed import DecisionFeed
from services.fraud.service.watching.limits import WatchLimits, WatchPace
from services.fraud.service.watching.tail import Tail

__all__ = ["Watches"]

_refills = Counter("decision_watch_refills", "Reads of the outbox for single watchers that had fallen behind.")

PAGE_ROWS = 500
HEARTBEAT_SECONDS = 15.0
# Watchers that fell behind read two at a time: they must not take the database from the decisions.
READS_AT_ONCE = 2


class Watches:
    """Opens streams. A watcher that is not read from waits where it is and holds a page of decisions at most."""

    def __init__(
        self,
        *,
        log: DecisionLog,
        feed: DecisionFeed,
        limits: WatchLimits,
        pace: WatchPace,
        heartbeat: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._log = log
        self._feed = feed
        self._limits = limits
        self._pace = pace
        self._heartbeat = heartbeat
        self._reads = asyncio.Semaphore(READS_AT_ONCE)

    async def watch(
        self, tenant_id: str, selection: Selection, after: Place | None
    ) -> AsyncGenerator[WatchEvent, None]:
        """Yields where it begins, then every decision selected that follows `after`, or this call if that is None.

        A silence is broken by an event without a decision. Raises STREAM_POSITION_LOST, OVERLOADED, or UNAVAILABLE.
        """
        with self._limits.taken(tenant_id), self._feed.tail(tenant_id) as tail:
            place, rows, reached = await self._begin(tenant_id, after)
            yield WatchEvent(place, None)
            due = self._due()
            while True:
                for row in rows:
                    if selection.takes(row):
                        await self._pace.keep()
                        yield WatchEvent(row.place, row)
                        due = self._due()
                place = reached
                if _now() >= due:
                    yield WatchEvent(place, None)
                    due = self._due()
                rows, reached = await self._following(tenant_id, tail, place, due)

    async def _begin(self, tenant_id: str, after: Place | None) -> tuple[Place, Sequence[Committed], Place]:
        """Returns where to begin, what follows there, and up to where: whether a place is gone must be told first."""
        if after is not None:
            page = await self._read(tenant_id, after)
            return after, page.rows, page.reached
        async with self._reads:
            place = await self._log.newest()
        return place, (), place

    async def _following(
        self, tenant_id: str, tail: Tail, place: Place, due: float
    ) -> tuple[Sequence[Committed], Place]:
        """Waits until something follows a place, no longer than until `due`; returns it, and up to where it goes."""
        if tail.since is None or (tail.covers(place) and not tail.after(place)):
            await tail.changed(due - _now())
        if tail.covers(place):
            return tail.after(place), max(place, tail.reached)
        if tail.since is None:
            return (), place
        _refills.inc()
        page = await self._read(tenant_id, place)
        return page.rows, page.reached

    async def _read(self, tenant_id: str, place: Place) -> LogPage:
        async with self._reads:
            return await self._log.read([tenant_id], place, PAGE_ROWS)

    def _due(self) -> float:
        return _now() + self._heartbeat


def _now() -> float:
    return asyncio.get_running_loop().time()
