"""Accepts connections: in each turn of the loop all that wait.

uvloop's own server accepts one in a turn (libuv since 1.45), so that a busy process would let in some ten callers a
second and keep all others waiting.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

__all__ = ["Listener"]

_log = logging.getLogger(__name__)

BACKLOG = 4096
IN_A_TURN = 128
PAUSE_SECONDS = 0.5
"""After an accept that failed, such as for want of a file descriptor."""


class Listener:
    """Listens on a bound socket and makes a protocol for each connection, until it is closed."""

    def __init__(self, listener: socket.socket, make_protocol: Callable[[], asyncio.Protocol]) -> None:
        self._listener = listener
        self._make_protocol = make_protocol
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        listener.listen(BACKLOG)
        self._loop.add_reader(listener, self._accept)

    def close(self) -> None:
        """Lets nobody in any more. What is open stays so."""
        self._loop.remove_reader(self._listener)
        if self._pause is not None:
            self._pause.cancel()
        self._listener.close()

    def _accept(self) -> None:
        for _ in range(IN_A_TURN):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._rest(error)
                return
            connection.setblocking(False)
            task = self._loop.create_task(self._open(connection))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make_protocol, connection)
        except OSError:
            connection.close()  # the caller has gone already

    def _rest(self, error: OSError) -> None:
        """Accepts nothing for a while: the same would fail again at once, in a loop that does nothing else."""
        _log.error("connections cannot be accepted: %s", error.strerror or error)
        self._loop.remove_reader(self._listener)
        self._pause = self._loop.call_later(PAUSE_SECONDS, self._loop.add_reader, self._listener, self._accept)
