"""Calls of the gateway into the mesh, against a real gRPC server that counts what reaches it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from rampart.fraud.v1 import fraud_service_pb2

from gateway.calls.mesh import MeshUpstream
from gateway.compile.plan import MethodPlan
from meshkit.context import CallContext, Principal
from meshkit.errors import Kind, MeshError
from meshkit.identity.policy import policies
from tests.support.gateway import plan

GET_DECISION = "/rampart.fraud.v1.FraudService/GetDecision"
CHECK = "/rampart.fraud.v1.FraudService/CheckFraud"
COALESCE = "/rampart.fraud.v1.FraudService/CoalesceCheckFraud"
POLICIES = policies([fraud_service_pb2.DESCRIPTOR.services_by_name["FraudService"]])


@dataclass
class Backend:
    """Answers every method with what `answer` holds, after `release` is set."""

    channel: grpc.aio.Channel
    answer: bytes = b""
    release: asyncio.Event = field(default_factory=asyncio.Event)
    calls: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    remaining: list[float] = field(default_factory=list)
    refuse: bool = False
    unwelcome: str = ""
    """A token that is refused."""


class _Handler(grpc.GenericRpcHandler):
    def __init__(self) -> None:
        self.backend: Backend | None = None

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        path = handler_call_details.method

        async def serve(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
            assert self.backend is not None
            token = str(dict(context.invocation_metadata() or ()).get("authorization", ""))
            self.backend.calls.append(path)
            self.backend.tokens.append(token)
            self.backend.remaining.append(context.time_remaining() or 0.0)
            await self.backend.release.wait()
            if token == f"Bearer {self.backend.unwelcome}":
                await context.abort(grpc.StatusCode.UNAUTHENTICATED, "expired")
            if self.backend.refuse:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
            return self.backend.answer

        return grpc.unary_unary_rpc_method_handler(serve)


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    handler = _Handler()
    server = grpc.aio.server(handlers=[handler])
    address = f"unix:{tmp_path}/grpc.sock"
    server.add_insecure_port(address)
    await server.start()
    async with grpc.aio.insecure_channel(address) as channel:
        handler.backend = Backend(channel)
        yield handler.backend
    await server.stop(None)


def upstream(backend: Backend, *, coalesce: bool = True) -> MeshUpstream:
    return MeshUpstream({"fraud": backend.channel}, POLICIES, coalesce=coalesce)


def method(path: str) -> MethodPlan:
    return plan().methods[path]


def call(tenant: str = "tenant-1", seconds: float = 2.0, token: str = "token") -> CallContext:
    principal = Principal(tenant, "client", frozenset(), 1, "USD")
    return CallContext(
        token=token, principal=principal, request_id="r", traceparent="", deadline=time.monotonic() + seconds
    )


async def reaching(backend: Backend, count: int) -> None:
    async with asyncio.timeout(5):
        while len(backend.calls) < count:
            await asyncio.sleep(0.01)


async def test_identical_concurrent_reads_of_a_tenant_share_one_call(backend: Backend) -> None:
    mesh, backend.answer = upstream(backend), b"answer"
    reads = [asyncio.create_task(mesh.call(method(GET_DECISION), b"x", call())) for _ in range(10)]
    await reaching(backend, 1)
    backend.release.set()
    assert await asyncio.gather(*reads) == [b"answer"] * 10
    assert backend.calls == [GET_DECISION]


async def test_reads_of_two_tenants_are_two_calls(backend: Backend) -> None:
    mesh = upstream(backend)
    backend.release.set()
    await asyncio.gather(*(mesh.call(method(GET_DECISION), b"x", call(tenant)) for tenant in ("one", "other")))
    assert len(backend.calls) == 2


async def test_a_read_after_the_answer_is_a_call_of_its_own(backend: Backend) -> None:
    mesh = upstream(backend)
    backend.release.set()
    await mesh.call(method(GET_DECISION), b"x", call())
    await mesh.call(method(GET_DECISION), b"x", call())
    assert len(backend.calls) == 2


async def test_a_caller_that_leaves_does_not_end_the_read_of_the_others(backend: Backend) -> None:
    mesh, backend.answer = upstream(backend), b"answer"
    first = asyncio.create_task(mesh.call(method(GET_DECISION), b"x", call()))
    second = asyncio.create_task(mesh.call(method(GET_DECISION), b"x", call()))
    await reaching(backend, 1)
    first.cancel()
    backend.release.set()
    assert await second == b"answer"
    assert first.cancelled()


async def test_each_caller_of_a_shared_read_has_its_own_deadline(backend: Backend) -> None:
    mesh, backend.answer = upstream(backend), b"answer"
    patient = asyncio.create_task(mesh.call(method(GET_DECISION), b"x", call(seconds=5)))
    await reaching(backend, 1)
    with pytest.raises(MeshError) as caught:
        await mesh.call(method(GET_DECISION), b"x", call(seconds=0.05))
    assert caught.value.kind is Kind.DEADLINE_EXCEEDED
    backend.release.set()
    assert await patient == b"answer"


async def test_the_deadline_of_who_began_a_shared_read_ends_nobody_elses(backend: Backend) -> None:
    mesh, backend.answer = upstream(backend), b"answer"
    hurried = asyncio.create_task(mesh.call(method(GET_DECISION), b"x", call(seconds=0.2)))
    await reaching(backend, 1)
    patient = asyncio.create_task(mesh.call(method(GET_DECISION), b"x", call(seconds=5)))
    with pytest.raises(MeshError) as caught:
        await hurried
    assert caught.value.kind is Kind.DEADLINE_EXCEEDED
    backend.release.set()
    assert await patient == b"answer"
    assert len(backend.calls) == 1, "the read has the time of its method, whoever begins it"
    assert backend.remaining[0] > 0.5


async def test_a_shared_read_that_runs_out_of_time_is_read_again_for_who_has_some_left(backend: Backend) -> None:
    mesh, backend.answer = upstream(backend), b"answer"
    limit = method(GET_DECISION).policy.deadline
    first = asyncio.create_task(mesh.call(method(GET_DECISION), b"x", call(seconds=limit)))
    await reaching(backend, 1)
    second, third = (
        asyncio.create_task(mesh.call(method(GET_DECISION), b"x", call(seconds=limit + 10))) for _ in range(2)
    )
    with pytest.raises(MeshError):
        await first
    await reaching(backend, 2)
    backend.release.set()
    assert [await second, await third] == [b"answer", b"answer"]
    assert len(backend.calls) == 2


async def test_what_a_service_makes_of_a_token_is_for_its_holders_alone(backend: Backend) -> None:
    mesh, backend.answer, backend.unwelcome = upstream(backend), b"answer", "expired"
    tokens = ["expired", "good", "expired", "good"]
    reads = [asyncio.create_task(mesh.call(method(GET_DECISION), b"x", call(token=token))) for token in tokens]
    await reaching(backend, 2)
    backend.release.set()
    outcomes = await asyncio.gather(*reads, return_exceptions=True)
    kinds = [outcome.kind if isinstance(outcome, MeshError) else outcome for outcome in outcomes]
    assert kinds == [Kind.UNAUTHENTICATED, b"answer"] * 2
    assert sorted(backend.tokens) == ["Bearer expired", "Bearer good"]


async def test_the_error_of_a_shared_read_reaches_every_caller(backend: Backend) -> None:
    mesh, backend.refuse = upstream(backend), True
    backend.release.set()
    outcomes = await asyncio.gather(
        *(mesh.call(method(GET_DECISION), b"x", call()) for _ in range(3)), return_exceptions=True
    )
    assert [outcome.kind for outcome in outcomes if isinstance(outcome, MeshError)] == [Kind.UNAVAILABLE] * 3


async def test_checks_travel_through_their_batch_method_unless_coalescing_is_off(backend: Backend) -> None:
    backend.release.set()
    alone = upstream(backend, coalesce=False)
    await asyncio.gather(*(alone.call(method(CHECK), b"", call()) for _ in range(3)))
    assert backend.calls == [CHECK] * 3
    backend.calls.clear()
    with pytest.raises(MeshError):
        # The answer of this server is no batch reply; what counts is where the call went.
        await upstream(backend).call(method(CHECK), b"", call())
    assert backend.calls == [COALESCE]
