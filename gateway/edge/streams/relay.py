"""Relays the messages of one stream from the mesh to a client, until one of the ends that it can have."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Protocol

from gateway.calls.streams import Replies
from gateway.edge.streams.pump import Pump
from meshkit.errors import Kind, MeshError

__all__ = ["Gone", "Sink", "Stalled", "StreamRelay", "unstalled"]

OPEN_SECONDS = 1.0
"""Longest time to wait for what the service says first."""
SETTLE_SECONDS = 0.05
"""A service that refuses a call seems, for a moment, to have accepted it."""
IDLE_SECONDS = 15.0
"""A proxy may take a connection without traffic for dead."""
STALL_SECONDS = 30.0
"""A client that takes nothing for so long keeps a place that others could have."""


class Gone(MeshError):
    """The client has left: there is nobody to be told how the stream ends."""

    def __init__(self) -> None:
        super().__init__(Kind.CANCELLED, "CANCELLED", "the caller went away")


class Stalled(Exception):
    """The client takes nothing any more, not even how the stream ends."""


class Sink(Protocol):
    """Writes to the client. Every method returns when the client has room for more."""

    async def messages(self, batch: Sequence[bytes]) -> None: ...

    async def idle(self) -> None:
        """Shows the client that the connection lives."""
        ...


class StreamRelay:
    """One stream. Its call begins at the latest with `opened` or `run` and is over after `close`."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        self._interruption: MeshError | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._written = True
        self._quiet = False
        self._pump: Pump | None = None
        self._pumping: asyncio.Task[None] | None = None

    def begin(self, replies: Replies) -> None:
        """Takes over a call."""
        self._pump = Pump(replies, self._wake)
        self._pumping = asyncio.create_task(self._pump.run())

    def interrupt(self, error: MeshError) -> None:
        """Ends the stream with an error. The first of several counts."""
        if self._interruption is None:
            self._interruption = error
        self._wake.set()

    def probe(self) -> None:
        """Writes what shows that the connection lives as soon as it can: the client may have left unnoticed."""
        self._quiet = True
        self._wake.set()

    def expire(self, seconds: float, error: MeshError) -> None:
        """Ends the stream with an error after a time."""
        loop = asyncio.get_running_loop()
        self._timers["expiry"] = loop.call_later(seconds, self.interrupt, error)

    async def opened(self, *, patient: bool = False) -> None:
        """Waits until the stream has something to show: a message, its end, the service's consent; or a second.
        With `patient` only a message or its end will do.

        Raises MeshError if it failed before its first message, so that the failure can be an HTTP error.
        """
        assert self._pump is not None
        pump, settling = self._pump, False
        try:
            async with asyncio.timeout(None if patient else OPEN_SECONDS) as limit:
                while not (pump.waiting or pump.ended or self._interruption):
                    if pump.accepted and not settling and not patient:
                        settling = True
                        limit.reschedule(asyncio.get_running_loop().time() + SETTLE_SECONDS)
                    await self._woken()
        except TimeoutError:
            return
        failure = self._interruption or pump.error
        if failure is not None and not pump.waiting:
            raise failure

    async def run(self, sink: Sink) -> MeshError | None:
        """Carries messages until the stream ends. Returns why it failed, None if it did not. Raises Stalled."""
        assert self._pump is not None
        pump = self._pump
        self._tick()
        while True:
            ended = pump.ended
            if pump.waiting:
                await self._write(sink.messages(pump.take()))
            if self._interruption is not None or ended:
                return self._interruption or pump.error
            if self._quiet:
                await self._write(sink.idle())
            elif not pump.waiting and not pump.ended:
                await self._woken()

    async def close(self) -> None:
        """Ends the call if it is not over, and returns when nothing of it is left."""
        for timer in self._timers.values():
            timer.cancel()
        if self._pumping is not None:
            self._pumping.cancel()
            await asyncio.gather(self._pumping, return_exceptions=True)

    async def _write(self, writing: Awaitable[None]) -> None:
        self._quiet, self._written = False, True
        await unstalled(writing)

    async def _woken(self) -> None:
        await self._wake.wait()
        self._wake.clear()

    def _tick(self) -> None:
        """Notices idle times. One timer for a stream is cheaper than one for each wait."""
        if not self._written:
            self._wake.set()
        self._quiet, self._written = not self._written, False
        self._timers["idle"] = asyncio.get_running_loop().call_later(IDLE_SECONDS / 2, self._tick)


async def unstalled(writing: Awaitable[None]) -> None:
    """Waits until something is written. Raises Stalled."""
    try:
        async with asyncio.timeout(STALL_SECONDS):
            await writing
    except TimeoutError:
        raise Stalled from None
