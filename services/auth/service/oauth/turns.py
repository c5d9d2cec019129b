"""Lets a few at a time do what asks the database several times: a crowd waits in memory, not for connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from meshkit.errors import Kind, MeshError

__all__ = ["GrantTurns"]

AT_ONCE = 4
WAITING = 256
PATIENCE = 1.5
"""Seconds: whoever waits for longer would be answered when nobody listens any more."""


class GrantTurns:
    """Lets in `at_once`; `waiting` more wait, and others are refused."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._waiting = waiting
        self._queue = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Holds a place for the block. Raises OVERLOADED if too many wait, or for too long."""
        if self._queue >= self._waiting:
            raise _overloaded()
        self._queue += 1
        try:
            async with asyncio.timeout(PATIENCE):
                await self._places.acquire()
        except TimeoutError:
            raise _overloaded() from None
        finally:
            self._queue -= 1
        try:
            yield
        finally:
            self._places.release()


def _overloaded() -> MeshError:
    return MeshError(Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "more grants wait than can be answered", retry_after=1.0)
