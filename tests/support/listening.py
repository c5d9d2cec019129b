"""Serves TCP connections by hand, and leaves none of them open."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

__all__ = ["listening"]

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

TURNS_TO_ATTACH = 3
"""Of the event loop, from the accepting of a connection to its conversation."""


@contextlib.asynccontextmanager
async def listening(converse: Conversation) -> AsyncIterator[int]:
    """Holds a conversation over each connection until the block ends; yields the port of 127.0.0.1."""
    talks: list[tuple[asyncio.Future[None], asyncio.StreamWriter]] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append((asyncio.ensure_future(converse(reader, writer)), writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        await _stop_accepting(server)
        server.close()
        for talk, writer in talks:
            talk.cancel()
            writer.transport.abort()
        await asyncio.gather(*[talk for talk, _ in talks], return_exceptions=True)
        await asyncio.gather(*[writer.wait_closed() for _, writer in talks], return_exceptions=True)


async def _stop_accepting(server: asyncio.Server) -> None:
    """Waits for what was accepted: a server that closes before such a connection is attached never closes that."""
    for listener in server.sockets:
        asyncio.get_running_loop().remove_reader(listener.fileno())
    for _ in range(TURNS_TO_ATTACH):
        await asyncio.sleep(0)
