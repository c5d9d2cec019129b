"""Workers, service and database killed with -9, stopped, and under clocks that jump: each effect once, nothing stuck.

`make chaos` runs it with 10,000 tasks; `RAMPART_CHAOS_TASKS` says how many.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.support.certificates import Certificates
from tests.support.chaos import STEPS, Effects, TaskPlatform, task_platform
from tests.support.processes import Node
from tests.support.servers import PostgresServer

COUNT = int(os.environ.get("RAMPART_CHAOS_TASKS", "250"))
LEASE = 3
KILL_SECONDS = 0.5
LEAST_KILLS = 5
"""Each victim once at least."""
NOTICED_SECONDS = 5.0
"""Most time from the end of a lease to its next life, while everything is up, on a busy machine."""

Platform = Callable[..., AbstractAsyncContextManager[TaskPlatform]]


@pytest.fixture
def platform(run_folder: Path, certificates: Certificates, auth: Node, postgres: PostgresServer) -> Platform:
    """Starts a task service of its own, with a table for the effects in another database."""

    @asynccontextmanager
    async def start(**options: float) -> AsyncIterator[TaskPlatform]:
        name = f"effects_{secrets.token_hex(4)}"
        database = await postgres.create_database("task", name)
        effects = Effects(database.owner_dsn)
        await effects.prepare()
        folder = run_folder / f"chaos-{secrets.token_hex(3)}"
        async with task_platform(folder, certificates, auth.address, **options) as made:  # type: ignore[arg-type]
            made.effects = effects
            made.worker_environment = {**made.worker_environment, "CHAOS_EFFECTS": effects.dsn}
            yield made

    return start


async def check_effects(platform: TaskPlatform, count: int) -> None:
    """Each step of each task took effect, once."""
    rows = await platform.effects.rows()
    assert len(rows) == count
    assert {(row["step"], row["applied"]) for row in rows} == {(STEPS, STEPS)}


async def test_everything_is_killed_in_turn_and_each_effect_is_there_once(platform: Platform) -> None:
    async with platform() as chaos:
        for _ in range(3):
            chaos.add_worker(CHAOS_LEASE=str(LEASE), CHAOS_STEP_SECONDS="0.01" if COUNT > 1000 else "0.05")
        await chaos.create(COUNT)
        down: list[float] = []
        killing = asyncio.create_task(kill_in_turn(chaos, down))
        try:
            states = await chaos.until_finished(150 + COUNT / 20)
        finally:
            killing.cancel()
        assert states == {"succeeded": COUNT}
        await check_effects(chaos, COUNT)
        noted = await chaos.audit()
        # Only the longest outage of the database or the service, and the time to notice, come on top of a lease.
        assert set(noted) <= {"overdue"}
        assert noted.get("overdue", 0.0) < max(down, default=0.0) + NOTICED_SECONDS
        (rows,) = await chaos.query("SELECT count(*) AS attempts, count(DISTINCT task_id) AS tasks FROM attempts")
        print(
            f"\n{COUNT} tasks, {rows['attempts']} attempts, {len(down)} kills, outages up to {max(down):.1f} s, {noted}"
        )
        assert rows["tasks"] == COUNT
        assert len(down) >= LEAST_KILLS


async def kill_in_turn(chaos: TaskPlatform, down: list[float]) -> None:
    victims = [*chaos.workers[:1], chaos.service, chaos.workers[1], chaos.postgres, chaos.workers[2]]
    turn = 0
    while True:
        await work_goes_on(chaos)
        victim = victims[turn % len(victims)]
        turn += 1
        began = time.monotonic()
        victim.kill()
        victim.start()
        if victim is chaos.postgres:
            await come_back(chaos)
        down.append(time.monotonic() - began)


async def work_goes_on(chaos: TaskPlatform) -> None:
    """Waits until tasks are finished again: on a busy machine a process takes seconds to start."""
    before = (await chaos.states()).get("succeeded", 0)
    await eventually(lambda: finished(chaos, before + 5), 60)
    await asyncio.sleep(KILL_SECONDS)


async def finished(chaos: TaskPlatform, count: int) -> bool:
    return (await chaos.states()).get("succeeded", 0) >= min(count, COUNT)


async def come_back(chaos: TaskPlatform) -> None:
    """Waits for the database, which does not start before the processes of the one that was killed have gone."""
    while not await chaos.answers():
        if not chaos.postgres.alive:
            chaos.postgres.start()
        await asyncio.sleep(0.1)


async def test_stopped_worker_that_continues_past_its_lease_cannot_write(platform: Platform) -> None:
    async with platform() as chaos:
        first = chaos.add_worker(CHAOS_LEASE="2", CHAOS_STEP_SECONDS="0.7")
        await chaos.create(4)
        await eventually(lambda: effects_of(chaos, 4))
        first.send(signal.SIGSTOP)
        await asyncio.sleep(2.5)
        chaos.add_worker(CHAOS_LEASE="2", CHAOS_STEP_SECONDS="0.1")
        states = await chaos.until_finished(20)
        before = await chaos.query("SELECT task_id, revision, checkpoint, result FROM tasks ORDER BY task_id")
        first.send(signal.SIGCONT)
        await asyncio.sleep(2.5)
        assert states == {"succeeded": 4}
        assert await chaos.query("SELECT task_id, revision, checkpoint, result FROM tasks ORDER BY task_id") == before
        await check_effects(chaos, 4)
        assert set(await chaos.audit()) <= {"overdue"}
        assert first.alive


async def effects_of(chaos: TaskPlatform, count: int) -> bool:
    return len(await chaos.effects.rows()) == count


async def eventually(met: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not await met():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_clocks_that_jump_change_nothing(platform: Platform) -> None:
    """The service and both workers jump by days, back and forth; the database's clock alone counts."""
    async with platform(shift=3 * 86_400.0) as chaos:
        for shift in (-5 * 86_400.0, 7 * 86_400.0):
            chaos.add_worker(CHAOS_LEASE="2", CHAOS_STEP_SECONDS="0.9", shift=shift)
        await chaos.create(20)
        assert await chaos.until_finished(40) == {"succeeded": 20}
        await check_effects(chaos, 20)
        assert await chaos.audit() == {}
        (row,) = await chaos.query(
            "SELECT max(attempt_count) AS attempts, min(finished_at) > now() - interval '5 minutes' AS late,"
            " max(finished_at) <= now() AS early FROM tasks"
        )
        assert tuple(row) == (1, True, True)


async def test_worker_told_to_stop_gives_its_tasks_back(platform: Platform) -> None:
    async with platform() as chaos:
        worker = chaos.add_worker(CHAOS_STEP_SECONDS="30")
        await chaos.create(5, max_attempts=1)
        await eventually(lambda: effects_of(chaos, 5))
        began = time.monotonic()
        assert worker.stop() == 0
        assert time.monotonic() - began < 5
        assert await chaos.states() == {"pending": 5}
        rows = await chaos.query("SELECT outcome FROM attempts")
        assert [row["outcome"] for row in rows] == ["returned"] * 5


async def test_stopping_service_ends_its_long_polls_at_once(platform: Platform) -> None:
    async with platform() as chaos:
        chaos.add_worker()
        await eventually(lambda: listens(chaos))
        await asyncio.sleep(1.0)
        began = time.monotonic()
        assert chaos.service.stop() == 0
        assert time.monotonic() - began < 4


async def listens(chaos: TaskPlatform) -> bool:
    return bool(await chaos.query("SELECT 1 FROM kinds"))
