"""Streaming calls of the gateway into the mesh, against a real gRPC server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from gateway.calls.mesh_streams import MeshStreams
from gateway.calls.streams import Replies
from gateway.compile.plan import MethodPlan
from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError
from tests.support.streaming import Service, grpc_service, message, streaming_plan


@pytest.fixture
async def backend() -> AsyncIterator[tuple[MeshStreams, Service]]:
    service = Service()
    async with grpc_service(service) as channel:
        yield MeshStreams({"lib": channel}), service


def method(name: str) -> MethodPlan:
    return streaming_plan().methods[f"/test.lib.v1.News/{name}"]


def call(seconds: float = 30.0) -> CallContext:
    return CallContext(token="", principal=None, request_id="r", traceparent="", deadline=time.monotonic() + seconds)


def request(count: int) -> bytes:
    data: bytes = message("WatchRequest", count=count).SerializeToString()
    return data


async def received(replies: Replies, count: int) -> list[bytes | None]:
    return [await replies.receive() for _ in range(count)]


async def test_answers_come_in_order_and_then_nothing(backend: tuple[MeshStreams, Service]) -> None:
    mesh, _ = backend
    replies = mesh.stream(method("Watch"), request(2), call())
    await replies.accepted()
    first, second, end = await received(replies, 3)
    assert first and second and first != second and end is None
    replies.cancel()


async def test_a_refusal_counts_as_accepted_and_is_raised_when_answers_are_read(
    backend: tuple[MeshStreams, Service],
) -> None:
    async def refuse(_: Any, context: Any) -> AsyncIterator[Any]:
        await context.abort(grpc.StatusCode.NOT_FOUND, "no such topic")
        yield

    mesh, service = backend
    service.watch = refuse
    replies = mesh.stream(method("Watch"), request(1), call())
    await replies.accepted()
    with pytest.raises(MeshError) as caught:
        await replies.receive()
    assert caught.value.kind is Kind.NOT_FOUND


@pytest.mark.parametrize("name", ["Upload", "Chat"])
async def test_what_is_sent_after_the_end_of_a_call_is_dropped(backend: tuple[MeshStreams, Service], name: str) -> None:
    async def refuse(_: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "closed")

    async def refuse_all(_: Any, context: Any) -> AsyncIterator[Any]:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "closed")
        yield

    mesh, service = backend
    service.upload, service.chat = refuse, refuse_all
    conversation = mesh.exchange(method(name), call())
    with pytest.raises(MeshError) as caught:
        await conversation.receive()
    assert caught.value.kind is Kind.FAILED_PRECONDITION
    async with asyncio.timeout(5):
        await conversation.send(b"")
        await conversation.end()


async def test_little_of_a_stream_waits_in_the_connection(backend: tuple[MeshStreams, Service]) -> None:
    sent = 0

    async def fast(_: Any, __: Any) -> AsyncIterator[Any]:
        nonlocal sent
        for number in range(10_000):
            yield message("Item", number=number, text="x" * 50_000)
            sent = number + 1

    mesh, service = backend
    service.watch = fast
    replies = mesh.stream(method("Watch"), request(0), call())
    # A reader that was quick once must not have made the window large for good.
    await received(replies, 1_000)
    last = -1
    while last != sent:
        last = sent
        await asyncio.sleep(0.3)
    assert (sent - 1_000) * 50_000 < 2 << 20
    replies.cancel()
    await service.until(lambda service: service.running == 0)
