"""One suite for both event streams."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from meshkit.errors import Kind, MeshError
from meshkit.storage.event_stream import START, EventStream, MemoryStream, RedisStream, precedes
from meshkit.storage.redis import open_redis


@pytest.fixture(params=["memory", "redis"])
async def stream(request: pytest.FixtureRequest, valkey_url: str) -> AsyncIterator[EventStream]:
    if request.param == "memory":
        yield MemoryStream()
        return
    async with open_redis(valkey_url, timeout=3.0) as redis:
        key = f"stream:{uuid.uuid4()}"
        yield RedisStream(redis, key)
        await redis.delete(key)


async def test_entries_come_back_in_order_and_unchanged(stream: EventStream) -> None:
    sent = [bytes([number]) * number for number in range(10)]
    for data in sent:
        await stream.append(data)
    entries = await stream.read(START, limit=100, wait=1)
    assert [entry.data for entry in entries] == sent
    assert all(precedes(one.id, other.id) for one, other in itertools.pairwise(entries))


async def test_reading_goes_on_after_an_entry(stream: EventStream) -> None:
    for data in (b"a", b"b", b"c"):
        await stream.append(data)
    (first,) = await stream.read(START, limit=1, wait=1)
    assert [entry.data for entry in await stream.read(first.id, limit=10, wait=1)] == [b"b", b"c"]


async def test_the_last_entry_is_the_newest(stream: EventStream) -> None:
    assert await stream.last() is None
    await stream.append(b"a")
    await stream.append(b"b")
    last = await stream.last()
    assert last is not None and last.data == b"b"


async def test_a_read_waits_for_an_entry(stream: EventStream) -> None:
    waiting = asyncio.create_task(stream.read(START, limit=10, wait=2))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await stream.append(b"a")
    assert [entry.data for entry in await waiting] == [b"a"]


async def test_a_read_of_an_idle_stream_ends(stream: EventStream) -> None:
    start = time.perf_counter()
    assert await stream.read(START, limit=10, wait=0.2) == []
    assert 0.15 < time.perf_counter() - start < 2


async def test_a_cancelled_read_leaves_the_stream_usable(stream: EventStream) -> None:
    for _ in range(20):
        waiting = asyncio.create_task(stream.read(START, limit=10, wait=0.2))
        await asyncio.sleep(0.005)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await stream.append(b"a")
    assert [entry.data for entry in await stream.read(START, limit=10, wait=1)] == [b"a"]
    await stream.check()


async def test_a_stream_out_of_reach_is_unavailable(tmp_path: Path) -> None:
    async with open_redis(f"unix://{tmp_path}/nobody") as redis:
        stream = RedisStream(redis, "events")
        for operation in (stream.append(b""), stream.last(), stream.read(START, limit=1, wait=0.1), stream.check()):
            with pytest.raises(MeshError) as raised:
                await operation
            assert raised.value.kind is Kind.UNAVAILABLE


def test_ids_are_compared_as_numbers() -> None:
    assert precedes("9-0", "10-0") and precedes("5-9", "5-10") and not precedes("5-1", "5-1")


async def test_no_cancellation_is_lost(valkey_url: str) -> None:
    choose = random.Random(1)
    async with open_redis(valkey_url, timeout=3.0) as redis:
        stream = RedisStream(redis, f"stream:{uuid.uuid4()}")

        async def forever() -> None:
            while True:
                await stream.read(START, limit=10, wait=0.1)

        for _ in range(100):
            task = asyncio.create_task(forever())
            await asyncio.sleep(choose.random() * 0.004)
            task.cancel()
            await asyncio.wait([task], timeout=2)
            assert task.cancelled()
