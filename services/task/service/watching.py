"""Watches single tasks: the present state first, then each change until the final one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from uuid import UUID

from services.task import errors
from services.task.domain.news import changed
from services.task.domain.tasks import FINAL, Task
from services.task.ports import TaskStore
from services.task.service.signals import Signals

__all__ = ["TaskWatches"]

POLL_SECONDS = 2.0
READS_AT_ONCE = 4
WATCHES_PER_TENANT = 100
PACE_SECONDS = 0.05
"""Least time between two states that one watcher is sent."""


class TaskWatches:
    """Opens watches. A watcher that reads slowly is sent the latest state next, whatever it missed."""

    def __init__(self, store: TaskStore, signals: Signals) -> None:
        self._store = store
        self._signals = signals
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._open: Counter[str] = Counter()

    async def watch(self, tenant_id: str, task_id: UUID, after: int = -1) -> AsyncGenerator[Task, None]:
        """Yields a task after each change since revision `after`. Raises RESOURCE_NOT_FOUND and OVERLOADED."""
        with self._seat(tenant_id):
            async for task in self._states(tenant_id, task_id, after):
                yield task

    @contextmanager
    def _seat(self, tenant_id: str) -> Iterator[None]:
        """Bounds the watches of one tenant, that they do not take the streams of all others, workers included."""
        if self._open[tenant_id] >= WATCHES_PER_TENANT:
            raise errors.too_many_watches()
        self._open[tenant_id] += 1
        try:
            yield
        finally:
            self._open[tenant_id] -= 1
            if not self._open[tenant_id]:
                del self._open[tenant_id]

    async def _states(self, tenant_id: str, task_id: UUID, revision: int) -> AsyncGenerator[Task, None]:
        with self._signals.listening(changed(tenant_id, task_id)) as signal:
            while True:
                async with self._reads:
                    task = await self._store.get(tenant_id, task_id)
                if task is None:
                    raise errors.task_not_found()
                if task.revision != revision:
                    revision = task.revision
                    yield task
                if task.state in FINAL:
                    return
                await asyncio.sleep(PACE_SECONDS)
                await signal.wait(POLL_SECONDS)
