"""The entity logs in Redis when Redis is not well, and when a key is busy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import AsyncMock
from urllib.parse import unquote, urlsplit

import pytest
from redis.asyncio import Redis

from console.up.state import State
from meshkit.storage.redis import open_redis
from services.fraud.adapters.logs import redis_logs
from services.fraud.adapters.logs.names import LogNames
from services.fraud.adapters.logs.redis_logs import RedisLogs
from services.fraud.adapters.memory import MemoryStore
from services.fraud.ports import LogPart, LogSlice, LogState, LogsUnavailableError, Overdue
from tests.support.fraud import check, named, new_tenant, read
from tests.support.log_writes import key_of, record, record_of, records, restored, write
from tests.support.proxy import Proxy, proxied
from tests.support.readers import logs_in, patiently, reader_of, settled
from tests.support.servers import valkey_server

HOT = 100_000


@pytest.fixture
async def proxy(logs_url: str, tmp_path_factory: pytest.TempPathFactory, run_folder: Path) -> AsyncIterator[Proxy]:
    socket = run_folder / f"{tmp_path_factory.mktemp('x').name}.sock"
    async with proxied(Path(unquote(urlsplit(logs_url).path)), socket) as proxy:
        yield proxy


@pytest.fixture
async def through_proxy(redis: Redis, proxy: Proxy) -> AsyncIterator[RedisLogs]:
    """With the timeouts of production, behind a proxy."""
    client = open_redis(f"unix://{proxy.path}")
    yield logs_in(client)
    await client.aclose()


async def append(logs: RedisLogs, tenant: str) -> LogState:
    appended = await logs.append([(tenant, "t")], [write(key_of(tenant), [record("t")])])
    return appended.answers[0].state


async def refused(logs: RedisLogs, tenant: str) -> float:
    """Returns the seconds after which the logs said that they cannot be used."""
    start = time.perf_counter()
    with pytest.raises(LogsUnavailableError):
        await append(logs, tenant)
    return time.perf_counter() - start


async def paused(logs: RedisLogs, proxy: Proxy) -> None:
    """Checks that Redis is left alone after a failure, for a while, although it is back."""
    await proxy.up()
    assert await refused(logs, new_tenant()) < 0.05
    async with asyncio.timeout(5):
        while True:
            try:
                await append(logs, new_tenant())
            except LogsUnavailableError:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.mark.parametrize("before", ["idle", "connected"])
async def test_redis_that_is_gone_is_noticed_quickly_and_then_left_alone(
    through_proxy: RedisLogs, proxy: Proxy, tenant: str, before: str
) -> None:
    if before == "connected":
        await append(through_proxy, tenant)
    await proxy.down()
    assert await refused(through_proxy, tenant) < 0.5
    await paused(through_proxy, proxy)


async def test_redis_that_hangs_is_noticed_quickly_and_then_left_alone(
    through_proxy: RedisLogs, proxy: Proxy, tenant: str
) -> None:
    await append(through_proxy, tenant)
    proxy.hang()
    assert await refused(through_proxy, tenant) < 0.5
    await paused(through_proxy, proxy)


async def test_process_that_was_busy_takes_nobody_for_gone(through_proxy: RedisLogs, proxy: Proxy, tenant: str) -> None:
    await append(through_proxy, tenant)
    appending = asyncio.create_task(append(through_proxy, tenant))
    # Longer than an answer is waited for.
    asyncio.get_running_loop().call_soon(time.sleep, 0.4)
    assert await appending in (LogState.WHOLE, LogState.PARTIAL)


async def test_server_that_was_stopped_is_noticed_quickly(run_folder: Path, tenant: str) -> None:
    with valkey_server(State.open(run_folder / "stopped")) as url:
        client = open_redis(url)
        logs = logs_in(client)
        await append(logs, tenant)
    assert await refused(logs, tenant) < 0.5
    assert await refused(logs, tenant) < 0.05
    await client.aclose()


async def test_withdrawal_that_was_cut_short_hides_no_reservation_and_is_done_again(
    redis: Redis, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs, lost = logs_in(redis), (tenant, "lost")
    appended = await logs.append([lost], [write(key_of(tenant), [record_of(*lost)])])
    with monkeypatch.context() as patch:
        patch.setattr(redis, "hdel", AsyncMock(side_effect=ConnectionError))
        with pytest.raises(LogsUnavailableError):
            await logs.withdraw(await _overdue(logs, lost), {lost})
    assert await logs.arrivals({lost: 7}) == {lost: appended.order}
    await logs.withdraw(await _overdue(logs, lost), {lost})
    assert await logs.arrivals({lost: 7}) == {}


async def _overdue(logs: RedisLogs, transaction: tuple[str, str]) -> Overdue:
    (batch,) = [each for each in await logs.overdue(-1) if transaction in each.transactions]
    return batch


async def test_withdrawals_while_redis_is_away_are_left_to_the_keeper(
    through_proxy: RedisLogs, redis: Redis, proxy: Proxy, tenant: str
) -> None:
    lost = record("lost")
    appended = await through_proxy.append([(tenant, "lost")], [write(key_of(tenant), [lost])])
    await proxy.down()
    through_proxy.settle(appended.ticket, [write(key_of(tenant), [lost])])
    await settled(through_proxy)
    batch = await _overdue(logs_in(redis), (tenant, "lost"))
    assert [head for _, _, head in batch.records] == [lost[:24]]
    await proxy.up()


async def test_batches_are_answered_in_the_order_in_which_they_are_in_the_logs(
    redis: Redis, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read in another one, the first would be read as of before what was added since."""
    logs, run, delays, orders = logs_in(redis), redis.evalsha, iter((0.1, 0.05, 0.0)), list[int]()
    await append(logs, tenant)

    async def answered_late(*call: Any) -> Any:
        answer = await run(*call)
        await asyncio.sleep(next(delays))
        return answer

    async def one(name: str) -> None:
        appended = await logs.append([(tenant, name)], [write(key_of(tenant), [record(name)])])
        orders.append(appended.order)

    monkeypatch.setattr(redis, "evalsha", answered_late)
    await asyncio.gather(*[one(name) for name in "abc"])
    assert orders == sorted(orders)


async def test_batch_of_more_writes_than_one_call_takes_arrives_at_one_time(
    redis: Redis, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_logs, "WRITES_AT_ONCE", 2)
    logs, keys, data = logs_in(redis), [key_of(tenant, f"u{number}") for number in range(60)], record("t", time=0)
    first = await logs.append([(tenant, "t")], [write(key, [data], untimed=True) for key in keys])
    seen = LogPart(0, 1, first.arrival_ms.to_bytes(8, "little") + data[8:], first.generation)
    second = await logs.append([], [write(key, [record("next")], seen) for key in keys])
    assert {(each.state, each.unseen) for each in second.answers} == {(LogState.WHOLE, b"")}


async def test_key_with_many_events_does_not_slow_the_decision(redis: Redis) -> None:
    busy, quiet = new_tenant(), new_tenant()
    logs = logs_in(redis)
    reader = reader_of(logs, MemoryStore())
    for tenant, count in ((busy, HOT), (quiet, 20)):
        for start in range(0, count, 1_000):
            data = records(min(1_000, count - start), start)
            now = int(time.time() * 1000)
            moved = [now.to_bytes(8, "little", signed=True) + each[8:] for each in data]
            await logs.append([], [write(key_of(tenant), moved)])
    times: dict[str, list[float]] = {busy: [], quiet: []}
    for number in range(120):
        for tenant, taken in times.items():
            asked = check(tenant, device="", ip="", merchant="", event_time=None)
            start_time = time.perf_counter()
            reading = await reader.read([asked], patiently())
            taken.append(time.perf_counter() - start_time)
            reader.settle(reading, [asked], ())
            (found,) = read(reading.features)
            if tenant == busy:
                assert named(found)["user_count_24h"] == HOT + number
    await settled(logs)
    assert median(times[busy]) < 2 * median(times[quiet])


async def test_log_that_has_begun_anew_is_not_taken_for_the_one_that_was_read_and_ended_alike(
    redis: Redis, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both got the same history, after as many records: what the first of them lacked must not be missed."""
    logs, key, now = logs_in(redis), key_of(tenant), int(time.time() * 1000)
    reader, load = reader_of(logs, MemoryStore()), logs.load
    history = [record(f"h{number}", time=now, restored=True, attempt=0) for number in range(2_000)]
    names = LogNames(b"no secret")
    await logs.shares.crowd(names.tag(tenant), 60)
    await logs.append([], [write(key, [record("long ago")])])
    await logs.restore([restored(key, history[:1_900], last=False)])

    async def after_the_rest(*asked: Any) -> AsyncIterator[LogSlice]:
        await logs.restore([restored(key, history[1_900:])])
        async for each in load(*asked):
            yield each

    async def count() -> Any:
        asked = [check(tenant, device="", ip="", merchant="", event_time=None)]
        reading = await reader.read(asked, patiently())
        reader.settle(reading, asked, ())
        return named(read(reading.features)[0])["user_count_24h"]

    with monkeypatch.context() as patch:
        patch.setattr(logs, "load", after_the_rest)
        assert await count() == 2_000
    await redis.delete(names.of(key))
    await logs.append([], [write(key, [record("b", time=now)]), write(key, [record("c", time=now)])])
    await logs.restore([restored(key, history)])
    assert await count() == 2_002
    await settled(logs)
