"""Bounds the unary calls to each service at once: the others wait in order of arrival, within their deadline."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque

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
        self._queues: defaultdict[str, _Queue] = defaultdict(lambda: _Queue(calls))

    def taken(self, service: str, call: CallContext) -> CallTurn:
        """Returns what holds a turn within `async with`."""
        return CallTurn(self._queues[service], service, call)


class CallTurn:
    """Holds a turn. Entering raises MeshError OVERLOADED if none comes before the call's deadline.

    Nothing has been done for a call that is refused, so it can be sent again.
    """

    __slots__ = ("_call", "_queue", "_service")

    def __init__(self, queue: _Queue, service: str, call: CallContext) -> None:
        self._queue = queue
        self._service = service
        self._call = call

    async def __aenter__(self) -> None:
        if self._queue.free:
            self._queue.free -= 1
        else:
            await self._wait()

    async def __aexit__(self, *_: object) -> None:
        self._queue.give_back()

    async def _wait(self) -> None:
        _waits.labels(self._service).inc()
        try:
            async with asyncio.timeout(self._call.remaining):
                await self._queue.wait()
        except TimeoutError:
            _refused.labels(self._service).inc()
            raise MeshError(
                Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "too many calls wait for their turn", retry_after=1.0
            ) from None


class _Queue:
    """Counts the free turns of one service. A turn that is given back goes to whoever waits longest."""

    __slots__ = ("_waiting", "free")

    def __init__(self, free: int) -> None:
        self.free = free
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def wait(self) -> None:
        given = asyncio.get_running_loop().create_future()
        self._waiting.append(given)
        try:
            await given
        except asyncio.CancelledError:
            if not given.cancelled():
                # The turn came in the same moment: somebody else can use it.
                self.give_back()
            raise

    def give_back(self) -> None:
        while self._waiting:
            given = self._waiting.popleft()
            if not given.done():
                given.set_result(None)
                return
        self.free += 1
