"""What a server of the mesh does around every stream of answers, over real mTLS."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.message import Message
from rampart.fraud.v1 import fraud_service_pb2 as pb

from meshkit.context import current, principal
from meshkit.errors import Kind, MeshError
from meshkit.identity.revocations import RevokedBy, RevokedTokens
from meshkit.rpc import server as server_module
from tests.support.calls import Caller, calling, failure
from tests.support.certificates import Certificates
from tests.support.mesh import FRAUD, MeshNode, serving
from tests.support.tokens import TENANT, Issuer

METHOD = "/rampart.fraud.v1.FraudService/WatchDecisions"


def watching(caller: Caller, token: str, timeout: float = 60, **fields: Any) -> Any:
    return caller.stream(pb.WatchDecisionsRequest(**fields), pb.WatchDecisionsResponse, token=token, timeout=timeout)


async def read(call: Any) -> pb.WatchDecisionsResponse:
    """Returns the next answer of a call."""
    async with asyncio.timeout(5):
        answer = await call.read()
    assert isinstance(answer, pb.WatchDecisionsResponse), "the stream has ended"
    return answer


class Ticker:
    """A handler that answers whenever it is told to, and counts who is inside."""

    def __init__(self) -> None:
        self.inside = 0
        self.sent = 0
        self.tick = asyncio.Semaphore(0)

    async def __call__(self, _: Message) -> AsyncGenerator[Message, None]:
        self.inside += 1
        try:
            yield pb.WatchDecisionsResponse(position="first")
            while True:
                await self.tick.acquire()
                self.sent += 1
                yield pb.WatchDecisionsResponse(position=str(self.sent))
        finally:
            self.inside -= 1

    async def empty(self) -> None:
        async with asyncio.timeout(5):
            while self.inside:
                await asyncio.sleep(0.01)


@pytest.fixture
def ticker(node: MeshNode) -> Ticker:
    ticker = Ticker()
    node.behaviour.handle_stream = ticker
    return ticker


async def test_answers_arrive_one_by_one_and_a_stream_can_end(node: MeshNode, gateway: Caller, token: str) -> None:
    async def handle(request: pb.WatchDecisionsRequest) -> AsyncGenerator[Message, None]:
        for number in range(3):
            yield pb.WatchDecisionsResponse(position=f"{request.user_id}-{number}")

    node.behaviour.handle_stream = handle
    assert [answer.position async for answer in watching(gateway, token, user_id="u")] == ["u-0", "u-1", "u-2"]


async def test_handler_knows_its_caller_and_its_deadline(node: MeshNode, gateway: Caller, token: str) -> None:
    seen: list[Any] = []

    async def handle(_: Message) -> AsyncGenerator[Message, None]:
        yield pb.WatchDecisionsResponse()
        deadline = current().deadline
        assert deadline is not None
        seen.extend((principal().client_id, deadline - asyncio.get_running_loop().time()))

    node.behaviour.handle_stream = handle
    assert len([answer async for answer in watching(gateway, token, timeout=20)]) == 1
    assert seen[0] == "acme-1"
    assert 5 < seen[1] < 20


@pytest.mark.parametrize("answers", [0, 2])
async def test_text_of_an_unexpected_exception_never_leaves(
    node: MeshNode, gateway: Caller, token: str, caplog: pytest.LogCaptureFixture, answers: int
) -> None:
    async def handle(_: Message) -> AsyncGenerator[Message, None]:
        for _number in range(answers):
            yield pb.WatchDecisionsResponse()
        raise RuntimeError("secret")

    node.behaviour.handle_stream = handle
    call = watching(gateway, token)
    for _ in range(answers):
        await read(call)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in repr((caught.value, caught.value.details(), caught.value.trailing_metadata()))
    assert "secret" in caplog.text


async def test_expected_error_after_answers_reaches_the_caller_whole(
    node: MeshNode, gateway: Caller, token: str
) -> None:
    async def handle(_: Message) -> AsyncGenerator[Message, None]:
        yield pb.WatchDecisionsResponse()
        raise MeshError(Kind.OUT_OF_RANGE, "STREAM_POSITION_LOST", "gone", metadata={"a": "b"})

    node.behaviour.handle_stream = handle
    call = watching(gateway, token)
    await read(call)
    error = await failure(call.read())
    assert (error.kind, error.reason, error.metadata) == (Kind.OUT_OF_RANGE, "STREAM_POSITION_LOST", {"a": "b"})


@pytest.mark.parametrize(
    ("claims", "fields", "reason"),
    [
        pytest.param({"scope": "user:read"}, {}, "SCOPE_MISSING", id="scope"),
        pytest.param({}, {"outcomes": ["maybe"]}, "VALIDATION_FAILED", id="validation"),
        pytest.param({"exp": 1_000_000_000}, {}, "TOKEN_INVALID", id="expired"),
    ],
)
async def test_stream_is_refused_before_its_handler(
    node: MeshNode, gateway: Caller, issuer: Issuer, claims: dict[str, Any], fields: dict[str, Any], reason: str
) -> None:
    token = issuer.token(time.time(), **{"scope": "decision:read"} | claims)
    assert (await failure(watching(gateway, token, **fields).read())).reason == reason
    assert node.behaviour.requests == []


async def test_peer_that_is_not_listed_is_refused(node: MeshNode, certificates: Certificates, token: str) -> None:
    async with calling(node.address, FRAUD.full_name, certificates.identity("service/data")) as stranger:
        assert (await failure(watching(stranger, token).read())).reason == "CALLER_NOT_ALLOWED"


async def test_stream_ends_when_its_token_expires(
    node: MeshNode, gateway: Caller, issuer: Issuer, ticker: Ticker
) -> None:
    now = time.time()
    token = issuer.token(now, scope="decision:read", exp=int(now) + 2)
    call = watching(gateway, token)
    await read(call)
    error = await failure(call.read())
    assert (error.kind, error.reason) == (Kind.UNAUTHENTICATED, "TOKEN_INVALID")
    assert time.time() >= int(now) + 2
    await ticker.empty()


async def test_stream_ends_when_its_token_is_revoked_and_others_go_on(
    node: MeshNode, gateway: Caller, issuer: Issuer, ticker: Ticker
) -> None:
    now = time.time()
    revoked, other = [
        watching(gateway, issuer.token(now, scope="decision:read", jti=name)) for name in ("revoked", "other")
    ]
    await read(revoked)
    await read(other)
    node.revocations.add([RevokedTokens(TENANT, RevokedBy.TOKEN, "revoked", issued_before=now)])
    error = await failure(revoked.read())
    assert (error.kind, error.reason) == (Kind.UNAUTHENTICATED, "TOKEN_REVOKED")
    node.revocations.add([RevokedTokens(TENANT, RevokedBy.TOKEN, "another", issued_before=now)])
    assert not other.done()
    other.cancel()
    await ticker.empty()


async def test_stream_ends_at_its_deadline(node: MeshNode, gateway: Caller, token: str, ticker: Ticker) -> None:
    call = watching(gateway, token, timeout=0.5)
    await read(call)
    assert (await failure(call.read())).kind is Kind.DEADLINE_EXCEEDED
    await ticker.empty()


@pytest.mark.parametrize("reading", [True, False], ids=["while it waits", "while nobody reads"])
async def test_cancelled_stream_frees_everything(
    node: MeshNode, gateway: Caller, token: str, ticker: Ticker, reading: bool
) -> None:
    await read(watching(gateway, token))
    before = len(asyncio.all_tasks())
    calls = [watching(gateway, token) for _ in range(20)]
    for call in calls:
        await read(call)
    if not reading:
        for _ in range(100_000):
            ticker.tick.release()
        await asyncio.sleep(0.3)
    assert ticker.inside == 21
    for call in calls:
        call.cancel()
    async with asyncio.timeout(5):
        while ticker.inside > 1 or len(asyncio.all_tasks()) > before:
            await asyncio.sleep(0.01)


async def test_caller_that_does_not_read_holds_its_handler_back(node: MeshNode, gateway: Caller, token: str) -> None:
    sent = 0

    async def handle(_: Message) -> AsyncGenerator[Message, None]:
        nonlocal sent
        while True:
            yield pb.WatchDecisionsResponse(position="x" * 10_000)
            sent += 1

    node.behaviour.handle_stream = handle
    call = watching(gateway, token)
    await read(call)
    seen = -1
    async with asyncio.timeout(20):
        while seen != sent:
            seen = sent
            await asyncio.sleep(0.5)
    assert sent < 2_000
    for _ in range(sent):
        await read(call)
    assert sent > seen
    call.cancel()


async def test_open_streams_take_no_place_of_calls_and_have_a_limit_of_their_own(
    certificates: Certificates, issuer: Issuer, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "MAX_CALLS", 1)
    monkeypatch.setattr(server_module, "MAX_STREAMS", 3)
    async with serving(certificates, issuer) as node:
        node.behaviour.handle_stream = ticker = Ticker()
        async with calling(node.address, FRAUD.full_name, certificates.identity("service/gateway")) as gateway:
            for _ in range(2):
                calls = [watching(gateway, token) for _ in range(3)]
                for call in calls:
                    await read(call)
                error = await failure(watching(gateway, token).read())
                assert (error.kind, error.reason) == (Kind.RESOURCE_EXHAUSTED, "OVERLOADED")
                decision = "0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c57"
                await gateway(pb.GetDecisionRequest(decision_id=decision), pb.GetDecisionResponse, token=token)
                for call in calls:
                    call.cancel()
                await ticker.empty()


async def test_stop_ends_streams_at_once_with_a_hint_to_resume(
    certificates: Certificates, issuer: Issuer, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(certificates, issuer, drain_seconds=30) as node:
        node.behaviour.handle_stream = ticker = Ticker()
        async with calling(node.address, FRAUD.full_name, certificates.identity("service/gateway")) as gateway:
            calls = [watching(gateway, token) for _ in range(5)]
            for call in calls:
                await read(call)
            node.ask_to_stop()
            for call in calls:
                error = await failure(call.read())
                assert (error.kind, error.reason) == (Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
                assert "after its last place" in error.message and error.retry_after
            await ticker.empty()
            async with asyncio.timeout(10):
                await node.stopped()
    assert "cut at the end of the drain" not in caplog.text


async def test_streams_are_counted_apart_from_calls(
    node: MeshNode, gateway: Caller, token: str, ticker: Ticker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    call = watching(gateway, token)
    await read(call)

    async def metrics() -> str:
        async with httpx.AsyncClient() as scrape:
            return (await scrape.get(f"http://{node.admin}/metrics")).text

    assert f'grpc_server_streams{{method="{METHOD}"}} 1.0' in await metrics()
    call.cancel()
    await ticker.empty()
    text = await metrics()
    assert f'grpc_server_streams{{method="{METHOD}"}} 0.0' in text
    assert f'grpc_server_streams_ended_total{{code="CANCELLED",method="{METHOD}"}}' in text
    assert f'grpc_server_handling_seconds_count{{method="{METHOD}"}}' not in text
