"""Bounds the calls in the mesh at once: the others wait in order of arrival, off the clock of their deadline."""

from __future__ import annotations

import asyncio
import time

from prometheus_client import Counter

from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError

__all__ = ["CALLS", "WAIT_SECONDS", "CallTurns"]

CALLS = 128
"""Calls of one process in the mesh at once. More would not be answered sooner, but late for their deadlines."""
WAIT_SECONDS = 30.0

_waits = Counter("calls_waited", "Calls that waited for their turn.")
_refused = Counter("calls_refused", "Calls refused because their turn did not come in time.")


class CallTurns:
    """Gives out `calls` turns. A deadline is for the mesh, so it moves by the time that a call waited for its turn."""

    def __init__(self, calls: int = CALLS, *, wait_seconds: float = WAIT_SECONDS) -> None:
        self._free = asyncio.Semaphore(calls)
        self._wait_seconds = wait_seconds

    async def take(self, call: CallContext) -> None:
        """Returns when it is the call's turn. Raises MeshError OVERLOADED after `wait_seconds` without one."""
        if not self._free.locked():
            await self._free.acquire()
            return
        begun = time.monotonic()
        _waits.inc()
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            _refused.inc()
            raise MeshError(
                Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "too many calls wait for their turn", retry_after=1.0
            ) from None
        if call.deadline is not None:
            call.deadline += time.monotonic() - begun

    def give_back(self) -> None:
        """Ends a turn."""
        self._free.release()
