"""Rate limits on a real Valkey: what every shared state does, the bound of several limiters, outages."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from console.up.state import State
from console.up.valkey import Valkey
from gateway.edge.ratelimit import Reconciler, RedisShared, SharedLimits, StrictRateLimiter
from gateway.edge.ratelimit.reconciler import PERIOD_SECONDS
from gateway.edge.ratelimit.shared import Charge, LimitsUnavailableError, MemoryShared
from meshkit.limits import Limit, MemoryRateLimiter
from meshkit.storage.redis import open_redis

RATE = 200


def bound(count: int) -> float:
    """The most by which limiters may exceed the rate (ADR 0009)."""
    # An exchange waits for its period and for as long as Valkey and this machine need.
    return count * RATE + (count - 1) * RATE * (PERIOD_SECONDS + 0.25)


def key() -> str:
    return f"decision client {secrets.token_hex(6)}"


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    client = open_redis(valkey_url, timeout=2.0)
    yield client
    await client.aclose()


@pytest.fixture(params=["memory", "valkey"])
def shared(request: pytest.FixtureRequest) -> SharedLimits:
    if request.param == "memory":
        return MemoryShared(time.monotonic)
    return RedisShared(request.getfixturevalue("redis"), strict_seconds=2.0)


async def test_uses_add_up_and_pass_with_time(shared: SharedLimits) -> None:
    one, two = key(), key()
    assert list(await shared.exchange({one: 5.0, two: 3.0})) == [pytest.approx(5.0), pytest.approx(3.0)]
    began = time.monotonic()
    await asyncio.sleep(0.05)
    both = await shared.exchange({two: 0.0, one: 2.0})
    passed = time.monotonic() - began
    assert 3.0 - passed - 0.05 <= both[0] <= 3.0 - 0.05
    assert 7.0 - passed - 0.05 <= both[1] <= 7.0 - 0.05


async def test_backlog_never_lies_in_the_past(shared: SharedLimits) -> None:
    name = key()
    await shared.exchange({name: 0.02})
    await asyncio.sleep(0.1)
    assert list(await shared.exchange({name: 1.0})) == [pytest.approx(1.0)]
    assert list(await shared.exchange({name: -5.0})) == [0.0]
    assert list(await shared.exchange({name: 1.0})) == [pytest.approx(1.0)]


async def test_many_keys_are_exchanged_at_once_in_order(shared: SharedLimits) -> None:
    uses = {key(): 1.0 + number for number in range(1_000)}
    assert list(await shared.exchange(uses)) == [pytest.approx(use) for use in uses.values()]


async def test_charge_is_taken_where_every_key_has_room(shared: SharedLimits) -> None:
    wide, narrow = key(), key()
    charges = [Charge(wide, 1.0, 60.0), Charge(narrow, 1.0, 2.0)]
    tallies = [await shared.take(charges) for _ in range(4)]
    assert [tally.allowed for tally in tallies] == [True, True, False, False]
    assert [round(backlog) for backlog in tallies[3].backlogs] == [2, 2]


async def test_concurrent_charges_never_exceed_the_window(shared: SharedLimits) -> None:
    charge = Charge(key(), 10.0, 100.0)
    tallies = await asyncio.gather(*[shared.take([charge]) for _ in range(50)])
    assert sum(tally.allowed for tally in tallies) == 10


@pytest.mark.parametrize("rate", [3, 333_333, 1_000_000])
async def test_charges_of_any_size_are_exact(shared: SharedLimits, rate: int) -> None:
    name, interval = key(), 1 / rate
    before = time.monotonic()
    first = await shared.exchange({name: 100.0})
    for _ in range(200):
        assert (await shared.take([Charge(name, interval, 1000.0)])).allowed
    last = await shared.exchange({name: 0.0})
    passed = time.monotonic() - before
    added = last[0] - first[0]
    assert 200 * interval - passed - 1e-3 <= added <= 200 * interval + 1e-6


async def test_exchange_and_strict_charges_see_each_other(shared: SharedLimits) -> None:
    name = key()
    await shared.exchange({name: 50.0})
    assert not (await shared.take([Charge(name, 1.0, 40.0)])).allowed
    assert (await shared.take([Charge(name, 5.0, 60.0)])).allowed
    assert (await shared.exchange({name: 0.0}))[0] == pytest.approx(55.0, abs=1.0)


async def test_members_are_counted(shared: SharedLimits, redis: Redis) -> None:
    await redis.delete("{rate}:limiters")
    names = [secrets.token_hex(4) for _ in range(3)]
    assert [await shared.meet(name) for name in names] == [1, 2, 3]
    assert await shared.meet(names[0]) == 3


async def test_valkey_holds_no_address_in_clear_and_nothing_for_ever(redis: Redis) -> None:
    await redis.flushdb()
    shared = RedisShared(redis)
    await shared.exchange({"public address 203.0.113.9": 0.5})
    await shared.meet("one")
    for name in await redis.keys("*"):
        assert b"203.0.113.9" not in name
        assert 0 < await redis.pttl(name) <= 5_000


async def test_value_that_is_not_ours_is_an_outage_and_no_error(redis: Redis) -> None:
    shared, name = RedisShared(redis), key()
    await shared.exchange({name: 0.5})
    (stored,) = [each for each in await redis.keys("{rate}:*") if await redis.type(each) == b"string"][-1:]
    await redis.delete(stored)
    await redis.rpush(stored, "x")
    with pytest.raises(LimitsUnavailableError):
        await shared.exchange({name: 0.5})
    await redis.delete(stored)


class Gateways:
    """Limiters as if of as many processes, each with connections of its own."""

    def __init__(self, url: str, count: int, workers: int = 1) -> None:
        self._clients = [open_redis(url) for _ in range(count)]
        self.members = [Reconciler(RedisShared(client), workers=workers) for client in self._clients]
        self._running: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Gateways:
        self._running = [asyncio.create_task(member.run()) for member in self.members]
        await until(lambda: all(member.connected for member in self.members))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for client in self._clients:
            await client.aclose()

    async def hammer(self, limit: Limit, seconds: float) -> tuple[int, float]:
        """Asks everywhere for five times the limit; returns what was allowed and its greatest excess over the rate."""
        allowed, excess, most = 0, 0.0, 0.0
        began = last = time.monotonic()
        while (now := time.monotonic()) < began + seconds:
            asked = int(5 * RATE * (now - last)) + 1
            served = sum(
                self.members[number % len(self.members)].limiter.take(limit, 1, now).allowed for number in range(asked)
            )
            excess = max(0.0, excess - RATE * (now - last)) + served
            allowed, most, last = allowed + served, max(most, excess), now
            await asyncio.sleep(0.005)
        return allowed, most


async def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("count", [3, 4])
async def test_limiters_of_several_gateways_hold_one_limit_within_the_bound(valkey_url: str, count: int) -> None:
    limit, seconds = Limit("decision", key(), RATE), 4.0
    async with Gateways(valkey_url, count) as gateways:
        allowed, most = await gateways.hammer(limit, seconds)
    assert most <= bound(count)
    assert 0.9 * RATE * seconds <= allowed <= RATE * seconds + bound(count)


async def test_burst_on_all_gateways_is_paid_back(valkey_url: str) -> None:
    limit = Limit("decision", key(), RATE)
    async with Gateways(valkey_url, 4) as gateways:
        for member in gateways.members:
            member.limiter.take(limit, RATE, time.monotonic())
        await asyncio.sleep(0.5)
        for member in gateways.members:
            # Four bursts of a second each: the fourth has passed after three seconds.
            verdict = member.limiter.take(limit, 1, time.monotonic())
            assert not verdict.allowed
        assert verdict.retry_after == pytest.approx(2.5, abs=0.4)


async def test_client_that_has_one_gateway_only_may_use_its_whole_limit(valkey_url: str) -> None:
    async with Gateways(valkey_url, 4, workers=4) as gateways:
        limit = Limit("decision", key(), RATE)
        now = time.monotonic()
        assert sum(gateways.members[1].limiter.take(limit, 1, now).allowed for _ in range(2 * RATE)) == RATE


async def test_strict_limiters_of_several_gateways_allow_exactly_the_limit(valkey_url: str) -> None:
    clients = [open_redis(valkey_url, timeout=2.0) for _ in range(4)]
    limiters = [StrictRateLimiter(MemoryRateLimiter(), RedisShared(client, strict_seconds=2.0)) for client in clients]
    # One unit in ten minutes comes back, none while the test runs.
    limit = Limit("write", key(), 1 / 600, 20)
    calls = [limiters[number % 4].take_all([limit], 1, time.monotonic()) for number in range(80)]
    verdicts = [verdict for (verdict,) in await asyncio.gather(*calls)]
    assert sum(verdict.allowed for verdict in verdicts) == 20
    for client in clients:
        await client.aclose()


class Server:
    """A Valkey that can be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        state = State.open(folder)
        self._valkey = Valkey(folder / "redis", state.sockets())
        self._process: subprocess.Popen[bytes] | None = None
        self.url = self._valkey.url

    async def start(self) -> None:
        self._process = self._run()
        client = open_redis(self.url)
        with contextlib.suppress(OSError):
            await _answer(client.ping)
        await client.aclose()

    def _run(self) -> subprocess.Popen[bytes]:
        spec = self._valkey.spec()
        nothing = subprocess.DEVNULL
        return subprocess.Popen(spec.command, env=dict(spec.environment), stdin=nothing, stdout=nothing)

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


async def _answer(ping: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await ping()
            except Exception:  # whatever says that it is not there yet
                await asyncio.sleep(0.02)
            else:
                return


@pytest.fixture
def server(run_folder: Path) -> Iterator[Server]:
    server = Server(run_folder / secrets.token_hex(2))
    yield server
    server.kill()


async def test_killed_valkey_costs_no_call_and_limits_come_back_by_themselves(server: Server) -> None:
    await server.start()
    limit = Limit("decision", key(), RATE)
    async with Gateways(server.url, 4) as gateways:
        await until(lambda: all(member._peers == 4 for member in gateways.members))
        await gateways.hammer(limit, 0.3)
        server.kill()
        await until(lambda: not any(member.connected for member in gateways.members))
        # What is left of the time before passes.
        await asyncio.sleep(5)
        allowed, _ = await gateways.hammer(limit, 2.0)
        assert 0.9 * RATE * 2 <= allowed <= RATE * 3 + 4
        await server.start()
        await until(lambda: all(member.connected for member in gateways.members))
        allowed, most = await gateways.hammer(limit, 2.0)
        assert allowed >= 0.9 * RATE * 2
        assert most <= bound(4)


async def test_strict_decisions_go_on_without_valkey(server: Server) -> None:
    await server.start()
    client = open_redis(server.url)
    limiter = StrictRateLimiter(MemoryRateLimiter(), RedisShared(client))
    limit = Limit("write", key(), 10)
    assert (await limiter.take_all([limit], 10, time.monotonic()))[0].allowed
    server.kill()
    assert not (await limiter.take_all([limit], 1, time.monotonic()))[0].allowed
    await asyncio.sleep(1.1)
    assert (await limiter.take_all([limit], 1, time.monotonic()))[0].allowed
    await server.start()
    await asyncio.sleep(1.1)
    assert (await limiter.take_all([limit], 1, time.monotonic()))[0].allowed
    await client.aclose()


async def test_valkey_that_does_not_answer_is_an_outage(server: Server) -> None:
    await server.start()
    client = open_redis(server.url, timeout=5.0)
    limiter = StrictRateLimiter(MemoryRateLimiter(), RedisShared(client))
    limit = Limit("write", key(), 10)
    await limiter.take_all([limit], 1, time.monotonic())
    server.signal(signal.SIGSTOP)
    began = time.monotonic()
    assert (await limiter.take_all([limit], 1, time.monotonic()))[0].allowed
    assert time.monotonic() - began < 1.0
    server.signal(signal.SIGCONT)
    await client.aclose()
