"""Sweeps all connections once a second for those that time out: timers would cost every request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from gateway.server.limits import Limits
from gateway.server.places import HeldPlace, KeyOf, Places, each_address

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

    def __init__(self, limits: Limits, *, key_of: KeyOf = each_address, seconds: float = SWEEP_SECONDS) -> None:
        self.limits = limits
        self.places = Places(limits, key_of)
        self.tick = 0
        self.connections: set[Watched] = set()
        """All that are open. A connection that becomes a WebSocket stays among them, as that."""
        self._seconds = seconds
        self._headers: Sequence[tuple[bytes, bytes]] = ()
        self._head = b""

    def standing_head(self, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        """Returns header lines, put together anew only when they have been replaced."""
        if headers is not self._headers:
            self._headers = headers
            self._head = b"".join(b"%b: %b\r\n" % header for header in headers)
        return self._head

    def enter(self, connection: Watched, host: str) -> HeldPlace:
        """Looks after a connection from now on. The place may say that it is one too many."""
        self.connections.add(connection)
        return self.places.take(host)

    def replace(self, old: Watched, new: Watched) -> None:
        """Goes on with what a connection has become, in its place."""
        self.connections.discard(old)
        self.connections.add(new)

    def leave(self, connection: Watched, place: HeldPlace) -> None:
        """Is told that a connection is no more."""
        if connection in self.connections:
            self.connections.discard(connection)
            self.places.give_back(place)

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
