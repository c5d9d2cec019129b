from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from gateway.edge.body import BodyReader
from gateway.edge.exchange import Exchange
from meshkit.errors import MeshError


def exchange(receive: Any) -> Exchange:
    async def send(_: Any) -> None:
        raise AssertionError("reading a body sends nothing")

    return Exchange({"method": "POST", "path": "/", "headers": []}, receive, send)


async def sent_after(*delays: float) -> Any:
    for index, delay in enumerate(delays):
        await asyncio.sleep(delay)
        yield {"type": "http.request", "body": b"x", "more_body": index + 1 < len(delays)}


def receiver(messages: Any) -> Any:
    return lambda: anext(messages)


@pytest.fixture
async def reader() -> Any:
    reader = BodyReader(max_bytes=100, seconds=0.05)
    sweeping = asyncio.create_task(reader.sweep())
    yield reader
    sweeping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sweeping


async def test_slow_sender_is_cut_off_however_it_drips(reader: BodyReader) -> None:
    slow = exchange(receiver(sent_after(*[0.01] * 1000)))
    with pytest.raises(MeshError) as raised:
        await reader.read(slow)
    assert raised.value.reason == "REQUEST_TIMEOUT"
    assert slow.body_unread


async def test_task_goes_on_after_a_slow_sender_was_cut_off(reader: BodyReader) -> None:
    with pytest.raises(MeshError):
        await reader.read(exchange(receiver(sent_after(5))))
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert await reader.read(exchange(receiver(sent_after(0, 0)))) == b"xx"


async def test_cancellation_from_outside_is_not_taken_for_slowness(reader: BodyReader) -> None:
    task = asyncio.create_task(reader.read(exchange(receiver(sent_after(5)))))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_caller_that_leaves_ends_the_read(reader: BodyReader) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(MeshError) as raised:
        await reader.read(exchange(receive))
    assert raised.value.reason == "CANCELLED"


async def test_endless_body_is_read_no_further_than_the_limit(reader: BodyReader) -> None:
    received = 0

    async def receive() -> dict[str, Any]:
        nonlocal received
        received += 60
        return {"type": "http.request", "body": b"x" * 60, "more_body": True}

    with pytest.raises(MeshError) as raised:
        await reader.read(exchange(receive))
    assert raised.value.reason == "BODY_TOO_LARGE"
    assert received == 120
