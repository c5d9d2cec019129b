"""Every exchange that is recorded is one span, which names its route and nobody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from meshkit.context import current
from meshkit.errors import Kind, MeshError
from tests.support.gateway import Gateway
from tests.support.spans import Recording, recording

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
CHECK = {"user_id": "ada", "transaction_amount": 1, "device_fingerprint": "d", "ip_address": "203.0.113.7"}


@pytest.fixture
def spans() -> Iterator[Recording]:
    with recording() as made:
        yield made


@pytest.fixture
def gateway(spans: Recording) -> Gateway:
    return Gateway()


def only(spans: Recording) -> ReadableSpan:
    (span,) = spans.spans()
    return span


async def test_a_get_is_a_span_in_its_callers_trace(gateway: Gateway, spans: Recording) -> None:
    reply = await gateway.request("GET", "/api/v1/users/ada?fields=x&q=ada", headers=SAMPLED | {"x-request-id": "r-1"})
    span = only(spans)
    assert span.context is not None and span.parent is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == CALLER and span.parent.is_remote
    assert (span.name, span.kind) == ("GET /api/v1/users/{user_id}", SpanKind.SERVER)
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/api/v1/users/{user_id}",
        "http.response.status_code": reply.status,
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "rampart.request_id": "r-1",
        **({"rampart.reason": reply.json["reason"]} if reply.status != 200 else {}),
    }


async def test_what_it_calls_and_what_it_logs_are_under_that_span(gateway: Gateway, spans: Recording) -> None:
    await gateway.request("POST", "/api/v1/fraud-check", CHECK, headers=SAMPLED | {"tracestate": "vendor=1"})
    span, info = only(spans), gateway.upstream.last.info
    assert span.context is not None
    assert info.traceparent == f"00-{TRACE}-{span.context.span_id:016x}-01"
    assert info.tracestate == "vendor=1"
    (line,) = gateway.access_lines()
    assert (line["trace_id"], line["span_id"]) == (TRACE, f"{span.context.span_id:016x}")


async def test_whatever_is_logged_while_a_request_runs_has_its_ids() -> None:
    seen = []

    class Upstream:
        async def call(self, *_: object) -> bytes:
            seen.append((current().request_id, current().trace_id))
            raise MeshError(Kind.NOT_FOUND, "X", "m")

    await Gateway(upstream=Upstream()).request(
        "POST", "/api/v1/fraud-check", CHECK, headers=SAMPLED | {"x-request-id": "r-2"}
    )
    assert seen == [("r-2", TRACE)]


@pytest.mark.parametrize(
    ("kind", "status", "failed"),
    [
        (Kind.NOT_FOUND, 404, False),
        (Kind.INVALID_ARGUMENT, 400, False),
        (Kind.RESOURCE_EXHAUSTED, 429, False),
        (Kind.UNAVAILABLE, 503, True),
        (Kind.DEADLINE_EXCEEDED, 504, True),
        (Kind.INTERNAL, 500, True),
    ],
)
async def test_only_faults_of_the_server_fail_the_span(
    gateway: Gateway, spans: Recording, kind: Kind, status: int, failed: bool
) -> None:
    gateway.upstream.error = MeshError(kind, "SOME_REASON", "m")
    await gateway.request("POST", "/api/v1/fraud-check", CHECK, headers=SAMPLED)
    span = only(spans)
    assert span.attributes is not None
    assert (span.attributes["http.response.status_code"], span.attributes["rampart.reason"]) == (status, "SOME_REASON")
    assert (span.status.status_code is StatusCode.ERROR, "error.type" in span.attributes) == (failed, failed)


async def test_an_unexpected_exception_fails_the_span_without_its_text(gateway: Gateway, spans: Recording) -> None:
    gateway.upstream.error = RuntimeError("password=hunter2")
    await gateway.request("POST", "/api/v1/fraud-check", CHECK, headers=SAMPLED)
    span = only(spans)
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes is not None and span.attributes["error.type"] == "INTERNAL"
    assert "hunter2" not in span.to_json()


@pytest.mark.parametrize(
    ("method", "path", "name", "status"),
    [
        ("GET", "/api/v1/nothing/ada", "GET", 404),
        ("DELETE", "/api/v1/fraud-check", "DELETE", 405),
        ("GET", "/openapi.json", "GET /openapi.json", 200),
        ("HEAD", "/api/v1/decisions", "HEAD /api/v1/decisions", 200),
    ],
)
async def test_what_is_no_call_is_a_span_without_its_path(
    gateway: Gateway, spans: Recording, method: str, path: str, name: str, status: int
) -> None:
    await gateway.request(method, path, headers=SAMPLED)
    span = only(spans)
    assert span.attributes is not None
    assert (span.name, span.attributes["http.response.status_code"]) == (name, status)
    assert span.status.status_code is StatusCode.UNSET
    assert span.attributes["http.request.method"] == method


async def test_method_that_nobody_knows_is_not_named_in_its_span(gateway: Gateway, spans: Recording) -> None:
    await gateway.request("BREW", "/api/v1/users", headers=SAMPLED)
    span = only(spans)
    assert span.attributes is not None
    assert (span.name, span.attributes["http.request.method"]) == ("HTTP", "_OTHER")
    assert (span.attributes["http.response.status_code"], span.status.status_code) == (501, StatusCode.ERROR)


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
async def test_probes_are_no_spans(gateway: Gateway, spans: Recording, path: str) -> None:
    await gateway.request("GET", path, headers=SAMPLED)
    assert spans.spans() == []


async def test_a_caller_that_does_not_record_gets_no_span_but_its_trace_in_the_logs(
    gateway: Gateway, spans: Recording
) -> None:
    await gateway.request("GET", "/api/v1/decisions", headers={"traceparent": f"00-{TRACE}-{CALLER}-00"})
    assert spans.spans() == []
    assert gateway.upstream.last.info.traceparent.endswith("-00")
    assert gateway.access_lines()[0]["trace_id"] == TRACE


async def test_an_answer_that_is_repeated_says_whose_it_is(gateway: Gateway, spans: Recording) -> None:
    headers = SAMPLED | {"idempotency-key": "k-1"}
    for number in (1, 2):
        await gateway.request("POST", "/api/v1/fraud-check", CHECK, headers=headers | {"x-request-id": f"r-{number}"})
    first, second = spans.spans()
    assert first.attributes is not None and "rampart.replayed" not in first.attributes
    assert second.attributes is not None and second.attributes["rampart.replayed"] == "r-1"


async def test_an_error_inside_an_answer_of_grpc_web_fails_the_span(gateway: Gateway, spans: Recording) -> None:
    gateway.upstream.error = MeshError(Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", "m")
    body = b"\0\0\0\0\0"
    reply = await gateway.request(
        "POST", "/rampart.fraud.v1.FraudService/ListDecisions", [body],
        headers=SAMPLED | {"content-type": "application/grpc-web+proto"},
    )  # fmt: skip
    span = only(spans)
    assert reply.status == 200
    assert span.name == "POST /rampart.fraud.v1.FraudService/ListDecisions"
    assert span.status.status_code is StatusCode.ERROR


async def test_without_tracing_no_exchange_has_a_span() -> None:
    gateway = Gateway()
    await gateway.request("GET", "/api/v1/decisions", headers=SAMPLED)
    assert gateway.upstream.last.info.span is None
    assert gateway.upstream.last.info.traceparent.endswith("-01")
