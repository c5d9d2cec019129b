"""Bounds the unary calls to each service at once: the others wait in order of arrival, within their deadline."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator

from prometheus_client import Counter

from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError

__all__ = ["CALLS", "CallTurns"]

CALLS = 128
"""Calls of one process to one service at once. More would not be answered sooner, but late for their deadlines."""

_waits = Counter("calls_waited", "Calls that waited for their turn, by service.", ["service"])
_refused = Counter("calls_refused", "Calls refused because their turn did not come in time, by service.", ["service"])


class CallTurns:
    """Gives out `calls` turns for each service, so that one that hangs holds up nobody else's callers."""

    def __init__(self, calls: int = CALLS) -> None:
        self._free: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(calls))

    @contextlib.asynccontextmanager
    async def taken(self, service: str, call: CallContext) -> AsyncIterator[None]:
        """Holds a turn for the block. Raises MeshError OVERLOADED if none comes before the call's deadline.

        Nothing has been done for a call that is refused, so it can be sent again.
        """
        free = self._free[service]
        if free.locked():
            await _wait(free, service, call)
        else:
            await free.acquire()
        try:
            yield
        finally:
            free.release()


async def _wait(free: asyncio.Semaphore, service: str, call: CallContext) -> None:
    _waits.labels(service).inc()
    try:
        async with asyncio.timeout(call.remaining):
            await free.acquire()
    except TimeoutError:
        _refused.labels(service).inc()
        raise MeshError(
            Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "too many calls wait for their turn", retry_after=1.0
        ) from None
