"""Watches single tasks: the present state first, then each change until the final one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from uuid import UUID

from services.task import errors
from services.task.domain.tasks import FINAL, Task
from services.task.ports import TaskStore
from services.task.service.signals import Signals, changed

__all__ = ["TaskWatches"]

POLL_SECONDS = 2.0
READS_AT_ONCE = 4
PACE_SECONDS = 0.05
"""Least time between two states that one watcher is sent."""


class TaskWatches:
    """Opens watches. A watcher that reads slowly is sent the latest state next, whatever it missed."""

    def __init__(self, store: TaskStore, signals: Signals) -> None:
        self._store = store
        self._signals = signals
        self._reads = asyncio.Semaphore(READS_AT_ONCE)

    async def watch(self, tenant_id: str, task_id: UUID) -> AsyncGenerator[Task, None]:
        """Yields a task after each change. Raises RESOURCE_NOT_FOUND, also when it is deleted."""
        revision = -1
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
