"""What leases do whose caller goes away while they are made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from services.task.adapters.memory import MemoryTaskRows, MemoryTasks
from services.task.adapters.memory_engine import MemoryEngine
from services.task.adapters.memory_schedules import MemorySchedules
from services.task.domain.leases import DeclaredKind
from services.task.domain.tasks import NewTask, Task, TaskFilter
from services.task.service.cron import next_run
from services.task.service.signals import Signals
from services.task.service.work import WorkService

TENANT = "0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c57"
KIND = "fraud.work"


class SlowEngine(MemoryEngine):
    """Answers a lease a moment after it was made, as a store across a network does."""

    def __init__(self, rows: MemoryTaskRows) -> None:
        super().__init__(rows)
        self.leased = asyncio.Event()

    async def lease(self, worker: str, kinds: Sequence[str], limit: int, seconds: float) -> Sequence[Task]:
        tasks = await super().lease(worker, kinds, limit, seconds)
        if tasks:
            self.leased.set()
            await asyncio.sleep(0.05)
        return tasks


@pytest.mark.parametrize("waits", [False, True])
async def test_tasks_leased_for_a_worker_that_has_gone_are_given_back(waits: bool) -> None:
    signals = Signals()
    rows = MemoryTaskRows(tell=signals.tell)
    tasks, engine = MemoryTasks(rows), SlowEngine(rows)
    service = WorkService(engine, MemorySchedules(rows, next_run), signals)
    await engine.declare([DeclaredKind(KIND)])
    new = [NewTask(TENANT, "work", kind=KIND)] * 3
    if not waits:
        await tasks.create(new)
    polling = asyncio.create_task(service.lease("fraud", "w1", [KIND], 3, 30.0, 5.0))
    await asyncio.sleep(0.01)
    if waits:
        await tasks.create(new)
    await engine.leased.wait()
    polling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await polling
    await asyncio.sleep(0.1)
    found = await tasks.page(TENANT, TaskFilter(), None, 10)
    assert [(task.state, task.attempt_count, task.fence) for task in found] == [("pending", 0, 1)] * 3
    leased, waited = await service.lease("fraud", "w2", [KIND], 3, 30.0, 0.0)
    assert (len(leased), waited < 1.0) == (3, True)
