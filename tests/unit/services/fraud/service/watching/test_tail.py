"""The newest decisions of a tenant."""

from __future__ import annotations

import asyncio

import pytest

from services.fraud.domain.outbox import Place
from services.fraud.domain.watching import Committed
from services.fraud.service.watching.tail import Tail


def row(xid: int) -> Committed:
    return Committed(Place(xid, 1), "tenant", "u1", "approve", 0.1, b"")


@pytest.fixture
async def tail() -> Tail:
    tail = Tail()
    tail.start(Place(10, 0))
    for xid in (10, 11, 12):
        tail.add(row(xid))
    return tail


async def test_tail_that_was_not_started_covers_nothing() -> None:
    assert not Tail().covers(Place(10, 0))


async def test_what_follows_a_place_is_returned_in_order(tail: Tail) -> None:
    assert [found.place.xid for found in tail.after(Place(10, 0))] == [10, 11, 12]
    assert [found.place.xid for found in tail.after(Place(10, 1))] == [11, 12]
    assert tail.after(Place(12, 1)) == []


@pytest.mark.parametrize(("xid", "covered"), [(9, False), (10, True), (99, True)])
async def test_places_before_its_start_are_not_covered(tail: Tail, xid: int, covered: bool) -> None:
    assert tail.covers(Place(xid, 0)) is covered


async def test_places_before_what_was_dropped_are_not_covered_any_more(tail: Tail) -> None:
    tail.drop_oldest()
    assert not tail.covers(Place(10, 0))
    assert tail.covers(Place(10, 1))
    assert [found.place.xid for found in tail.after(Place(10, 1))] == [11, 12]


async def test_stopped_tail_holds_nothing(tail: Tail) -> None:
    tail.stop()
    tail.drop_oldest()
    assert len(tail) == 0
    assert not tail.covers(Place(99, 0))


async def test_everybody_who_waits_is_woken_once(tail: Tail) -> None:
    waiting = [asyncio.ensure_future(tail.changed(5)) for _ in range(3)]
    await asyncio.sleep(0)
    tail.wake()
    await asyncio.wait_for(asyncio.gather(*waiting), 1)
    again = asyncio.ensure_future(tail.changed(5))
    await asyncio.sleep(0.01)
    assert not again.done()
    again.cancel()


async def test_wait_for_a_change_ends_by_itself(tail: Tail) -> None:
    waiting = {asyncio.ensure_future(tail.changed(seconds)) for seconds in (0.01, -1)}
    done, _ = await asyncio.wait(waiting, timeout=5)
    assert done == waiting
