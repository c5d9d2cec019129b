"""Runs small chunks of work at intervals: deletions after their time, sweeps, clean-ups."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from meshkit.errors import MeshError

__all__ = ["Periodic"]

_log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.05
INTERVAL_SECONDS = 300.0


class Periodic:
    """Calls `chunk`, which returns how much it did: again after `pause` seconds if that was something, else `interval`.

    Chunks keep every statement short. A chunk that fails is logged and tried again after the interval: what is not
    cleaned up today is cleaned up later, and a process that lags behind with that is still ready.
    """

    def __init__(
        self,
        name: str,
        chunk: Callable[[], Awaitable[int]],
        *,
        pause: float = PAUSE_SECONDS,
        interval: float = INTERVAL_SECONDS,
    ) -> None:
        self._name = name
        self._chunk = chunk
        self._pause = pause
        self._interval = interval

    async def run(self) -> None:
        """Works until it is cancelled."""
        while True:
            done = 0
            try:
                done = await self._chunk()
            except MeshError as error:
                _log.warning("%s is tried again later: %s", self._name, error.message)
            except Exception:
                _log.exception("%s failed unexpectedly and is tried again later", self._name)
            await asyncio.sleep(self._pause if done else self._interval)
