"""A flood of a team's own service leaves the gateway unrefused, and is charged as callers from outside are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from rampart.fraud.v1 import fraud_service_pb2 as pb

from meshkit.errors import Kind, MeshError
from meshkit.rpc import server as server_module
from meshkit.rpc.failures import from_rpc_error
from tests.support.calls import Caller, calling
from tests.support.certificates import Certificates
from tests.support.fraud import request
from tests.support.mesh import FRAUD, MeshNode, serving
from tests.support.tokens import Issuer

PLACES = 40


@pytest.fixture
async def small(certificates: Certificates, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MeshNode]:
    """A server with few places."""
    monkeypatch.setattr(server_module, "MAX_CALLS", PLACES)
    monkeypatch.setattr(server_module, "MAX_STREAMS", PLACES)
    async with serving(certificates, issuer) as node:
        yield node


async def outcome(call: Any) -> MeshError | None:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return from_rpc_error(error, "peer")
    return None


def plentiful(issuer: Issuer) -> str:
    return issuer.token(time.time(), scope="decision:create decision:read", rate_limit=1_000_000)


async def test_flood_of_a_caller_leaves_the_gateway_unrefused(
    small: MeshNode, certificates: Certificates, issuer: Issuer
) -> None:
    token, go_on = plentiful(issuer), asyncio.Event()

    async def held(asked: Any) -> Message:
        if asked.user_id == "flood":
            await go_on.wait()
        return pb.CheckFraudResponse()

    small.behaviour.handle = held
    async with AsyncExitStack() as stack:
        orders, other, gateway = [
            await stack.enter_async_context(calling(small.address, FRAUD.full_name, certificates.identity(path)))
            for path in ("client/orders", "client/other", "service/gateway")
        ]

        def flood(caller: Caller, count: int) -> list[asyncio.Task[MeshError | None]]:
            asked = request(user_id="flood")
            return [
                asyncio.create_task(outcome(caller(asked, pb.CheckFraudResponse, token=token, timeout=20)))
                for _ in range(count)
            ]

        floods = flood(orders, 200)
        async with asyncio.timeout(20):
            while sum(task.done() for task in floods) < 196:
                await asyncio.sleep(0.01)
        answers = [
            outcome(gateway(request(), pb.CheckFraudResponse, token=token, timeout=20)) for _ in range(PLACES - 10)
        ]
        assert await asyncio.gather(*answers) == [None] * (PLACES - 10)
        # Another caller has its own part still.
        second = flood(other, 4)
        assert await outcome(gateway(request(), pb.CheckFraudResponse, token=token)) is None
        go_on.set()
        results = await asyncio.gather(*floods)
        assert await asyncio.gather(*second) == [None] * 4
    refused = [error for error in results if error is not None]
    assert len(refused) == 196
    assert {(error.kind, error.reason, error.retry_after) for error in refused} == {
        (Kind.RESOURCE_EXHAUSTED, "OVERLOADED", 0.1)
    }


async def test_streams_of_a_caller_leave_places_for_others(
    small: MeshNode, certificates: Certificates, issuer: Issuer
) -> None:
    token = plentiful(issuer)

    async def silent(_: Message) -> AsyncGenerator[Message, None]:
        yield pb.WatchDecisionsResponse()
        await asyncio.Event().wait()

    small.behaviour.handle_stream = silent
    async with AsyncExitStack() as stack:
        orders, gateway = [
            await stack.enter_async_context(calling(small.address, FRAUD.full_name, certificates.identity(path)))
            for path in ("client/orders", "service/gateway")
        ]

        async def opened(caller: Caller) -> bool:
            stream = caller.stream(pb.WatchDecisionsRequest(), pb.WatchDecisionsResponse, token=token)
            stack.callback(stream.cancel)
            try:
                return bool(await stream.read())
            except grpc.aio.AioRpcError as error:
                assert from_rpc_error(error, "peer").reason == "OVERLOADED"
                return False

        assert [await opened(orders) for _ in range(6)] == [True] * 4 + [False] * 2
        assert await opened(gateway)


async def test_rate_limit_of_the_token_holds_for_a_caller_of_ones_own_and_not_twice_for_the_gateway(
    node: MeshNode, certificates: Certificates, issuer: Issuer
) -> None:
    token = issuer.token(time.time(), scope="decision:create decision:read", rate_limit=2, client_id="limited")
    results, begin = {}, time.monotonic()
    for path in ("client/orders", "service/gateway"):
        async with calling(node.address, FRAUD.full_name, certificates.identity(path)) as caller:
            calls = [outcome(caller(request(), pb.CheckFraudResponse, token=token)) for _ in range(30)]
            results[path] = [error for error in await asyncio.gather(*calls) if error is not None]
    assert results["service/gateway"] == []
    # Two at once, and what comes back while the calls run.
    answered = 30 - len(results["client/orders"])
    assert 2 <= answered <= 3 + 2 * (time.monotonic() - begin)
    error = results["client/orders"][0]
    assert (error.kind, error.reason) == (Kind.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert error.metadata["class"] == "decision"
    assert error.retry_after and 0 < error.retry_after < 20
