"""Channels find a server that comes back, and repeat only what may be repeated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from rampart.fraud.v1 import fraud_service_pb2 as pb

from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError, unavailable
from meshkit.identity.policy import Policy
from meshkit.rpc.channel import call_metadata, call_timeout, open_channel
from meshkit.tracing import w3c
from tests.support.calls import failure, unary
from tests.support.certificates import Certificates
from tests.support.fraud import request
from tests.support.mesh import CHECK_METHOD, POLICIES, MeshNode, serving
from tests.support.processes import free_port
from tests.support.tokens import Issuer

RETRYABLE = {CHECK_METHOD: POLICIES[CHECK_METHOD]}
NOT_RETRYABLE = {CHECK_METHOD: replace(POLICIES[CHECK_METHOD], retryable=False)}


async def check(channel: grpc.aio.Channel, token: str, timeout: float = 2) -> Any:
    call = unary(channel, CHECK_METHOD, pb.CheckFraudResponse)
    return await call(request(), timeout=timeout, metadata=(("authorization", f"Bearer {token}"),))


async def test_channel_is_usable_soon_after_its_server_came_back(
    certificates: Certificates, issuer: Issuer, token: str
) -> None:
    address = f"127.0.0.1:{free_port()}"
    channel = open_channel(address, certificates.identity("service/gateway"), {})
    async with serving(certificates, issuer, address=address):
        await check(channel, token)
    assert (await failure(check(channel, token))).kind is Kind.UNAVAILABLE
    # Several attempts fail meanwhile, and the pause between them grows.
    await asyncio.sleep(1.5)
    async with serving(certificates, issuer, address=address):
        start = time.perf_counter()
        while True:
            try:
                await check(channel, token)
                break
            except grpc.aio.AioRpcError as error:
                assert error.code() is grpc.StatusCode.UNAVAILABLE
                assert time.perf_counter() - start < 3
                await asyncio.sleep(0.02)
    await channel.close()


async def test_channel_to_nobody_fails_at_once_and_not_at_the_deadline(certificates: Certificates, token: str) -> None:
    address = f"127.0.0.1:{free_port()}"
    channel = open_channel(address, certificates.identity("service/gateway"), {})
    start = time.perf_counter()
    error = await failure(check(channel, token, timeout=5))
    assert error.kind is Kind.UNAVAILABLE
    assert time.perf_counter() - start < 2
    await channel.close()


class Failing:
    """Fails a number of times with an error, then answers."""

    def __init__(self, times: int, error: MeshError) -> None:
        self.calls = 0
        self._times = times
        self._error = error

    async def __call__(self, _: Message) -> Message:
        self.calls += 1
        if self.calls <= self._times:
            raise self._error
        return pb.CheckFraudResponse()


async def attempts(
    node: MeshNode, certificates: Certificates, token: str, policies: Mapping[str, Policy], failing: Failing
) -> grpc.StatusCode:
    node.behaviour.handle = failing
    channel = open_channel(node.address, certificates.identity("service/gateway"), policies)
    try:
        await check(channel, token)
    except grpc.aio.AioRpcError as error:
        return error.code()
    finally:
        await channel.close()
    return grpc.StatusCode.OK


async def test_retryable_method_is_called_again_when_it_was_unavailable(
    node: MeshNode, certificates: Certificates, token: str
) -> None:
    failing = Failing(2, unavailable("postgres"))
    assert await attempts(node, certificates, token, RETRYABLE, failing) is grpc.StatusCode.OK
    assert failing.calls == 3


async def test_attempts_are_few(node: MeshNode, certificates: Certificates, token: str) -> None:
    failing = Failing(100, unavailable("postgres"))
    assert await attempts(node, certificates, token, RETRYABLE, failing) is grpc.StatusCode.UNAVAILABLE
    assert failing.calls == 3


async def test_other_methods_are_never_called_again(node: MeshNode, certificates: Certificates, token: str) -> None:
    for policies in (NOT_RETRYABLE, {}):
        failing = Failing(1, unavailable("postgres"))
        assert await attempts(node, certificates, token, policies, failing) is grpc.StatusCode.UNAVAILABLE
        assert failing.calls == 1


@pytest.mark.parametrize("kind", [Kind.INTERNAL, Kind.RESOURCE_EXHAUSTED, Kind.ABORTED, Kind.ALREADY_EXISTS])
async def test_other_errors_are_never_tried_again(
    node: MeshNode, certificates: Certificates, token: str, kind: Kind
) -> None:
    failing = Failing(1, MeshError(kind, "CONFLICT", "no"))
    assert await attempts(node, certificates, token, RETRYABLE, failing) is kind.grpc_code
    assert failing.calls == 1


async def test_retries_stop_when_most_calls_fail(node: MeshNode, certificates: Certificates, token: str) -> None:
    failing = Failing(10_000, unavailable("postgres"))
    node.behaviour.handle = failing
    channel = open_channel(node.address, certificates.identity("service/gateway"), RETRYABLE)
    for _ in range(30):
        await failure(check(channel, token))
    await channel.close()
    assert failing.calls < 45, "an outage is not met with three times the load"


async def test_call_may_take_no_longer_than_its_caller_has_left() -> None:
    now = asyncio.get_running_loop().time()
    policy = POLICIES[CHECK_METHOD]
    assert call_timeout(policy, CallContext()) == policy.deadline
    assert call_timeout(policy, CallContext(deadline=now + 60)) == policy.deadline
    assert 0.4 < call_timeout(policy, CallContext(deadline=now + 0.5)) <= 0.5
    assert call_timeout(policy, CallContext(deadline=now - 1)) == 0


def test_next_hop_learns_the_caller_and_nothing_empty() -> None:
    assert dict(call_metadata(CallContext())).keys() == {"traceparent"}
    assert dict(call_metadata(CallContext(request_id="r", traceparent="t", token="x"))) == {
        "x-request-id": "r",
        "traceparent": "t",
        "authorization": "Bearer x",
    }


def test_a_call_for_nobody_is_in_a_trace_of_its_own_that_is_not_recorded() -> None:
    ((_, one),), ((_, other),) = call_metadata(CallContext()), call_metadata(CallContext())
    assert w3c.received(one) == one != other
    assert not w3c.is_sampled(one)


def test_the_state_of_a_trace_goes_along_with_it() -> None:
    assert dict(call_metadata(CallContext(traceparent="t", tracestate="vendor=1"))) == {
        "traceparent": "t",
        "tracestate": "vendor=1",
    }
