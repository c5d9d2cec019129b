"""Calls take their turn at a service."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.calls.turns import CallTurns
from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError


async def test_calls_beyond_the_bound_wait_in_order_of_arrival() -> None:
    turns, order, answered = CallTurns(2), list[int](), asyncio.Semaphore(0)

    async def one(number: int) -> None:
        async with turns.taken("task", CallContext()):
            order.append(number)
            await answered.acquire()

    waiting = [asyncio.create_task(one(number)) for number in range(5)]
    await asyncio.sleep(0.01)
    assert order == [0, 1]
    for _ in waiting:
        answered.release()
    await asyncio.gather(*waiting)
    assert order == [0, 1, 2, 3, 4]


async def test_a_service_that_hangs_holds_up_no_call_to_another() -> None:
    turns = CallTurns(1)
    async with turns.taken("user", CallContext()), asyncio.timeout(1), turns.taken("fraud", CallContext()):
        pass


async def test_a_call_whose_turn_does_not_come_before_its_deadline_is_told_to_come_again() -> None:
    turns = CallTurns(1)
    async with turns.taken("task", CallContext()):
        with pytest.raises(MeshError) as refused:
            async with turns.taken("task", CallContext(deadline=time.monotonic() + 0.05)):
                pass
    assert (refused.value.kind, refused.value.reason) == (Kind.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert refused.value.retry_after == 1.0
    async with asyncio.timeout(1), turns.taken("task", CallContext()):
        pass


async def test_a_wait_takes_from_the_time_that_the_call_has() -> None:
    turns, call = CallTurns(1), CallContext(deadline=(until := time.monotonic() + 10))
    async with turns.taken("task", CallContext()):
        waiting = asyncio.create_task(turns.taken("task", call).__aenter__())
        await asyncio.sleep(0.01)
    await waiting
    assert call.deadline == until


@pytest.mark.parametrize("given", [False, True], ids=["before its turn comes", "as its turn comes"])
async def test_a_caller_that_leaves_takes_no_turn(given: bool) -> None:
    turns = CallTurns(1)
    async with turns.taken("task", CallContext()):
        gone = asyncio.create_task(turns.taken("task", CallContext()).__aenter__())
        await asyncio.sleep(0.01)
        if not given:
            gone.cancel()
    gone.cancel()
    await asyncio.wait({gone}, timeout=1)
    assert gone.cancelled()
    async with asyncio.timeout(1), turns.taken("task", CallContext()):
        pass
