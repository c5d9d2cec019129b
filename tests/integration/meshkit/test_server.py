"""What a server of the mesh does around every call, over real mTLS."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import grpc
import httpx
import pytest
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from rampart.fraud.v1 import fraud_service_pb2 as pb
from rampart.user.v1 import user_service_pb2

from console.up.certificates import Authority
from meshkit.context import current
from meshkit.errors import Kind, MeshError
from meshkit.rpc import server as server_module
from meshkit.rpc.channel import open_channel
from meshkit.settings import TlsFiles
from tests.support.calls import Caller, calling, failure, speaks, unary
from tests.support.certificates import Certificates
from tests.support.fraud import request
from tests.support.mesh import CHECK_METHOD, FRAUD, USER, MeshNode, serving
from tests.support.tokens import Issuer

HEALTH = "/grpc.health.v1.Health/Check"


async def checking(caller: Caller, token: str, timeout: float = 5, **fields: Any) -> pb.CheckFraudResponse:
    return await caller(request(**fields), pb.CheckFraudResponse, token=token, timeout=timeout)


def raising(error: BaseException) -> Callable[[Message], Awaitable[Message]]:
    async def handle(_: Message) -> Message:
        raise error

    return handle


class Gate:
    """A handler that waits until it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.inside = 0

    async def __call__(self, asked: Message) -> Message:
        self.inside += 1
        try:
            await self.open.wait()
        finally:
            self.inside -= 1
        return pb.CheckFraudResponse()

    async def entered(self, count: int) -> None:
        async with asyncio.timeout(5):
            while self.inside < count:
                await asyncio.sleep(0.005)


async def test_good_call_is_answered(node: MeshNode, gateway: Caller, token: str) -> None:
    answer = await checking(gateway, token, transaction_id="t-1")
    assert answer.decision.transaction_id == "t-1"


async def test_calls_deadline_is_the_callers_less_a_margin(node: MeshNode, gateway: Caller, token: str) -> None:
    left: list[float] = []

    async def handle(_: Message) -> Message:
        deadline = current().deadline
        assert deadline is not None
        left.append(deadline - asyncio.get_running_loop().time())
        return pb.CheckFraudResponse()

    node.behaviour.handle = handle
    await checking(gateway, token, timeout=0.5)
    await checking(gateway, token, timeout=60)
    assert left[0] <= 0.49
    assert 1.5 < left[1] <= 2.0, "the policy's deadline, however long the caller would wait"


async def test_slow_call_is_ended_by_the_server_before_its_caller_gives_up(
    node: MeshNode, gateway: Caller, token: str
) -> None:
    gate = Gate()
    node.behaviour.handle = gate
    error = await failure(checking(gateway, token, timeout=0.3))
    assert error.kind is Kind.DEADLINE_EXCEEDED
    async with asyncio.timeout(2):
        while gate.inside:
            await asyncio.sleep(0.01)


async def test_call_with_too_little_time_left_is_refused_before_its_handler(
    node: MeshNode, gateway: Caller, token: str
) -> None:
    await checking(gateway, token)
    node.behaviour.requests.clear()
    error = await failure(checking(gateway, token, timeout=0.012))
    assert error.kind is Kind.DEADLINE_EXCEEDED
    await asyncio.sleep(0.05)
    assert node.behaviour.requests == []


@pytest.mark.parametrize("raised", [RuntimeError("secret"), KeyError("secret"), AssertionError("secret")], ids=repr)
async def test_text_of_an_unexpected_exception_never_leaves(
    node: MeshNode, gateway: Caller, token: str, raised: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    node.behaviour.handle = raising(raised)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await checking(gateway, token)
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in repr((caught.value, caught.value.details(), caught.value.trailing_metadata()))
    assert "secret" in caplog.text


async def test_expected_error_reaches_the_caller_whole(node: MeshNode, gateway: Caller, token: str) -> None:
    node.behaviour.handle = raising(
        MeshError(Kind.ALREADY_EXISTS, "IDEMPOTENCY_CONFLICT", "taken", metadata={"transaction_id": "ü"}, retry_after=2)
    )
    error = await failure(checking(gateway, token))
    assert (error.kind, error.reason, error.message) == (Kind.ALREADY_EXISTS, "IDEMPOTENCY_CONFLICT", "taken")
    assert (error.metadata, error.retry_after) == ({"transaction_id": "ü"}, 2.0)


async def test_cancellation_from_inside_is_answered(node: MeshNode, gateway: Caller, token: str) -> None:
    node.behaviour.handle = raising(asyncio.CancelledError())
    assert (await failure(checking(gateway, token))).kind is Kind.ABORTED
    node.behaviour.handle = raising(TimeoutError())
    assert (await failure(checking(gateway, token))).kind is Kind.DEADLINE_EXCEEDED


async def test_cancelled_call_ends_its_handler_and_the_server_goes_on(
    node: MeshNode, gateway: Caller, token: str
) -> None:
    gate = Gate()
    before, node.behaviour.handle = node.behaviour.handle, gate
    calls = [asyncio.create_task(checking(gateway, token)) for _ in range(10)]
    await gate.entered(10)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    async with asyncio.timeout(2):
        while gate.inside:
            await asyncio.sleep(0.01)
    node.behaviour.handle = before
    await checking(gateway, token)


async def test_calls_above_the_limit_are_refused_and_the_limit_frees_itself(
    certificates: Certificates, issuer: Issuer, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "MAX_CALLS", 3)
    async with serving(certificates, issuer) as node:
        gate = Gate()
        node.behaviour.handle = gate
        async with calling(node.address, FRAUD.full_name, certificates.identity("service/gateway")) as gateway:
            for _ in range(3):
                gate.open.clear()
                calls = [asyncio.create_task(checking(gateway, token)) for _ in range(3)]
                await gate.entered(3)
                for _ in range(5):
                    error = await failure(checking(gateway, token))
                    assert (error.kind, error.reason) == (Kind.RESOURCE_EXHAUSTED, "OVERLOADED")
                    assert error.retry_after
                gate.open.set()
                await asyncio.gather(*calls)


async def test_stop_answers_the_calls_under_way_and_is_seen_by_probes(
    node: MeshNode, gateway: Caller, token: str
) -> None:
    gate = Gate()
    node.behaviour.handle = gate
    calls = [asyncio.create_task(checking(gateway, token)) for _ in range(5)]
    await gate.entered(5)
    async with httpx.AsyncClient() as probe:
        assert (await probe.get(f"http://{node.admin}/ready")).status_code == 200
        node.ask_to_stop()
        await asyncio.sleep(0.1)
        ready = await probe.get(f"http://{node.admin}/ready")
        assert (ready.status_code, ready.json()["missing"]) == (503, {"process": "is shutting down"})
        assert (await probe.get(f"http://{node.admin}/health")).status_code == 200
    gate.open.set()
    assert len(await asyncio.gather(*calls)) == 5
    await node.stopped()


async def test_drain_does_not_wait_for_ever(
    certificates: Certificates, issuer: Issuer, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(certificates, issuer, drain_seconds=0) as node:
        gate = Gate()
        node.behaviour.handle = gate
        async with calling(node.address, FRAUD.full_name, certificates.identity("service/gateway")) as gateway:
            call = asyncio.create_task(checking(gateway, token))
            await gate.entered(1)
            node.ask_to_stop()
            await node.stopped()
            assert (await asyncio.gather(call, return_exceptions=True))[0] is not None
    assert "1 calls were cut" in caplog.text


IDENTITIES = ["service/gateway", "service/data", "service/user", "service/fraud", "client/orders", "operator"]
ALLOWED = {
    "CheckFraud": {"service/gateway", "client/orders"},
    "GetDecision": {"service/gateway", "client/orders"},
    "CoalesceCheckFraud": {"service/gateway"},
    "ReadEvents": {"service/data"},
}
REQUESTS: dict[str, tuple[Message, type[Message]]] = {
    "CheckFraud": (request(), pb.CheckFraudResponse),
    "GetDecision": (pb.GetDecisionRequest(decision_id=str(uuid.uuid4())), pb.GetDecisionResponse),
    "CoalesceCheckFraud": (pb.CoalesceCheckFraudRequest(), pb.CoalesceCheckFraudResponse),
    "ReadEvents": (pb.ReadEventsRequest(consumer="data"), pb.ReadEventsResponse),
}


@pytest.mark.parametrize("identity", IDENTITIES)
async def test_only_the_listed_callers_may_call_each_method(
    node: MeshNode, certificates: Certificates, token: str, identity: str
) -> None:
    async with calling(node.address, FRAUD.full_name, certificates.identity(identity)) as caller:
        for method, (asked, answer) in REQUESTS.items():
            if identity in ALLOWED[method]:
                await caller(asked, answer, token=token)
            else:
                error = await failure(caller(asked, answer, token=token))
                assert (error.kind, error.reason) == (Kind.PERMISSION_DENIED, "CALLER_NOT_ALLOWED"), method


async def test_good_certificate_replaces_no_token_and_scopes_are_checked(
    node: MeshNode, gateway: Caller, issuer: Issuer
) -> None:
    assert (await failure(checking(gateway, ""))).reason == "TOKEN_MISSING"
    assert (await failure(checking(gateway, "x.y.z"))).reason == "TOKEN_INVALID"
    assert (await failure(checking(gateway, Issuer().token(time.time())))).reason == "TOKEN_INVALID"
    error = await failure(checking(gateway, issuer.token(time.time(), scope="user:read")))
    assert (error.reason, error.metadata) == ("SCOPE_MISSING", {"scope": "decision:create"})
    assert node.behaviour.requests == []


async def test_caller_is_checked_before_its_request(node: MeshNode, gateway: Caller, token: str) -> None:
    assert (await failure(checking(gateway, "", user_id=""))).reason == "TOKEN_MISSING"
    error = await failure(checking(gateway, token, user_id="", ip_address="nowhere"))
    assert error.reason == "VALIDATION_FAILED"
    assert {violation.field for violation in error.violations} == {"user_id", "ip_address"}
    assert node.behaviour.requests == []


async def test_method_without_a_policy_is_refused(node: MeshNode, certificates: Certificates, token: str) -> None:
    channel = open_channel(node.address, certificates.identity("service/gateway"), {})
    for path in (
        "/rampart.user.v1.UserService/GetUser",
        "/rampart.fraud.v1.FraudService/Unheard",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            call = unary(channel, path, user_service_pb2.GetUserResponse)
            await call(user_service_pb2.GetUserRequest(user_id="u1"), timeout=5)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED, path
    await channel.close()


async def test_every_service_of_a_process_has_its_policies_its_validation_and_its_health(
    certificates: Certificates, issuer: Issuer
) -> None:
    token = issuer.token(time.time(), scope="decision:create user:read")
    peer = certificates.identity("service/gateway")
    async with serving(certificates, issuer, services=(FRAUD, USER), reflection=True) as node:
        async with calling(node.address, FRAUD.full_name, peer) as fraud:
            await checking(fraud, token)
        async with calling(node.address, USER.full_name, peer) as user:
            asked = user_service_pb2.GetUserRequest(user_id="u1")
            await user(asked, user_service_pb2.GetUserResponse, token=token)
            refused = await failure(user(asked, user_service_pb2.GetUserResponse))
            assert refused.kind is Kind.UNAUTHENTICATED
            nothing = user_service_pb2.GetUserRequest()
            refused = await failure(user(nothing, user_service_pb2.GetUserResponse, token=token))
            assert [violation.field for violation in refused.violations] == ["user_id"]
        for service in (FRAUD, USER):
            assert await health(node.address, peer, service.full_name) == health_pb2.HealthCheckResponse.SERVING
        assert {FRAUD.full_name, USER.full_name} < await reflected(node.address, peer)


async def reflected(address: str, files: TlsFiles) -> set[str]:
    """Returns the services that reflection lists."""
    channel = open_channel(address, files, {})
    try:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(cast(Any, channel))
        asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        answers = [answer async for answer in stub.ServerReflectionInfo(asked, timeout=5)]
        return {each.name for each in answers[0].list_services_response.service}
    finally:
        await channel.close()


async def health(address: str, files: TlsFiles, service: str = FRAUD.full_name) -> int:
    channel = open_channel(address, files, {})
    try:
        call = unary(channel, HEALTH, health_pb2.HealthCheckResponse)
        status: int = (await call(health_pb2.HealthCheckRequest(service=service), timeout=2)).status
        return status
    finally:
        await channel.close()


async def test_health_is_told_to_every_certificate_of_the_mesh_and_to_nobody_else(
    node: MeshNode, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for identity in ("operator", "client/orders"):
        assert await health(node.address, certificates.identity(identity)) == health_pb2.HealthCheckResponse.SERVING
    stranger = Certificates(tmp_path_factory.mktemp("other") / "tls").identity("service/gateway")
    ours = certificates.identity("operator")
    forged = TlsFiles(ours.ca, stranger.certificate, stranger.key)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health(node.address, forged)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    bare = grpc.aio.secure_channel(node.address, grpc.ssl_channel_credentials(ours.ca.read_bytes()))
    for channel in (bare, grpc.aio.insecure_channel(node.address)):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            call = unary(channel, HEALTH, health_pb2.HealthCheckResponse)
            await call(health_pb2.HealthCheckRequest(), timeout=2)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        await channel.close()


async def test_client_refuses_a_server_of_another_authority(
    node: MeshNode, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Certificates(tmp_path_factory.mktemp("other") / "tls").identity("operator")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health(node.address, other)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_certificate_of_another_trust_domain_calls_as_nobody(
    node: MeshNode, certificates: Certificates, token: str, run_folder: Path
) -> None:
    # The same authority, so that only the name differs.
    authority = Authority(run_folder / "tls", "elsewhere.example")
    authority.ensure({"elsewhere": "service/gateway"})
    files = TlsFiles(authority.ca_file, authority.certificate("elsewhere"), authority.key("elsewhere"))
    async with calling(node.address, FRAUD.full_name, files) as caller:
        assert (await failure(checking(caller, token))).reason == "CALLER_NOT_ALLOWED"


async def test_only_tls_1_3_is_spoken(node: MeshNode, certificates: Certificates) -> None:
    files = certificates.identity("operator")
    assert await speaks(node.address, files, ssl.TLSVersion.TLSv1_3)
    assert not await speaks(node.address, files, ssl.TLSVersion.TLSv1_2)


@pytest.mark.parametrize(
    ("sent", "kept"), [("req-1.a_B", True), ("x" * 128, True), ("x" * 129, False), ("a b", False), ('"', False)]
)
async def test_request_id_of_the_caller_is_kept_if_it_is_harmless(
    node: MeshNode, certificates: Certificates, token: str, sent: str, kept: bool
) -> None:
    seen: list[tuple[str, str]] = []

    async def handle(_: Message) -> Message:
        seen.append((current().request_id, current().trace_id))
        return pb.CheckFraudResponse()

    node.behaviour.handle = handle
    channel = open_channel(node.address, certificates.identity("service/gateway"), {})
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    metadata = (
        ("authorization", f"Bearer {token}"), ("x-request-id", sent), ("traceparent", f"00-{trace}-{'0' * 15}1-01")
    )  # fmt: skip
    await unary(channel, CHECK_METHOD, pb.CheckFraudResponse)(request(), timeout=5, metadata=metadata)
    await channel.close()
    ((request_id, trace_id),) = seen
    assert (request_id == sent) is kept
    assert request_id and trace_id == trace


async def test_calls_are_counted_by_method_and_code(
    node: MeshNode, gateway: Caller, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    await checking(gateway, token)
    await failure(checking(gateway, token, user_id=""))
    node.behaviour.handle = raising(RuntimeError())
    await failure(checking(gateway, token))
    async with httpx.AsyncClient() as scrape:
        text = (await scrape.get(f"http://{node.admin}/metrics")).text
    for code in ("OK", "INVALID_ARGUMENT", "INTERNAL"):
        assert f'grpc_server_handled_total{{code="{code}",method="{CHECK_METHOD}"}}' in text


async def test_address_that_is_taken_stops_the_start_with_a_sentence(
    node: MeshNode, certificates: Certificates, issuer: Issuer
) -> None:
    with pytest.raises((OSError, AssertionError), match="cannot listen"):
        async with serving(certificates, issuer, address=node.address):
            pass
