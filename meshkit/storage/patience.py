"""Bounds waits for what another process answers, by the time in which its answer could have been noticed."""

from __future__ import annotations

import asyncio
from types import TracebackType

__all__ = ["Patience"]

STALL_SECONDS = 0.01
"""A timer that goes off later than this has met a loop that was busy."""
GRACE_SECONDS = 0.02
"""Enough for the loop to look at what has arrived."""


class Patience:
    """Ends what it surrounds with TimeoutError after some seconds, as `asyncio.timeout` does.

    A loop that was busy when the time was over looks at what has arrived first: timers come before it, so that every
    answer that came during a stall would be one too late, and the other side be taken for gone.
    """

    __slots__ = ("_due", "_loop", "_scope", "_seconds", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._scope = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._scope.__aenter__()
        self._due = self._loop.time() + self._seconds
        self._timer = self._loop.call_at(self._due, self._over)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._scope.__aexit__(kind, error, trace)

    def _over(self) -> None:
        if self._loop.time() - self._due > STALL_SECONDS:
            self._timer = self._loop.call_later(GRACE_SECONDS, self._end)
        else:
            self._end()

    def _end(self) -> None:
        self._scope.reschedule(self._loop.time())
