"""Follows the log of decisions, once in a process, for all tenants that are watched, and for none if none is.

A commit of this process wakes it at once; commits of other replicas are found by asking again, many times a second.
The event stream would not tell sooner: what it carries has waited for the same kind of question (see `OutboxRelay`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from meshkit.errors import Kind, MeshError
from services.fraud.domain.outbox import Place
from services.fraud.ports import DecisionLog, LogPage
from services.fraud.service.watching.tail import Tail

__all__ = ["DecisionFeed"]

_log = logging.getLogger(__name__)

PAGE_ROWS = 1_000
# Decisions kept for all tenants together, about 1 kB each. Whoever has fallen further behind reads for himself.
RECENT_ROWS = 4_096
# Least time from one read to the next while decisions come all the time, and most while none comes.
PACE_SECONDS = 0.02
POLL_SECONDS = 0.05
RETRY_SECONDS = 0.5


class DecisionFeed:
    """Adds every decision of a watched tenant to the tenant's tail, once and in order."""

    def __init__(self, log: DecisionLog, *, recent_rows: int = RECENT_ROWS, poll: float = POLL_SECONDS) -> None:
        self._log = log
        self._recent_rows = recent_rows
        self._poll = poll
        self._tails: dict[str, Tail] = {}
        # The tail of each row that is kept, oldest row first.
        self._kept: deque[Tail] = deque()
        self._head: Place | None = None
        self._watched = asyncio.Event()
        self._committed = asyncio.Event()
        self._failing = False

    def notify(self) -> None:
        """Tells that this process has committed decisions."""
        self._committed.set()

    @contextmanager
    def tail(self, tenant_id: str) -> Iterator[Tail]:
        """Lends the tail of a tenant, which exists for as long as anybody watches."""
        tail = self._tails.setdefault(tenant_id, Tail())
        tail.watchers += 1
        self._watched.set()
        self._committed.set()
        try:
            yield tail
        finally:
            tail.watchers -= 1
            if not tail.watchers:
                tail.stop()
                del self._tails[tenant_id]
            if not self._tails:
                self._rest()

    async def run(self) -> None:
        """Follows the outbox until cancelled. Outages are waited out; what else is raised leaves nothing half done."""
        while True:
            await self._watched.wait()
            try:
                page = await self._step()
            except MeshError as error:
                self._failed(error)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                self._begin_anew()
                raise
            else:
                self._works()
                if not page.more:
                    await self._pause(PACE_SECONDS if page.rows else 0.0)

    async def _step(self) -> LogPage:
        """Reads what follows the head and hands it out."""
        self._committed.clear()
        if self._head is None:
            self._head = await self._log.newest()
        head, tails = self._head, dict(self._tails)
        for tail in tails.values():
            if tail.since is None:
                tail.start(head)
        page = await self._log.read(tails.keys(), head, PAGE_ROWS)
        # Nobody watched for a moment if the head was forgotten meanwhile; it is set for whoever has come since.
        self._head = page.reached if self._tails else None
        self._hand_out(page, tails)
        return page

    def _hand_out(self, page: LogPage, tails: dict[str, Tail]) -> None:
        changed = {}
        for row in page.rows:
            tail = tails[row.tenant_id]
            # A tail that was given back meanwhile has stopped: nobody reads it any more.
            if tail.since is not None:
                tail.add(row)
                self._kept.append(tail)
                changed[row.tenant_id] = tail
        while len(self._kept) > self._recent_rows:
            self._kept.popleft().drop_oldest()
        for tail in tails.values():
            tail.reached = page.reached
        for tail in changed.values():
            tail.wake()

    async def _pause(self, pace: float) -> None:
        """Waits for the next commit, and never less than the pace."""
        await asyncio.sleep(pace)
        try:
            async with asyncio.timeout(self._poll - pace):
                await self._committed.wait()
        except TimeoutError:
            return

    def _rest(self) -> None:
        self._head = None
        self._kept.clear()
        self._watched.clear()

    def _begin_anew(self) -> None:
        """Leaves the watchers to their own reads, which find every decision or tell that it is gone."""
        self._head = None
        self._kept.clear()
        for tail in self._tails.values():
            tail.stop()
            tail.wake()

    def _failed(self, error: MeshError) -> None:
        if error.kind is Kind.OUT_OF_RANGE:
            self._begin_anew()
        if not self._failing:
            self._failing = True
            _log.warning("the outbox is not followed: %s", error.message)

    def _works(self) -> None:
        if self._failing:
            self._failing = False
            _log.info("the outbox is followed again")
