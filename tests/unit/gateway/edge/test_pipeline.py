from __future__ import annotations

import asyncio
import re
import uuid
from typing import Any

import pytest

from meshkit.errors import Kind, MeshError, Violation
from tests.support.gateway import PRINCIPAL, TOKEN, Gateway

CHECK = {"user_id": "u1", "transaction_amount": 12.5, "device_fingerprint": "d1", "ip_address": "203.0.113.9"}
DECISION_ID = "018f3a6e-0000-7000-8000-000000000001"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_fraud_check_reaches_the_mesh_and_its_decision_comes_back(gateway: Gateway) -> None:
    gateway.upstream.answer = {"decision": {"decision_id": DECISION_ID, "outcome": "approve"}}
    reply = await gateway.request("POST", "/api/v1/fraud-check", CHECK)
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-length"] == str(len(reply.body))
    assert reply.json["decision_id"] == DECISION_ID
    assert reply.json["is_fraudulent"] is False
    assert reply.json["confidence_score"] == 0.0
    assert reply.json["risk_factors"] == []
    call = gateway.upstream.last
    assert call.method == "/rampart.fraud.v1.FraudService/CheckFraud"
    assert call.request.user_id == "u1"
    assert call.info.token == TOKEN
    assert call.info.principal == PRINCIPAL


async def test_absent_transaction_id_is_given_before_the_call_and_a_sent_one_is_kept(gateway: Gateway) -> None:
    await gateway.request("POST", "/api/v1/fraud-check", CHECK)
    await gateway.request("POST", "/api/v1/fraud-check", CHECK | {"transaction_id": "t-1"})
    given, kept = [call.request.transaction_id for call in gateway.upstream.calls]
    assert uuid.UUID(given).version == 7
    assert kept == "t-1"


async def test_absent_transaction_ids_of_a_batch_are_given_one_by_one(gateway: Gateway) -> None:
    batch = {"requests": [CHECK, CHECK | {"transaction_id": "t-1"}, {}]}
    assert (await gateway.request("POST", "/api/v1/fraud-check:batch", batch)).status == 200
    given = [request.transaction_id for request in gateway.upstream.last.request.requests]
    assert given[1] == "t-1"
    assert len({*given}) == 3
    assert all(given)


async def test_path_query_and_page_parameters_reach_the_request(gateway: Gateway) -> None:
    gateway.upstream.answer = {"transactions": [{"transaction_id": "t"}], "next_page_token": "n"}
    reply = await gateway.request(
        "GET", "/api/v1/transactions?user_id=a%20b&pageSize=5&start_time=2026-01-01T00:00:00Z&page_token=p%3D"
    )
    assert reply.json == {"transactions": [reply.json["transactions"][0]], "next_page_token": "n"}
    request = gateway.upstream.last.request
    assert (request.user_id, request.page_size, request.page_token) == ("a b", 5, "p=")
    assert request.start_time.seconds == 1767225600


async def test_patch_names_the_fields_of_the_body_and_the_path_wins(gateway: Gateway) -> None:
    gateway.upstream.answer = {"user": {"user_id": "u1", "display_name": "n"}}
    reply = await gateway.request("PATCH", "/api/v1/users/u1", {"display_name": "n", "email": "", "user_id": "other"})
    assert reply.json["display_name"] == "n"
    request = gateway.upstream.last.request
    assert request.user.user_id == "u1"
    assert list(request.update_mask.paths) == ["display_name", "email"]


async def test_response_field_that_the_service_left_out_is_an_empty_object_of_its_type(gateway: Gateway) -> None:
    reply = await gateway.request("GET", f"/api/v1/decisions/{DECISION_ID}")
    assert reply.status == 200
    assert reply.json["risk_factors"] == []


async def test_head_is_served_as_get(gateway: Gateway) -> None:
    assert (await gateway.request("HEAD", "/api/v1/decisions")).status == 200


async def test_request_id_and_trace_are_taken_over(gateway: Gateway) -> None:
    headers = {"x-request-id": "abc-1.2_3", "traceparent": TRACE}
    reply = await gateway.request("POST", "/api/v1/fraud-check", CHECK, headers=headers)
    info = gateway.upstream.last.info
    assert reply.headers["x-request-id"] == info.request_id == "abc-1.2_3"
    assert info.traceparent[:36] == TRACE[:36]
    assert info.traceparent[36:52] != TRACE[36:52]
    assert info.traceparent[52:] == "-01"


@pytest.mark.parametrize("value", ["", "a b", "x" * 129, "a\tb", "ä", "<script>"])
async def test_unusable_request_id_is_replaced(gateway: Gateway, value: str) -> None:
    reply = await gateway.request("GET", "/api/v1/decisions", headers={"x-request-id": value})
    assert re.fullmatch("[0-9a-f]{32}", reply.headers["x-request-id"])


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        TRACE[:-1],
        TRACE.replace("00-", "ff-", 1),
        TRACE.upper(),
        TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
    ],
)
async def test_unusable_traceparent_starts_a_new_trace(gateway: Gateway, value: str) -> None:
    await gateway.request("GET", "/api/v1/decisions", headers={"traceparent": value})
    found = gateway.upstream.last.info.traceparent
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", found)
    assert found[3:35] != TRACE[3:35]


async def test_error_of_a_service_becomes_a_problem_with_its_violations_located(gateway: Gateway) -> None:
    gateway.upstream.error = MeshError(
        Kind.INVALID_ARGUMENT,
        "VALIDATION_FAILED",
        "the request is not valid",
        violations=[Violation("user.email", "string.email", "m"), Violation("user.user_id", "x", "m")],
    )
    reply = await gateway.request("PATCH", "/api/v1/users/u1", {"email": "a@b.example"})
    assert reply.status == 400
    assert reply.json["errors"] == [
        {"field": "user.email", "in": "body", "pointer": "/email", "reason": "string.email", "message": "m"},
        {"field": "user.user_id", "in": "path", "name": "user_id", "reason": "x", "message": "m"},
    ]


async def test_conflict_of_a_service_is_409_and_unavailable_is_503_with_retry_after(gateway: Gateway) -> None:
    gateway.upstream.error = MeshError(
        Kind.ALREADY_EXISTS, "IDEMPOTENCY_CONFLICT", "m", metadata={"transaction_id": "t"}
    )
    conflict = await gateway.request("POST", "/api/v1/fraud-check", CHECK)
    assert (conflict.status, conflict.json["metadata"]) == (409, {"transaction_id": "t"})
    gateway.upstream.error = MeshError(Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", "m", retry_after=0.2)
    unavailable = await gateway.request("POST", "/api/v1/fraud-check", CHECK)
    assert (unavailable.status, unavailable.headers["retry-after"]) == (503, "1")


async def test_unexpected_exception_is_logged_and_its_text_is_not_sent(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.upstream.error = RuntimeError("password=hunter2")
    reply = await gateway.request("POST", "/api/v1/fraud-check", CHECK, headers={"x-request-id": "r-9"})
    assert reply.status == 500
    assert reply.json["reason"] == "INTERNAL"
    assert b"hunter2" not in reply.body
    record = next(record for record in caplog.records if record.exc_info)
    assert getattr(record, "fields")["request_id"] == "r-9"  # noqa: B009


async def test_cancellation_goes_through() -> None:
    class Hanging:
        async def call(self, *_: Any) -> bytes:
            await asyncio.Event().wait()
            return b""

    gateway = Gateway(upstream=Hanging())
    task = asyncio.create_task(gateway.request("POST", "/api/v1/fraud-check", CHECK))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("method", "target", "allow"),
    [
        ("GET", "/api/v1/fraud-check", "POST"),
        ("PUT", "/api/v1/users/u1", "DELETE, GET, HEAD, PATCH"),
        ("TRACE", "/api/v1/users", "GET, HEAD, POST"),
        ("GET", "/api/v1/oauth/token", "POST"),
    ],
)
async def test_wrong_method_is_405_with_allow(gateway: Gateway, method: str, target: str, allow: str) -> None:
    reply = await gateway.request(method, target)
    assert (reply.status, reply.headers["allow"]) == (405, allow)
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json["reason"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize("method", ["BREW", "PROPFIND", "get"])
@pytest.mark.parametrize("target", ["/api/v1/users", "/api/v1/nothing", "/health", "/docs"])
async def test_method_that_nothing_here_has_is_501(gateway: Gateway, method: str, target: str) -> None:
    reply = await gateway.request(method, target)
    assert (reply.status, reply.json["reason"]) == (501, "NOT_IMPLEMENTED")
    assert reply.headers["content-type"] == "application/problem+json"


async def test_unknown_path_is_404_as_a_problem(gateway: Gateway) -> None:
    reply = await gateway.request("GET", "/api/v1/nothing")
    assert (reply.status, reply.json["reason"]) == (404, "ROUTE_NOT_FOUND")
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["x-request-id"] == reply.json["request_id"]


async def test_every_exchange_has_one_access_line_without_secrets(gateway: Gateway) -> None:
    await gateway.request("POST", "/api/v1/fraud-check", CHECK, headers={"x-request-id": "r-1", "traceparent": TRACE})
    await gateway.request("GET", f"/api/v1/decisions/{DECISION_ID}", token=None)
    await gateway.request("GET", "/health")
    await gateway.request("GET", "/nothing")
    first, second, third, fourth = gateway.access_lines()
    assert re.fullmatch("[0-9a-f]{16}", first.pop("span_id"))
    assert first | {"time": 0, "duration_ms": 0} == {
        "time": 0, "level": "INFO", "service": "gateway", "logger": "gateway.access", "message": "request",
        "method": "POST", "route": "/api/v1/fraud-check", "status": 200, "duration_ms": 0, "request_id": "r-1",
        "trace_id": TRACE[3:35], "client_id": "client-1", "tenant_id": "tenant-1",
    }  # fmt: skip
    assert first["duration_ms"] > 0
    assert (second["route"], second["status"], second["client_id"]) == ("/api/v1/decisions/{decision_id}", 401, "")
    assert (third["route"], third["status"]) == ("/health", 200)
    assert (fourth["route"], fourth["status"]) == ("unmatched", 404)
    assert TOKEN not in gateway.lines.getvalue()
    assert "203.0.113.9" not in gateway.lines.getvalue()


async def test_metrics_count_by_route_template_and_status(gateway: Gateway) -> None:
    before = await _counted(gateway)
    await gateway.request("GET", "/api/v1/users/a")
    await gateway.request("GET", "/api/v1/users/b")
    assert await _counted(gateway) == before + 2


async def _counted(gateway: Gateway) -> float:
    text = (await gateway.request("GET", "/metrics")).body.decode()
    found = re.search(r'http_requests_total\{method="GET",route="/api/v1/users/\{user_id\}",status="200"\} (\S+)', text)
    return float(found[1]) if found else 0.0
