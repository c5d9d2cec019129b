"""What must not be cut short is not, and its cancellation is not lost."""

from __future__ import annotations

import asyncio

import pytest

from meshkit.cancellation import uninterrupted


async def test_work_is_finished_before_any_cancellation_is_raised() -> None:
    steps: list[str] = []

    async def work() -> None:
        steps.append("begun")
        await asyncio.sleep(0.05)
        steps.append("done")

    task = asyncio.create_task(uninterrupted(work(), 1.0))
    for _ in range(3):
        await asyncio.sleep(0.01)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["begun", "done"]


async def test_work_that_hangs_holds_up_a_cancellation_for_a_bounded_time() -> None:
    hanging = asyncio.Event()
    task = asyncio.create_task(uninterrupted(_wait(hanging), 0.05))
    await asyncio.sleep(0.01)
    task.cancel()
    async with asyncio.timeout(1):
        with pytest.raises(asyncio.CancelledError):
            await task
    hanging.set()
    await asyncio.sleep(0)


async def test_an_error_of_the_work_is_raised() -> None:
    async def work() -> None:
        raise OSError("taken")

    with pytest.raises(OSError, match="taken"):
        await uninterrupted(work(), 1.0)


async def _wait(event: asyncio.Event) -> None:
    await event.wait()
