"""A unix socket in front of a server's own, through which a test makes the server vanish or hang."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

__all__ = ["Proxy", "proxied"]


class Proxy:
    """Forwards bytes both ways while it is up."""

    def __init__(self, target: Path, path: Path) -> None:
        self.path = path
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def up(self) -> None:
        """Makes the server there, or there again."""
        self._flowing.set()
        if self._server is None:
            self._server = await asyncio.start_unix_server(self._accept, self.path)

    def hang(self) -> None:
        """Accepts everything from now on and forwards nothing."""
        self._flowing.clear()

    async def down(self) -> None:
        """Cuts every connection and refuses new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self.path.unlink(missing_ok=True)
        for writer in self._writers:
            writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there = await asyncio.open_unix_connection(self._target)
        self._writers |= {writer, there}
        for source, sink in ((reader, there), (there_reader, writer)):
            task = asyncio.create_task(self._pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                await self._flowing.wait()
                sink.write(data)
                await sink.drain()
        sink.transport.abort()


@contextlib.asynccontextmanager
async def proxied(target: Path, path: Path) -> AsyncIterator[Proxy]:
    proxy = Proxy(target, path)
    await proxy.up()
    try:
        yield proxy
    finally:
        await proxy.down()
