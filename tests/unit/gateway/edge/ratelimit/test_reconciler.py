from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest

from gateway.edge.ratelimit import Reconciler
from gateway.edge.ratelimit.shared import LimitsUnavailableError, MemoryShared
from meshkit.limits import Limit

RATE, PERIOD = 50, 0.1
LIMIT = Limit("decision", "client", RATE)


def bound(count: int) -> float:
    """The most by which limiters may exceed the rate (ADR 0009), and a unit for each where whole ones are counted."""
    return count * RATE + (count - 1) * RATE * PERIOD + count


class BrokenShared(MemoryShared):
    """Fails while it is told to."""

    broken = False
    exchanges = 0

    async def exchange(self, uses: Mapping[str, float]) -> Sequence[float]:
        self._check()
        self.exchanges += 1
        return await super().exchange(uses)

    async def meet(self, member: str) -> int:
        self._check()
        return await super().meet(member)

    def _check(self) -> None:
        if self.broken:
            raise LimitsUnavailableError("ConnectionError")


class World:
    """Limiters on one clock, each with exchanges at a moment of its own."""

    def __init__(self, count: int, workers: int = 1) -> None:
        self.now = 1000.0
        self.shared = BrokenShared(lambda: self.now)
        self.members = [Reconciler(self.shared, workers=workers, clock=lambda: self.now) for _ in range(count)]
        self._due = [self.now + PERIOD * (index + 1) / count for index in range(count)]
        self.exchanging = True

    async def start(self) -> World:
        for _ in range(2):  # in the second round everyone has met everyone
            for member in self.members:
                await member.exchange()
            self.now += 1.0
        self._due = [due + 2.0 for due in self._due]
        return self

    async def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for index, member in enumerate(self.members):
            while self.exchanging and self._due[index] <= self.now:
                await member.exchange()
                self._due[index] += PERIOD

    def take(self, index: int, cost: int = 1) -> bool:
        return self.members[index].limiter.take(LIMIT, cost, self.now).allowed


Attack = Callable[[World, random.Random], Iterator[Sequence[int]]]


def everywhere(world: World, _: random.Random) -> Iterator[Sequence[int]]:
    while True:
        yield range(len(world.members))


def at_random(world: World, chance: random.Random) -> Iterator[Sequence[int]]:
    while True:
        yield [chance.randrange(len(world.members)) for _ in range(chance.choice((0, 1, 1, 40)))]


def one_after_the_other(world: World, chance: random.Random) -> Iterator[Sequence[int]]:
    """Uses up one limiter, and when that refuses goes on to one that has heard nothing for a while."""
    while True:
        for index in range(len(world.members)):
            for _ in range(chance.choice((1, 5, 100, 600))):
                yield [index] * 60


def one_and_bursts_elsewhere(world: World, chance: random.Random) -> Iterator[Sequence[int]]:
    while True:
        yield [0] * 3 + ([chance.randrange(len(world.members))] * 60 if chance.random() < 0.01 else [])


@pytest.mark.parametrize("attack", [everywhere, at_random, one_after_the_other, one_and_bursts_elsewhere])
@pytest.mark.parametrize("count", [2, 4, 8])
async def test_together_they_never_exceed_the_limit_by_more_than_the_bound(attack: Attack, count: int) -> None:
    world = await World(count).start()
    asks = attack(world, random.Random(count))
    # What a leaky bucket of the rate holds is the most by which any stretch of time exceeded the rate.
    excess, most, allowed, seconds = 0.0, 0.0, 0, 20.0
    began, step = world.now, 0.004
    while world.now < began + seconds:
        served = sum(world.take(index) for index in next(asks))
        allowed += served
        excess = max(0.0, excess - RATE * step) + served
        most = max(most, excess)
        await world.pass_time(step)
    assert most <= bound(count)
    assert allowed >= 0.9 * RATE * seconds


async def test_without_the_exchange_the_bound_does_not_hold() -> None:
    # Guards the test above.
    world = await World(4).start()
    world.exchanging = False
    allowed = 0
    for _ in range(20):
        allowed += sum(world.take(index) for index in range(4) for _ in range(60))
        await world.pass_time(1.0)
    assert allowed > bound(4) + RATE * 20


async def test_client_on_one_of_many_limiters_may_use_its_whole_limit() -> None:
    world = await World(4, workers=4).start()
    assert sum(world.take(2) for _ in range(RATE * 2)) == RATE


async def test_what_one_has_allowed_the_others_refuse_after_an_exchange() -> None:
    world = await World(2).start()
    for _ in range(RATE):
        world.take(0)
    assert world.take(1)
    await world.pass_time(PERIOD)
    assert [world.take(1) for _ in range(3)] == [False] * 3
    for _ in range(12):
        await world.pass_time(PERIOD)
    world.shared.exchanges = 0
    await world.pass_time(PERIOD)
    assert world.shared.exchanges == 0, "what nobody uses is not exchanged"


async def test_use_by_others_does_not_shut_a_client_out() -> None:
    world = await World(2).start()
    for _ in range(RATE):
        world.take(0)
        world.take(1)
    await world.pass_time(PERIOD)
    await world.pass_time(1.2)
    assert world.take(0)


@pytest.mark.parametrize(("workers", "count"), [(1, 4), (4, 4), (4, 1)])
async def test_without_the_shared_state_each_allows_its_part_and_comes_back(workers: int, count: int) -> None:
    world = await World(count, workers=workers).start()
    parts = max(workers, count)
    world.shared.broken = True
    await world.pass_time(1.2)
    assert not any(member.connected for member in world.members)
    served = sum(world.take(0) for _ in range(RATE * 2))
    assert served == int(RATE / parts)
    world.shared.broken = False
    await world.pass_time(1.2)
    assert all(member.connected for member in world.members)
    assert sum(world.take(0) for _ in range(RATE * 2)) == RATE


async def test_outage_is_told_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="gateway.edge.ratelimit.reconciler"):
        world = await World(1).start()
        world.shared.broken = True
        for _ in range(30):
            await world.pass_time(PERIOD)
        world.shared.broken = False
        await world.pass_time(PERIOD)
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING", "INFO"]


async def test_before_the_first_exchange_each_allows_its_part() -> None:
    world = World(1, workers=5)
    assert sum(world.take(0) for _ in range(RATE)) == RATE // 5


async def test_use_during_an_outage_is_no_debt_afterwards() -> None:
    world = await World(2).start()
    world.shared.broken = True
    for number in range(100):
        world.take(0)
        world.members[0].limiter.take(Limit("decision", f"client {number}", RATE), 1, world.now)
        await world.pass_time(PERIOD)
    assert world.members[0].limiter.due < 5, "nor does it pile up"
    await world.pass_time(2.0)
    world.shared.broken = False
    await world.pass_time(PERIOD)
    assert sum(world.take(1) for _ in range(RATE * 2)) == RATE


async def test_limiter_that_is_gone_counts_no_more() -> None:
    world = await World(3).start()
    gone = world.members.pop()
    for _ in range(20):
        await world.pass_time(0.5)
    world.shared.broken = True
    await world.pass_time(1.2)
    assert sum(world.take(0) for _ in range(RATE)) == RATE // 2
    assert gone.connected


async def test_heavy_use_is_exchanged_before_the_period_is_over() -> None:
    now = asyncio.get_running_loop().time
    shared = BrokenShared(now)
    members = [Reconciler(shared, clock=now) for _ in range(2)]
    running = [asyncio.create_task(member.run()) for member in members]
    try:
        await asyncio.sleep(0.05)
        seen = shared.exchanges
        for _ in range(RATE):
            members[0].limiter.take(LIMIT, 1, now())
        async with asyncio.timeout(2.0):
            while shared.exchanges == seen:
                await asyncio.sleep(0)
        members[1].limiter.take(LIMIT, RATE // 2, now())
        async with asyncio.timeout(2.0):
            while members[1].limiter.take(LIMIT, 1, now()).allowed:
                await asyncio.sleep(0)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
