"""Spans of calls inside the mesh: of servers, of batches and of their items, of stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode
from rampart.fraud.v1 import fraud_service_pb2 as pb
from redis.exceptions import ResponseError

from meshkit.context import CallContext, current, set_current
from meshkit.errors import Kind, MeshError
from meshkit.identity.policy import Coalescing
from meshkit.rpc.batches import BatchClient
from meshkit.rpc.channel import open_channel
from meshkit.storage.postgres import connected, pool, transaction
from meshkit.storage.redis import open_redis
from tests.support.calls import Caller, calling
from tests.support.certificates import Certificates
from tests.support.fraud import request
from tests.support.mesh import BATCH_METHOD, CHECK_METHOD, FRAUD, POLICIES, MeshNode, serving
from tests.support.servers import PostgresServer
from tests.support.spans import Recording, recording
from tests.support.tokens import Issuer

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CHECK, BATCH = CHECK_METHOD[1:], BATCH_METHOD[1:]


@pytest.fixture
def spans() -> Iterator[Recording]:
    with recording() as made:
        yield made


@pytest.fixture
async def node(spans: Recording, certificates: Certificates, issuer: Issuer) -> AsyncIterator[MeshNode]:
    async with serving(certificates, issuer) as node:
        yield node


@pytest.fixture
async def gateway(node: MeshNode, certificates: Certificates) -> AsyncIterator[Caller]:
    async with calling(node.address, FRAUD.full_name, certificates.identity("service/gateway")) as caller:
        yield caller


@pytest.fixture
async def channel(node: MeshNode, certificates: Certificates) -> AsyncIterator[Any]:
    channel = open_channel(node.address, certificates.identity("service/gateway"), POLICIES)
    yield channel
    await channel.close()


def ids(span: ReadableSpan) -> tuple[str, str]:
    """Returns trace and span."""
    assert span.context is not None
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"


def parent(span: ReadableSpan) -> str:
    return f"{span.parent.span_id:016x}" if span.parent is not None else ""


def links(span: ReadableSpan) -> set[tuple[str, str]]:
    return {(f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") for link in span.links}


async def check(channel: Any, token: str, *more: tuple[str, str]) -> None:
    call = channel.unary_unary(
        CHECK_METHOD,
        request_serializer=pb.CheckFraudRequest.SerializeToString,
        response_deserializer=pb.CheckFraudResponse.FromString,
    )
    await call(request("t-1"), timeout=5, metadata=(("authorization", f"Bearer {token}"), *more))


async def test_a_call_is_a_span_in_its_callers_trace_and_its_logs_name_it(
    node: MeshNode, channel: Any, token: str, spans: Recording
) -> None:
    seen = []

    async def handle(_: Message) -> Message:
        seen.append((current().trace_id, current().span_id, current().tracestate))
        return pb.CheckFraudResponse()

    node.behaviour.handle = handle
    await check(channel, token, ("traceparent", f"00-{TRACE}-{CALLER}-01"), ("tracestate", "vendor=1"))
    (span,) = spans.named(CHECK)
    assert seen == [(*ids(span), "vendor=1")]
    assert (ids(span)[0], parent(span), span.kind) == (TRACE, CALLER, SpanKind.SERVER)
    assert span.attributes is not None
    assert dict(span.attributes) | {"rampart.request_id": ""} == {
        "rpc.system": "grpc", "rpc.service": "rampart.fraud.v1.FraudService", "rpc.method": "CheckFraud",
        "rpc.grpc.status_code": 0, "rampart.request_id": "",
    }  # fmt: skip


async def test_a_direct_call_without_a_trace_starts_one(channel: Any, token: str, spans: Recording) -> None:
    await check(channel, token)
    (span,) = spans.named(CHECK)
    assert span.parent is None


async def test_a_call_that_its_caller_does_not_record_is_no_span(channel: Any, token: str, spans: Recording) -> None:
    await check(channel, token, ("traceparent", f"00-{TRACE}-{CALLER}-00"))
    assert spans.spans() == []


@pytest.mark.parametrize(("kind", "failed"), [(Kind.NOT_FOUND, False), (Kind.DATA_LOSS, True), (None, True)])
async def test_only_faults_of_the_service_fail_its_span_and_no_text_is_in_it(
    node: MeshNode, channel: Any, token: str, spans: Recording, kind: Kind | None, failed: bool
) -> None:
    async def handle(_: Message) -> Message:
        raise MeshError(kind, "SOME_REASON", "m") if kind is not None else RuntimeError("password=hunter2")

    node.behaviour.handle = handle
    with pytest.raises(grpc.aio.AioRpcError):
        await check(channel, token)
    (span,) = spans.named(CHECK)
    assert span.attributes is not None
    assert span.attributes["rpc.grpc.status_code"] == (kind or Kind.INTERNAL).value
    assert (span.status.status_code is StatusCode.ERROR) is failed
    assert span.events == () and "hunter2" not in span.to_json()


async def test_each_attempt_at_a_call_is_a_span_of_the_service(
    node: MeshNode, channel: Any, token: str, spans: Recording
) -> None:
    async def handle(_: Message) -> Message:
        if len(node.behaviour.requests) < 3:
            raise MeshError(Kind.UNAVAILABLE, "X", "m")
        return pb.CheckFraudResponse()

    node.behaviour.handle = handle
    await check(channel, token, ("traceparent", f"00-{TRACE}-{CALLER}-01"))
    attempts = spans.named(CHECK)
    assert {parent(span) for span in attempts} == {CALLER}
    assert [(span.attributes or {}).get("rampart.previous_attempts") for span in attempts] == [None, "1", "2"]


async def test_a_stream_is_a_span_until_it_ends_also_if_its_caller_leaves(
    node: MeshNode, gateway: Caller, token: str, spans: Recording
) -> None:
    async def for_ever(_: Message) -> AsyncGenerator[Message, None]:
        yield pb.WatchDecisionsResponse()
        await asyncio.Event().wait()

    node.behaviour.handle_stream = for_ever
    stream = gateway.stream(pb.WatchDecisionsRequest(), pb.WatchDecisionsResponse, token=token)
    await stream.read()
    assert spans.spans() == []
    stream.cancel()
    async with asyncio.timeout(5):
        while not spans.named("rampart.fraud.v1.FraudService/WatchDecisions"):
            await asyncio.sleep(0.01)
    (span,) = spans.spans()
    assert span.attributes is not None and span.attributes["rpc.grpc.status_code"] == Kind.CANCELLED
    assert span.status.status_code is StatusCode.UNSET


def a_client(channel: Any) -> BatchClient:
    return BatchClient(channel, Coalescing(BATCH_METHOD, 64, 1 << 20, 1), POLICIES[BATCH_METHOD], "fraud")


def a_call(spans: Recording, name: str, token: str) -> CallContext:
    call = spans.call(name)
    call.token = token
    return call


async def test_a_batch_links_its_items_and_each_items_span_lies_in_its_own_trace(
    node: MeshNode, channel: Any, token: str, spans: Recording
) -> None:
    client = a_client(channel)
    calls = [a_call(spans, f"call {number}", token) for number in range(5)]
    await asyncio.gather(*(client.submit(request(f"t-{n}").SerializeToString(), call) for n, call in enumerate(calls)))
    for call in calls:
        assert call.span is not None
        call.span.end()
    (together,) = spans.named("batch CoalesceCheckFraud")
    sent, served = spans.named(BATCH)[::-1]
    items = spans.named(CHECK)
    callers = {ids(span): span for span in spans.spans() if span.name.startswith("call ")}
    assert links(together) == callers.keys()
    assert all(ids(together) in links(caller) for caller in callers.values())
    # One trace from the first caller through the batch to what serves it.
    assert (ids(together)[0], parent(together)) in callers
    assert (parent(sent), parent(served)) == (ids(together)[1], ids(sent)[1])
    assert (sent.kind, served.kind) == (SpanKind.CLIENT, SpanKind.SERVER)
    # And each item in the trace of its own.
    assert {(ids(item)[0], parent(item)) for item in items} == callers.keys()
    assert links(served) == {ids(item) for item in items}
    assert all(links(item) == {ids(served)} for item in items)
    handled = {call.context.traceparent for batch in node.behaviour.batches for call in batch}
    assert handled == {f"00-{trace}-{span}-01" for trace, span in map(ids, items)}


async def test_items_that_are_not_recorded_have_no_span_among_those_that_are(
    channel: Any, token: str, spans: Recording
) -> None:
    client = a_client(channel)
    plain = CallContext("r", f"00-{'c' * 32}-{'d' * 16}-00", token, tracestate="vendor=1")
    recorded = a_call(spans, "recorded", token)
    await asyncio.gather(
        *(client.submit(request(f"t-{n}").SerializeToString(), call) for n, call in enumerate([plain, recorded]))
    )
    (item,) = spans.named(CHECK)
    assert ids(item)[0] == recorded.trace_id
    (together,) = spans.named("batch CoalesceCheckFraud")
    assert links(together) == {(recorded.trace_id, recorded.span_id)}
    assert together.attributes is not None and together.attributes["rampart.items"] == 2


async def test_a_batch_of_nothing_recorded_is_no_span_and_keeps_each_items_context(
    node: MeshNode, channel: Any, token: str, spans: Recording
) -> None:
    plain = CallContext("r", f"00-{'c' * 32}-{'d' * 16}-00", token, tracestate="vendor=1")
    await a_client(channel).submit(request("t").SerializeToString(), plain)
    assert spans.spans() == []
    ((handled,),) = node.behaviour.batches
    assert (handled.context.traceparent, handled.context.tracestate) == (plain.traceparent, "vendor=1")


async def test_an_item_fails_its_own_span_alone(node: MeshNode, channel: Any, token: str, spans: Recording) -> None:
    async def handle(calls: Sequence[Any]) -> Sequence[Message | bytes | MeshError]:
        return [MeshError(Kind.UNAVAILABLE, "X", "m"), *[pb.CheckFraudResponse() for _ in calls[1:]]]

    node.behaviour.handle_batch = handle
    client = a_client(channel)
    answers = await asyncio.gather(
        *(client.submit(request(f"t-{n}").SerializeToString(), a_call(spans, f"c{n}", token)) for n in range(3)),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [MeshError, bytes, bytes]
    assert [span.status.status_code for span in spans.named(CHECK)] == [StatusCode.ERROR, *[StatusCode.UNSET] * 2]
    assert all(span.status.status_code is StatusCode.UNSET for span in spans.named(BATCH))


async def test_a_service_that_is_gone_fails_the_attempt_and_the_batch(
    certificates: Certificates, token: str, spans: Recording
) -> None:
    async with open_channel("127.0.0.1:1", certificates.identity("service/gateway"), POLICIES) as channel:
        with pytest.raises(MeshError):
            await a_client(channel).submit(request("t").SerializeToString(), a_call(spans, "c", token))
    attempt, together = spans.spans()
    assert attempt.attributes is not None and attempt.attributes["error.type"] == "UNAVAILABLE"
    assert attempt.status.status_code is together.status.status_code is StatusCode.ERROR


async def test_a_command_for_a_recorded_call_is_a_span_without_keys_and_values(
    valkey_url: str, spans: Recording
) -> None:
    async with open_redis(valkey_url) as redis:
        await redis.ping()
        assert spans.spans() == []
        call = spans.call()
        set_current(call)
        await redis.set("secret-key", "secret-value")
        with pytest.raises(ResponseError):
            await redis.lpush("secret-key", "x")
        await redis.delete("secret-key")
    kept, refused, _ = spans.spans()
    assert (kept.name, parent(kept), kept.kind) == ("SET", call.span_id, SpanKind.CLIENT)
    assert kept.attributes == {"db.system.name": "redis", "db.operation.name": "SET"}
    assert refused.attributes is not None and refused.attributes["error.type"] == "ResponseError"
    assert "secret" not in kept.to_json() + refused.to_json()


async def test_a_statement_for_a_recorded_call_is_a_span_without_parameters(
    postgres: PostgresServer, spans: Recording
) -> None:
    async with pool(postgres.dsn("postgres")) as opened:
        async with transaction(opened, ["t"]) as connection:
            await connection.fetch("SELECT $1::text", "secret")
        assert spans.spans() == []
        call = spans.call()
        set_current(call)
        async with transaction(opened, ["t"]) as connection:
            await connection.fetch("SELECT $1::text AS value FROM pg_class LIMIT 1", "secret")
        with pytest.raises(Exception, match="division"):
            async with connected(opened) as connection:
                await connection.fetchval("SELECT 1/0")
    made = spans.spans()
    assert [span.name for span in made] == ["BEGIN", "SELECT set_config", "SELECT pg_class", "COMMIT", "SELECT"]
    assert {parent(span) for span in made} == {call.span_id}
    *_, refused = made
    assert refused.attributes == {
        "db.system.name": "postgresql", "db.operation.name": "SELECT", "db.query.summary": "SELECT",
        "db.response.status_code": "22012", "error.type": "DivisionByZeroError",
    }  # fmt: skip
    assert not any("secret" in span.to_json() for span in made)
    starts = [span.start_time or 0 for span in made]
    assert starts == sorted(starts)
