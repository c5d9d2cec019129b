"""Whatever happens to Redis, no decision counts wrongly: it is slow, and says so, or it is whole."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from redis.asyncio import Redis

from console.up.state import State
from console.up.valkey import Valkey
from meshkit.storage.redis import open_redis
from services.fraud.domain.check import Features
from services.fraud.service.logs import keeping as log_keeping
from services.fraud.service.logs import sweep as log_sweep
from tests.integration.conftest import FreshDatabase
from tests.support.engine import engines, eventually, keeping
from tests.support.fraud import check, milliseconds, named, new_tenant, read
from tests.support.kept import Kept, started
from tests.support.lives import out_of_order
from tests.support.proxy import proxied
from tests.support.readers import patiently
from tests.support.servers import Database, finish
from tests.support.servers import _until_pinged as until_pinged
from tests.support.verifying import verify

SLOW = ("features_slow_path",)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_keeping, "LONGEST_COMMIT", timedelta(seconds=0.5))
    monkeypatch.setattr(log_keeping, "ROUND_SECONDS", 0.1)
    monkeypatch.setattr(log_sweep, "QUIET_SECONDS", 0.3)


@pytest.fixture
def database(fresh_database: FreshDatabase) -> Database:
    return fresh_database("fraud")


class Server:
    """A Valkey that can be killed, and started again on the snapshot that it has."""

    def __init__(self, folder: Path) -> None:
        state = State.open(folder)
        self._data = state.home / "redis"
        self._valkey = Valkey(self._data, state.sockets())
        self.url = self._valkey.url
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        spec = self._valkey.spec()
        self._process = subprocess.Popen(
            spec.command, env=dict(spec.environment), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        finish(until_pinged(self.url))

    def kill(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def forget(self) -> None:
        """Deletes what a killed server left."""
        shutil.rmtree(self._data)


@pytest.fixture
def server(run_folder: Path, tmp_path: Path) -> Iterator[Server]:
    server = Server(run_folder / tmp_path.name[-12:])
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def redis(server: Server) -> AsyncIterator[Redis]:
    client = open_redis(server.url, timeout=2, size=20)
    yield client
    await client.aclose()


@pytest.fixture
async def kept(redis: Redis, database: Database) -> AsyncIterator[Kept]:
    async with started(redis, database) as kept:
        yield kept


def now() -> datetime:
    return milliseconds(datetime.now(UTC))


async def emptied(server: Server, redis: Redis) -> None:
    await redis.flushall()


async def restarted_empty(server: Server, redis: Redis) -> None:
    server.kill()
    server.forget()
    server.start()


async def restarted_from_snapshot(server: Server, redis: Redis) -> None:
    """The snapshot was taken by `save` some batches ago."""
    server.kill()
    server.start()


async def deleted(server: Server, redis: Redis) -> None:
    """Some logs, which processes have read."""
    names = await redis.keys("e:*")
    if names:
        await redis.delete(*random.sample(names, len(names) // 2))


async def flushed_scripts(server: Server, redis: Redis) -> None:
    await redis.script_flush()


LOSSES = {each.__name__: each for each in (emptied, restarted_empty, restarted_from_snapshot, flushed_scripts)}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("seed", range(2))
async def test_traffic_counts_everything_whatever_is_lost_in_between(
    kept: Kept, server: Server, redis: Redis, name: str, seed: int
) -> None:
    choice, tenants = random.Random(seed), [new_tenant(), new_tenant()]
    lives = [[[each] for each in out_of_order(seed, tenant, 100)] for tenant in tenants]
    steps = [batch for both in zip(*lives, strict=False) for batch in both]
    losses = {len(steps) // 3, len(steps) // 2, 2 * len(steps) // 3}
    slow = 0
    for number, batch in enumerate(steps):
        if number in losses:
            await LOSSES[name](server, redis)
        elif number % 7 == 0 and name == "restarted_from_snapshot":
            await redis.save()
        slow += sum(each == SLOW for each in await kept.decide(*batch, engine=choice.randrange(2)))
    assert name == "flushed_scripts" or slow > 0
    await kept.until_whole(*tenants)
    for tenant in tenants:
        for user in range(4):
            await kept.decide(check(tenant, user_id=f"u{user}", event_time=now()), engine=user % 2)
        engine = kept.engines[0]
        assert (await verify(engine.pool, engine.logs, tenant)).differences == []


async def test_logs_that_are_deleted_are_missed_by_who_has_read_them(kept: Kept, server: Server, redis: Redis) -> None:
    """By hand. Who has never read a log, or but its first record, cannot know that there was one."""
    tenant = new_tenant()
    found: list[tuple[str, ...]] = []
    for number in range(40):
        if number > 8 and number % 5 == 4:
            await deleted(server, redis)
        found += await kept.decide(check(tenant, user_id=f"u{number % 3}", event_time=now()))
    assert found[0] == () and SLOW in found, "what was missed was read from the history"


async def test_redis_that_evicts_leads_to_the_slow_path_and_never_to_a_wrong_count(kept: Kept, redis: Redis) -> None:
    """At its `maxmemory`, with many more keys than it has room for."""
    used = (await redis.info("memory"))["used_memory"]
    await redis.config_set("maxmemory", used + 150_000)
    await redis.config_set("maxmemory-policy", "volatile-lru")
    choice, tenant = random.Random(3), new_tenant()
    degraded: list[tuple[str, ...]] = []
    for _ in range(350):
        asked = check(
            tenant,
            user_id=f"u{choice.randrange(400)}",
            device=f"d{choice.randrange(400)}",
            merchant="m1",
            ip=f"192.0.2.{choice.randrange(200)}",
            event_time=now(),
        )
        degraded += await kept.decide(asked, engine=choice.randrange(2))
    assert (await redis.info("stats"))["evicted_keys"] > 0
    assert SLOW in degraded and () in degraded


async def test_full_redis_that_evicts_nothing_leads_to_the_slow_path(kept: Kept, redis: Redis) -> None:
    tenant = new_tenant()
    for number in range(6):
        if number == 3:
            await redis.config_set("maxmemory", 1)
        (degraded,) = await kept.decide(check(tenant, event_time=now()), engine=number % 2)
        assert degraded == (SLOW if number >= 3 else ())
    await redis.config_set("maxmemory", 0)


async def test_what_is_decided_while_redis_is_away_from_one_process_is_seen_by_all(
    server: Server, redis: Redis, database: Database, run_folder: Path, tmp_path: Path
) -> None:
    """Cut off for one of two: the other goes on, and misses nothing of what the first decides without Redis."""
    socket = run_folder / f"{tmp_path.name[-12:]}.cut"
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(proxied(Path(unquote(urlsplit(server.url).path)), socket))
        cut_off = open_redis(f"unix://{proxy.path}", timeout=0.5)
        stack.push_async_callback(cut_off.aclose)
        kept = Kept(await stack.enter_async_context(engines(database, redis, cut_off)))
        await stack.enter_async_context(keeping(kept.engines[0], database))
        tenant, other = new_tenant(), new_tenant()
        await kept.until_whole(tenant, other)
        found: dict[int, list[Any]] = {0: [], 1: []}
        for number in range(40):
            if number == 10:
                await proxy.down()
            if number == 25:
                await proxy.up()
            for engine in (0, 1):
                found[engine] += await kept.decide(check(tenant, event_time=now()), engine=engine)
            await kept.decide(check(other, event_time=now()))
            await asyncio.sleep(0.02)
        assert SLOW in found[0] and SLOW in found[1]

        async def closed() -> bool:
            answers = [await kept.decide(check(tenant, event_time=now()), engine=engine) for engine in (0, 1)]
            return answers == [[()], [()]]

        # Each distrusts the logs for half a second after it has met the gap, also if that is closed by then.
        await eventually(closed)
        assert await kept.decide(check(tenant, event_time=now())) == [()]


@pytest.mark.parametrize("engine", [0, 1])
async def test_process_that_dies_between_its_append_and_its_commit_leaves_nothing(
    kept: Kept, engine: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_keeping, "OVERDUE_SECONDS", 1.0)
    tenant = new_tenant()
    await kept.decide(check(tenant, event_time=now()))
    dead = [check(tenant, f"dead-{number}", event_time=now()) for number in range(3)]
    reading = await kept.engines[1].reader.read(dead, patiently())
    assert [named(each)["user_count_1h"] for each in read(reading.features)] == [1, 2, 3]
    kept.engines[1].logs._settling._settled.clear()

    async def gone() -> bool:
        return not await kept.engines[0].logs.overdue(-1)

    await eventually(gone)
    await kept.decide(check(tenant, event_time=now()), engine=engine)


async def test_fifty_concurrent_checks_of_a_new_device_over_two_processes_count_each_other_once(kept: Kept) -> None:
    # All connections are there: on a busy machine making one takes longer than a commit waits for it.
    await asyncio.gather(*[each.pool.fetchval("SELECT pg_sleep(0.05)") for each in kept.engines for _ in range(8)])
    tenant, when = new_tenant(), now()
    asked = [check(tenant, user_id=f"u{n}", device="new", ip="", merchant="", event_time=when) for n in range(50)]

    async def one(number: int) -> Features:
        (seen,) = await kept.engines[number % 2].see(asked[number])
        return seen

    found = await asyncio.gather(*[one(number) for number in range(50)])
    counts = [named(each)["device_count_1h"] for each in found]
    assert sorted(str(each) for each in counts) == sorted(str(each) for each in range(50))


async def long_scripts(redis: Redis) -> list[int]:
    """Returns the microseconds of the longest scripts since the last time, of those that have logs."""
    slow: Any = await redis.slowlog_get(10_000)
    await redis.slowlog_reset()
    scripts = [each for each in slow if each["command"].startswith(b"EVALSHA")]
    return sorted(each["duration"] for each in scripts if int(each["command"].split()[2]) > 3)[-8:]


async def test_floods_and_fast_clocks_of_callers_hold_redis_no_longer_than_ordinary_batches(
    kept: Kept, redis: Redis
) -> None:
    """40 events some minutes ahead, then batches of 1,000 at the present, each of new subjects."""
    await redis.config_set("slowlog-log-slower-than", 0)
    await redis.config_set("slowlog-max-len", 10_000)
    tenant, other = new_tenant(), new_tenant()
    ahead = [check(tenant, user_id=f"f{n}", event_time=now() + timedelta(minutes=4)) for n in range(40)]
    await kept.engines[0].see(*ahead)
    ordinary: list[int] = []
    attack: list[int] = []
    for number in range(4):
        # Some scripts of each, in turn: others use the machine as well.
        for batch in range(8):
            names = [f"o{number}-{batch}-{n}" for n in range(48)]
            await kept.engines[0].see(*[check(other, user_id=each, device=each, event_time=now()) for each in names])
        ordinary += await long_scripts(redis)
        flood = [check(tenant, user_id=f"u{number}-{n}", device=f"d{n}", ip="", event_time=now()) for n in range(1_000)]
        for start in range(0, 1_000, 250):
            found = await kept.engines[number % 2].see(*flood[start : start + 250])
            counts = [named(each)["merchant_count_1h"] for each in found]
            assert counts == list(range(number * 1_000 + start, number * 1_000 + start + 250))
        attack += await long_scripts(redis)
        (seen,) = await kept.engines[number % 2].see(check(other, event_time=now()))
        assert seen.degraded == ()
    # Of the longest, for on a busy machine a few wait for a processor.
    assert median(attack) < 3 * median(ordinary), (ordinary, attack)
