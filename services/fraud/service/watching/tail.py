"""Buffers the newest decisions of one tenant for all its watchers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from services.fraud.domain.outbox import BEGINNING, Place
from services.fraud.domain.watching import Committed

__all__ = ["Tail"]


class Tail:
    """Holds every decision of its tenant after `since`, up to `reached`. A watcher is a place in it."""

    __slots__ = ("_changed", "_rows", "reached", "since", "watchers")

    def __init__(self) -> None:
        self._rows: deque[Committed] = deque()
        self._changed = asyncio.Event()
        self.since: Place | None = None
        """None while nobody adds to the tail."""
        self.reached = BEGINNING
        self.watchers = 0

    def __len__(self) -> int:
        return len(self._rows)

    def start(self, place: Place) -> None:
        """Begins anew after a place."""
        self._rows.clear()
        self.since = self.reached = place
        self.wake()

    def stop(self) -> None:
        """Forgets everything. Watchers read for themselves until the tail starts again."""
        self._rows.clear()
        self.since = None

    def add(self, row: Committed) -> None:
        self._rows.append(row)

    def drop_oldest(self) -> None:
        """Makes room. Watchers that have not come that far read for themselves."""
        if self._rows:
            self.since = self._rows.popleft().place

    def covers(self, place: Place) -> bool:
        """Tells whether everything that follows a place is here."""
        return self.since is not None and self.since <= place

    def after(self, place: Place) -> Sequence[Committed]:
        """Returns what follows a place that is covered."""
        found = []
        for row in reversed(self._rows):
            if row.place <= place:
                break
            found.append(row)
        return found[::-1]

    def wake(self) -> None:
        """Lets everybody go on who waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self, seconds: float) -> None:
        """Waits for the next change, `seconds` at most."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
