"""Sweeps all connections once a second for those that time out: timers would cost every request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from gateway.server.limits import Limits

__all__ = ["Watch", "Watched"]

SWEEP_SECONDS = 1.0
SLICE = 512


class Watched(Protocol):
    """A connection that can tell whether its time is up."""

    def check(self, tick: int) -> None:
        """Ends what has lasted too long. `tick` counts sweeps, which is about seconds."""
        ...


class Watch:
    """Counts the seconds for all connections of a process, and looks at each of them."""

    def __init__(self, limits: Limits, *, seconds: float = SWEEP_SECONDS) -> None:
        self.limits = limits
        self.tick = 0
        self.connections: set[Watched] = set()
        self._seconds = seconds
        self._headers: Sequence[tuple[bytes, bytes]] = ()
        self._head = b""

    def standing_head(self, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        """Returns header lines, put together anew only when they have been replaced."""
        if headers is not self._headers:
            self._headers = headers
            self._head = b"".join(b"%b: %b\r\n" % header for header in headers)
        return self._head

    async def run(self) -> None:
        """Sweeps until it is cancelled."""
        while True:
            await asyncio.sleep(self._seconds)
            self.tick += 1
            for number, connection in enumerate(list(self.connections)):
                if number % SLICE == SLICE - 1:
                    # Thousands of connections must not delay the requests of this moment.
                    await asyncio.sleep(0)
                if connection in self.connections:
                    connection.check(self.tick)
