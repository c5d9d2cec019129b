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
from services.task.service import work
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


class Bench:
    def __init__(self) -> None:
        signals = Signals()
        rows = MemoryTaskRows(tell=signals.tell)
        self.tasks, self.engine = MemoryTasks(rows), SlowEngine(rows)
        self.service = WorkService(self.engine, MemorySchedules(rows, next_run), signals)

    async def create(self) -> None:
        await self.tasks.create([NewTask(TENANT, "work", kind=KIND)] * 3)

    async def poll(self, worker: str = "w1", wait: float = 5.0) -> tuple[Sequence[Task], float]:
        return await self.service.lease("fraud", worker, [KIND], 3, 30.0, wait)

    async def pending(self) -> list[int]:
        """How often each task was leased, none of which is now, or counts an attempt."""
        found = await self.tasks.page(TENANT, TaskFilter(), None, 10)
        assert {(task.state, task.attempt_count) for task in found} == {("pending", 0)}
        return [task.fence for task in found]


@pytest.fixture
async def bench() -> Bench:
    made = Bench()
    await made.engine.declare([DeclaredKind(KIND)])
    return made


@pytest.mark.parametrize("waits", [False, True])
async def test_tasks_leased_for_a_worker_that_has_gone_are_given_back(bench: Bench, waits: bool) -> None:
    if not waits:
        await bench.create()
    polling = asyncio.create_task(bench.poll())
    await asyncio.sleep(0.01)
    if waits:
        await bench.create()
    await bench.engine.leased.wait()
    polling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await polling
    await asyncio.sleep(0.1)
    assert await bench.pending() == [1, 1, 1]
    leased, waited = await bench.poll("w2", wait=0.0)
    assert (len(leased), waited < 1.0) == (3, True)


@pytest.mark.parametrize("waits", [True, False])
async def test_a_worker_that_stops_gets_nothing_also_by_a_call_that_comes_late(bench: Bench, waits: bool) -> None:
    polling = [asyncio.create_task(bench.poll())] if waits else []
    await asyncio.sleep(0.01)
    await bench.service.stop("fraud", "w1")
    await bench.create()
    polling += [] if waits else [asyncio.create_task(bench.poll())]
    await asyncio.sleep(0.1)
    assert not polling[0].done()
    assert await bench.pending() == [0, 0, 0]
    polling[0].cancel()


async def test_a_worker_of_the_name_of_one_that_stopped_gets_tasks_a_little_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "STOPPED_SECONDS", 0.1)
    await bench.service.stop("fraud", "w1")
    await bench.create()
    assert len((await bench.poll())[0]) == 3


async def test_what_a_worker_is_given_as_it_stops_is_given_back_before_anything_else(bench: Bench) -> None:
    polling = asyncio.create_task(bench.poll())
    await asyncio.sleep(0.01)
    await bench.create()
    await bench.engine.leased.wait()
    await bench.service.stop("fraud", "w1")
    assert await bench.pending() == [1, 1, 1]
    polling.cancel()


@pytest.mark.parametrize("other", [("fraud", "w2"), ("cases", "w1")])
async def test_a_worker_that_stops_leaves_the_others_what_they_wait_for(bench: Bench, other: tuple[str, str]) -> None:
    polling = asyncio.create_task(bench.poll())
    await asyncio.sleep(0.01)
    await bench.service.stop(*other)
    await bench.create()
    assert len((await polling)[0]) == 3
