"""Calls take their turn in the mesh."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.calls.turns import CallTurns
from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError


async def test_calls_beyond_the_bound_wait_in_order_of_arrival() -> None:
    turns, order = CallTurns(2), list[int]()

    async def one(number: int) -> None:
        await turns.take(CallContext())
        order.append(number)

    waiting = [asyncio.create_task(one(number)) for number in range(5)]
    await asyncio.sleep(0.01)
    assert order == [0, 1]
    for _ in range(3):
        turns.give_back()
        await asyncio.sleep(0.01)
    await asyncio.gather(*waiting)
    assert order == [0, 1, 2, 3, 4]


async def test_the_deadline_moves_by_the_time_of_the_wait() -> None:
    turns = CallTurns(1)
    await turns.take(CallContext())
    call = CallContext(deadline=time.monotonic() + 0.2)
    waiting = asyncio.create_task(turns.take(call))
    await asyncio.sleep(0.3)
    turns.give_back()
    await waiting
    assert call.remaining == pytest.approx(0.2, abs=0.05)


async def test_a_call_without_a_wait_keeps_its_deadline() -> None:
    call = CallContext(deadline=(until := time.monotonic() + 1))
    await CallTurns(1).take(call)
    assert call.deadline == until


async def test_a_call_whose_turn_does_not_come_is_told_to_come_again() -> None:
    turns = CallTurns(1, wait_seconds=0.05)
    await turns.take(CallContext())
    with pytest.raises(MeshError) as refused:
        await turns.take(CallContext())
    assert (refused.value.kind, refused.value.reason) == (Kind.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert refused.value.retry_after == 1.0
    turns.give_back()
    await asyncio.wait_for(turns.take(CallContext()), 1)


async def test_a_caller_that_leaves_while_it_waits_takes_no_turn() -> None:
    turns = CallTurns(1)
    await turns.take(CallContext())
    gone = asyncio.create_task(turns.take(CallContext()))
    await asyncio.sleep(0.01)
    gone.cancel()
    turns.give_back()
    await asyncio.wait_for(turns.take(CallContext()), 1)
