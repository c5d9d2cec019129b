"""Keeps the engine going: expires leases, runs schedules, prunes what is old. Any number of replicas may do it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from prometheus_client import Counter

from meshkit.errors import MeshError
from services.task.ports import Engine, Schedules

__all__ = ["Upkeep"]

_log = logging.getLogger(__name__)
_done = Counter("task_upkeep", "What the engine did by itself, by what it was.", ["what"])

EXPIRE_SECONDS = 0.25
FIRE_SECONDS = 0.5
PRUNE_SECONDS = 300.0
SLICE_PAUSE = 0.05


class Upkeep:
    """Background tasks of the engine. What needs doing is found in the store, so replicas need no leader."""

    def __init__(self, engine: Engine, schedules: Schedules, *, prune_seconds: float = PRUNE_SECONDS) -> None:
        self._engine = engine
        self._schedules = schedules
        self._prune_seconds = prune_seconds

    async def expire(self) -> None:
        """Ends attempts whose leases have run out, until cancelled."""
        await self._repeat("expired", self._engine.expire, EXPIRE_SECONDS)

    async def fire(self) -> None:
        """Makes the tasks of schedules, until cancelled."""
        await self._repeat("scheduled", self._schedules.fire, FIRE_SECONDS)

    async def prune(self) -> None:
        """Deletes what has been kept for its time, until cancelled."""
        await self._repeat("pruned", self._engine.prune, self._prune_seconds)

    async def _repeat(self, what: str, step: Callable[[], Awaitable[int]], interval: float) -> None:
        """Does a step again and again: at once while there is more to do, else after `interval` seconds."""
        failing = False
        while True:
            count = 0
            try:
                count = await step()
                failing = False
            except MeshError as error:
                if not failing:
                    _log.warning("nothing can be %s: %s", what, error.message)
                failing = True
            if count:
                _done.labels(what).inc(count)
            await asyncio.sleep(SLICE_PAUSE if count else interval)
