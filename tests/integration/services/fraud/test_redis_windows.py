"""The windows in Redis when Redis is not well, and when a subject is busy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from urllib.parse import unquote, urlsplit

import pytest
from redis.asyncio import Redis
from services.fraud.adapters.redis_windows import READY, RedisWindows, reservation_key, subject
from services.fraud.domain.features import by_name

from console.up.state import State
from meshkit.storage.redis import open_redis
from services.fraud.domain.check import Check
from services.fraud.ports import WindowsUnavailableError
from tests.support.fraud import check, milliseconds, new_tenant
from tests.support.proxy import Proxy, proxied
from tests.support.servers import valkey_server
from tests.support.windows import make_ready

HOT = 200_000


class Cold:
    """Counts how often the windows were found cold."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
async def proxy(windows_url: str, tmp_path_factory: pytest.TempPathFactory, run_folder: Path) -> AsyncIterator[Proxy]:
    socket = run_folder / f"{tmp_path_factory.mktemp('x').name}.sock"
    async with proxied(Path(unquote(urlsplit(windows_url).path)), socket) as proxy:
        yield proxy


@pytest.fixture
async def through_proxy(redis: Redis, proxy: Proxy) -> AsyncIterator[RedisWindows]:
    """With the timeouts of production, behind a proxy."""
    client = open_redis(f"unix://{proxy.path}")
    yield RedisWindows(client, on_cold=lambda: None)
    await client.aclose()


async def refused(windows: RedisWindows, asked: Check) -> float:
    """Returns the seconds after which the windows said that they cannot be read."""
    start = time.perf_counter()
    with pytest.raises(WindowsUnavailableError):
        await windows.reserve([asked])
    return time.perf_counter() - start


async def paused(windows: RedisWindows, proxy: Proxy) -> None:
    """Checks that Redis is left alone after a failure, for a while, although it is back."""
    await proxy.up()
    assert await refused(windows, check(new_tenant())) < 0.05
    async with asyncio.timeout(5):
        while True:
            try:
                await windows.reserve([check(new_tenant())])
            except WindowsUnavailableError:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.mark.parametrize("before", ["idle", "connected"])
async def test_redis_that_is_gone_is_noticed_quickly_and_then_left_alone(
    through_proxy: RedisWindows, proxy: Proxy, tenant: str, before: str
) -> None:
    if before == "connected":
        await through_proxy.reserve([check(tenant)])
    await proxy.down()
    assert await refused(through_proxy, check(tenant)) < 0.5
    await paused(through_proxy, proxy)


async def test_redis_that_hangs_is_noticed_quickly_and_then_left_alone(
    through_proxy: RedisWindows, proxy: Proxy, tenant: str
) -> None:
    await through_proxy.reserve([check(tenant)])
    proxy.hang()
    assert await refused(through_proxy, check(tenant)) < 0.5
    await paused(through_proxy, proxy)


async def test_server_that_was_stopped_is_noticed_quickly(run_folder: Path, tenant: str) -> None:
    with valkey_server(State.open(run_folder / "stopped")) as url:
        client = open_redis(url)
        await make_ready(client)
        windows = RedisWindows(client, on_cold=lambda: None)
        await windows.reserve([check(tenant)])
    assert await refused(windows, check(tenant)) < 0.5
    assert await refused(windows, check(tenant)) < 0.05
    await client.aclose()


@pytest.mark.parametrize("marker", ["", "another run of the server"])
async def test_windows_that_are_not_complete_are_not_read(redis: Redis, tenant: str, marker: str) -> None:
    cold = Cold()
    windows = RedisWindows(redis, on_cold=cold)
    if marker:
        await redis.set(READY, marker)
    else:
        await redis.delete(READY)
    await refused(windows, check(tenant, "t-1"))
    assert cold.times == 1
    await make_ready(redis)
    (found,) = await windows.reserve([check(tenant, "t-1")])
    assert found.reserved, "a cold window counts nothing"
    assert by_name(found.values)["user_count_1h"] == 0
    assert cold.times == 1


async def test_withdrawals_while_redis_is_away_are_left_to_the_sweep(
    through_proxy: RedisWindows, redis: Redis, proxy: Proxy, tenant: str
) -> None:
    asked = check(tenant, "t-1")
    await through_proxy.reserve([asked])
    await proxy.down()
    through_proxy.settle([], [asked.key])
    await asyncio.sleep(0.1)
    assert await redis.exists(reservation_key(*asked.key))
    await proxy.up()


async def _fill(redis: Redis, tenant: str, count: int) -> datetime:
    """Puts payments at one merchant within a day into the windows, and returns the time after them.

    Written as the script keeps them, which takes a twentieth of the time of reserving each.
    """
    merchant, start = subject(tenant, "m", "m1"), milliseconds(datetime.now(UTC)) - timedelta(hours=23)
    step, first = 22 * 3_600_000 / count, start.timestamp() * 1000
    for low in range(0, count, 10_000):
        members: dict[str, float] = {
            f"{number + 1:012d}{number:024d}USD={(number + 1) * 1250}": int(first + number * step)
            for number in range(low, min(low + 10_000, count))
        }
        await redis.zadd(f"{merchant}:e", members)
    return start + timedelta(hours=22, seconds=1)


async def test_subject_with_many_transactions_does_not_slow_the_decision(redis: Redis) -> None:
    busy, quiet = new_tenant(), new_tenant()
    after = {busy: await _fill(redis, busy, HOT), quiet: await _fill(redis, quiet, 20)}
    windows = RedisWindows(redis, on_cold=lambda: None)
    times: dict[str, list[float]] = {busy: [], quiet: []}
    for number in range(200):
        for tenant, taken in times.items():
            asked = check(tenant, device="", ip="", event_time=after[tenant] + timedelta(seconds=number))
            start = time.perf_counter()
            (found,) = await windows.reserve([asked])
            taken.append(time.perf_counter() - start)
            if tenant == busy and number == 0:
                assert by_name(found.values)["merchant_count_24h"] == HOT
                assert by_name(found.values)["merchant_sum_24h"] == HOT * 1250
    assert median(times[busy]) < 3 * median(times[quiet])
