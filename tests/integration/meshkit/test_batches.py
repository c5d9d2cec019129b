"""Calls that travel together keep their own caller, deadline, validation and error, end to end over mTLS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from google.protobuf.message import Message
from rampart.fraud.v1 import decision_pb2
from rampart.fraud.v1 import fraud_service_pb2 as pb
from rampart.mesh.v1 import batch_pb2

from meshkit.apart import TravelsApart
from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError, from_status
from meshkit.identity.policy import Coalescing
from meshkit.rpc.batches import BatchCall, BatchClient
from meshkit.rpc.channel import open_channel
from tests.support.calls import Caller, calling, failure
from tests.support.certificates import Certificates
from tests.support.fraud import new_tenant, request
from tests.support.mesh import BATCH_METHOD, FRAUD, POLICIES, MeshNode
from tests.support.tokens import Issuer

Check = BatchCall[pb.CheckFraudRequest]


def client(channel: Any, items: int = 64, in_flight: int = 1) -> BatchClient:
    coalescing = Coalescing(BATCH_METHOD, items, 1 << 20, in_flight)
    return BatchClient(channel, coalescing, POLICIES[BATCH_METHOD], "fraud")


@pytest.fixture
async def channel(node: MeshNode, certificates: Certificates) -> AsyncIterator[Any]:
    channel = open_channel(node.address, certificates.identity("service/gateway"), POLICIES)
    yield channel
    await channel.close()


def context(token: str, seconds: float | None = None, request_id: str = "", traceparent: str = "") -> CallContext:
    deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
    return CallContext(request_id, traceparent, token, deadline=deadline)


def check(name: str = "t-1", **fields: Any) -> bytes:
    return request(name, **fields).SerializeToString()


async def error_of(answer: asyncio.Future[bytes]) -> MeshError:
    with pytest.raises(MeshError) as caught:
        async with asyncio.timeout(5):
            await answer
    return caught.value


def name_of(answer: bytes) -> str:
    return pb.CheckFraudResponse.FromString(answer).decision.transaction_id


async def test_answers_come_to_their_calls(node: MeshNode, channel: Any, token: str) -> None:
    calls = client(channel)
    names = [f"t-{number}" for number in range(200)]
    answers = await asyncio.gather(*[calls.submit(check(name), context(token)) for name in names])
    assert [name_of(answer) for answer in answers] == names
    assert sum(len(batch) for batch in node.behaviour.batches) == 200
    assert len(node.behaviour.batches) < 20


async def test_each_item_is_handled_for_its_own_tenant_and_request(
    node: MeshNode, channel: Any, issuer: Issuer
) -> None:
    tenants = [new_tenant() for _ in range(3)]
    tokens = [issuer.token(time.time(), tenant_id=tenant, client_id=f"c-{tenant}") for tenant in tenants]
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    calls = client(channel)
    await asyncio.gather(
        *[
            calls.submit(check(f"t-{n}"), context(tokens[n % 3], request_id=f"r-{n}", traceparent=trace))
            for n in range(30)
        ]
    )
    handled = {call.request.transaction_id: call for batch in node.behaviour.batches for call in batch}
    for n in range(30):
        call = handled[f"t-{n}"]
        assert call.principal.tenant_id == tenants[n % 3]
        assert call.context.principal is call.principal
        assert (call.context.request_id, call.context.traceparent) == (f"r-{n}", trace)
        assert call.context.token == tokens[n % 3]


async def test_bad_items_fail_alone(node: MeshNode, channel: Any, token: str, issuer: Issuer) -> None:
    calls = client(channel)
    now = time.time()
    good = [calls.submit(check("first"), context(token))]
    bad = {
        "TOKEN_MISSING": calls.submit(check(), context("")),
        "TOKEN_INVALID": calls.submit(check(), context(token[:-4] + "AAAA")),
        "SCOPE_MISSING": calls.submit(check(), context(issuer.token(now, scope="user:read"))),
        "VALIDATION_FAILED": calls.submit(check(user_id=""), context(token)),
        "MALFORMED_REQUEST": calls.submit(b"\xff\xff", context(token)),
    }
    expired = calls.submit(check(), context(issuer.token(now - 7200)))
    good.append(calls.submit(check("last"), context(token)))
    assert [name_of(answer) for answer in await asyncio.gather(*good)] == ["first", "last"]
    found = {name: await error_of(answer) for name, answer in bad.items()}
    # An empty token is sent like any other and refused like any other.
    assert found.pop("TOKEN_MISSING").kind is Kind.UNAUTHENTICATED
    assert {name: error.reason for name, error in found.items()} == {name: name for name in found}
    assert found["VALIDATION_FAILED"].violations[0].field == "user_id"
    assert (await error_of(expired)).reason == "TOKEN_INVALID"
    assert [len(batch) for batch in node.behaviour.batches] == [2]


async def test_error_of_one_item_is_its_callers_alone(node: MeshNode, channel: Any, token: str) -> None:
    async def handle(batch: Sequence[Check]) -> Sequence[Message | bytes | MeshError]:
        conflict = MeshError(Kind.ALREADY_EXISTS, "IDEMPOTENCY_CONFLICT", "taken", metadata={"transaction_id": "bad"})
        return [
            conflict if call.request.transaction_id == "bad" else b"" if call.request.transaction_id == "bytes"
            else pb.CheckFraudResponse(decision=decision_pb2.Decision(outcome="approve"))
            for call in batch
        ]  # fmt: skip

    node.behaviour.handle_batch = handle
    calls = client(channel)
    answers = [calls.submit(check(name), context(token)) for name in ("good", "bad", "bytes")]
    assert pb.CheckFraudResponse.FromString(await answers[0]).decision.outcome == "approve"
    error = await error_of(answers[1])
    assert (error.reason, error.metadata) == ("IDEMPOTENCY_CONFLICT", {"transaction_id": "bad"})
    assert await answers[2] == b""


async def test_each_item_keeps_its_own_deadline(node: MeshNode, channel: Any, token: str) -> None:
    left: dict[str, float] = {}

    async def handle(batch: Sequence[Check]) -> Sequence[Message | bytes | MeshError]:
        now = asyncio.get_running_loop().time()
        for call in batch:
            assert call.context.deadline is not None
            left[call.request.transaction_id] = call.context.deadline - now
        return [b""] * len(batch)

    node.behaviour.handle_batch = handle
    calls = client(channel)
    await asyncio.gather(
        *[
            calls.submit(check(name), context(token, seconds))
            for name, seconds in (("short", 0.5), ("long", 1.5), ("none", None))
        ]
    )
    assert 0 < left["short"] <= 0.5 < left["long"] <= 1.5 < left["none"] <= 2.0


async def test_a_short_item_does_not_shorten_its_neighbours(node: MeshNode, channel: Any, token: str) -> None:
    async def handle(batch: Sequence[Check]) -> Sequence[Message | bytes | MeshError]:
        await asyncio.sleep(0.3)
        return [b""] * len(batch)

    node.behaviour.handle_batch = handle
    calls = client(channel)
    answers = [calls.submit(check("short"), context(token, 0.1)), calls.submit(check("long"), context(token, 1.5))]
    assert await answers[1] == b""


async def test_item_that_has_expired_on_arrival_is_not_handled(node: MeshNode, gateway: Caller, token: str) -> None:
    batch = batch_pb2.Batch(
        tokens=[token],
        items=[
            batch_pb2.BatchItem(request=check("late"), token=0, timeout_ms=0),
            batch_pb2.BatchItem(request=check("good"), token=0, timeout_ms=1000),
        ],
    )
    results = await _send(gateway, batch)
    assert from_status(results[0].status).kind is Kind.DEADLINE_EXCEEDED
    assert name_of(results[1].response) == "good"
    assert [call.request.transaction_id for call in node.behaviour.batches[0]] == ["good"]


async def _send(gateway: Caller, batch: batch_pb2.Batch) -> Sequence[batch_pb2.BatchResult]:
    answer = await gateway(pb.CoalesceCheckFraudRequest(batch=batch), pb.CoalesceCheckFraudResponse)
    results: Sequence[batch_pb2.BatchResult] = answer.reply.results
    return results


async def test_item_that_points_at_no_token_is_refused(gateway: Caller, token: str) -> None:
    batch = batch_pb2.Batch(
        tokens=[token],
        items=[batch_pb2.BatchItem(request=check("t"), token=index, timeout_ms=1000) for index in (1, 0, 2**32 - 1)],
    )
    results = await _send(gateway, batch)
    assert [result.WhichOneof("result") for result in results] == ["status", "response", "status"]
    assert {from_status(results[n].status).reason for n in (0, 2)} == {"TOKEN_MISSING"}


async def test_empty_batch_is_answered(gateway: Caller) -> None:
    assert list(await _send(gateway, batch_pb2.Batch())) == []


async def test_token_of_the_call_itself_counts_for_no_item(gateway: Caller, token: str) -> None:
    batch = batch_pb2.Batch(items=[batch_pb2.BatchItem(request=check("t"), timeout_ms=1000)])
    answer = await gateway(pb.CoalesceCheckFraudRequest(batch=batch), pb.CoalesceCheckFraudResponse, token=token)
    assert from_status(answer.reply.results[0].status).reason == "TOKEN_MISSING"


async def test_failure_of_the_whole_batch_is_each_calls_error(node: MeshNode, channel: Any, token: str) -> None:
    async def handle(batch: Sequence[Check]) -> Sequence[Message | bytes | MeshError]:
        raise RuntimeError("secret")

    node.behaviour.handle_batch = handle
    calls = client(channel)
    errors = [await error_of(answer) for answer in [calls.submit(check(), context(token)) for _ in range(3)]]
    assert {error.kind for error in errors} == {Kind.INTERNAL}
    assert all("secret" not in error.message for error in errors)


async def test_peer_that_is_gone_is_unavailable_and_named(node: MeshNode, channel: Any, token: str) -> None:
    calls = client(channel)
    await calls.submit(check(), context(token))
    node.ask_to_stop()
    await node.stopped()
    error = await error_of(calls.submit(check(), context(token, 1.0)))
    assert (error.kind, error.metadata) == (Kind.UNAVAILABLE, {"dependency": "fraud"})


async def test_channel_closed_under_a_batch_leaves_no_caller_waiting(
    node: MeshNode, certificates: Certificates, token: str
) -> None:
    entered = asyncio.Event()

    async def handle(batch: Sequence[Check]) -> Sequence[Message | bytes | MeshError]:
        entered.set()
        await asyncio.sleep(1)
        return [b""] * len(batch)

    node.behaviour.handle_batch = handle
    channel = open_channel(node.address, certificates.identity("service/gateway"), POLICIES)
    answer = client(channel).submit(check(), context(token))
    async with asyncio.timeout(5):
        await entered.wait()
    await channel.close()
    assert (await error_of(answer)).kind in (Kind.ABORTED, Kind.CANCELLED, Kind.UNAVAILABLE)


async def test_batches_are_for_services_only(node: MeshNode, certificates: Certificates, token: str) -> None:
    async with calling(node.address, FRAUD.full_name, certificates.identity("client/orders")) as caller:
        error = await failure(caller(pb.CoalesceCheckFraudRequest(), pb.CoalesceCheckFraudResponse, token=token))
    assert error.reason == "CALLER_NOT_ALLOWED"


async def test_call_that_would_hold_up_others_goes_on_apart_within_its_deadline(
    node: MeshNode, channel: Any, token: str
) -> None:
    seen: list[list[str]] = []
    gate = asyncio.Event()

    async def handle(batch: Sequence[Check]) -> Sequence[Message | bytes | MeshError]:
        names = [call.request.transaction_id for call in batch]
        first = not any("slow" in each for each in seen)
        seen.append(names)
        if names == ["slow"] and not first:
            await gate.wait()
        return [TravelsApart() if name == "slow" and first else name.encode() for name in names]

    node.behaviour.handle_batch = handle
    calls = client(channel)
    slow = calls.submit(check("slow"), context(token, 5.0))
    quick = calls.submit(check("quick"), context(token, 5.0))
    assert await quick == b"quick"
    # Only one batch may be under way, and that of the slow call takes no place of it.
    assert await calls.submit(check("next"), context(token, 5.0)) == b"next"
    assert not slow.done()
    gate.set()
    assert await slow == b"slow"
    assert seen[:1] == [["slow", "quick"]] and sorted(seen[1:]) == [["next"], ["slow"]]


async def test_answers_that_are_too_large_together_cost_no_other_call_its_answer(
    node: MeshNode, channel: Any, token: str
) -> None:
    """A channel refuses a reply of more than 8 MiB as a whole."""

    async def handle(batch: Sequence[Check]) -> Sequence[Message | bytes | MeshError]:
        return [bytes(1 << 20) if call.request.transaction_id.startswith("big") else b"small" for call in batch]

    node.behaviour.handle_batch = handle
    calls = client(channel)
    big = [calls.submit(check(f"big-{number}"), context(token)) for number in range(10)]
    small = [calls.submit(check(f"t-{number}"), context(token)) for number in range(20)]
    assert set(await asyncio.gather(*small)) == {b"small"}
    found = await asyncio.gather(*big, return_exceptions=True)
    refused = [each for each in found if isinstance(each, MeshError)]
    assert 0 < len(refused) < 10
    assert {(each.kind, each.reason) for each in refused} == {(Kind.RESOURCE_EXHAUSTED, "OVERLOADED")}


async def test_item_that_breaks_its_own_validation_costs_no_other_call_its_answer(
    node: MeshNode, channel: Any, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(request: Message) -> None:
        if getattr(request, "user_id", "") == "breaks":
            raise ZeroDivisionError

    monkeypatch.setattr("meshkit.rpc.batches.validate", breaks)
    calls = client(channel)
    bad = calls.submit(check("bad", user_id="breaks"), context(token))
    good = calls.submit(check("good"), context(token))
    assert name_of(await good) == "good"
    assert (await error_of(bad)).kind is Kind.INTERNAL
