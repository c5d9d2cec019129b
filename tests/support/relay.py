"""A TCP port in front of a server's own, through which a test lets answers get lost on their way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.support.listening import listening

__all__ = ["Relay", "relayed"]


class Relay:
    """Forwards requests, and answers unless it is `mute`."""

    def __init__(self, target: str) -> None:
        self.address = ""
        self.mute = False
        self._host, _, self._port = target.rpartition(":")
        self._tasks: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there = await asyncio.open_connection(self._host, int(self._port))
        for source, sink, answers in ((reader, there, False), (there_reader, writer, True)):
            task = asyncio.create_task(self._pump(source, sink, answers))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, answers: bool) -> None:
        try:
            # A connection that breaks on one side is broken on the other.
            with contextlib.suppress(OSError):
                while data := await source.read(65_536):
                    if not (answers and self.mute):
                        sink.write(data)
                        await sink.drain()
        finally:
            sink.transport.abort()


@contextlib.asynccontextmanager
async def relayed(target: str) -> AsyncIterator[Relay]:
    """Listens in front of a host:port until the block ends."""
    relay = Relay(target)
    try:
        async with listening(relay.accept) as port:
            relay.address = f"127.0.0.1:{port}"
            yield relay
    finally:
        await relay.close()
