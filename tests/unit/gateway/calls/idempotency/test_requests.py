"""What counts as the same request, and which answers are worth a retry."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from google.rpc import code_pb2, status_pb2
from rampart.fraud.v1 import decision_pb2, fraud_service_pb2

from gateway.calls.idempotency.ids import KeyIds
from gateway.calls.idempotency.requests import KeyedRequests
from gateway.compile.endpoint import Endpoint
from meshkit.errors import MeshError, to_status
from services.fraud.errors import backfill_not_allowed, event_in_future, sum_too_large
from tests.support.gateway import router

CHECK = {
    "user_id": "u1",
    "transaction_amount": 12.5,
    "device_fingerprint": "d1",
    "ip_address": "203.0.113.9",
    "attributes": {f"a{number * 7 % 32}": "1" for number in range(32)},
}


def endpoint(method: str, path: str) -> tuple[Endpoint, KeyedRequests, tuple[str, ...]]:
    found = router().match(method, path)
    assert found is not None
    return found[0], KeyedRequests(found[0].method, router().plan), found[1]


def fingerprint(method: str, path: str, body: str) -> bytes:
    found, keyed, captures = endpoint(method, path)
    return keyed.fingerprint(found.request.serialize(found.decode(captures, b"", body.encode())))


def check(body: str) -> bytes:
    return fingerprint("POST", "/api/v1/fraud-check", body)


@pytest.mark.parametrize(
    "again",
    [
        json.dumps(CHECK, indent=4),
        json.dumps(CHECK, sort_keys=True),
        json.dumps({"ipAddress": CHECK["ip_address"], **{key: CHECK[key] for key in CHECK if key != "ip_address"}}),
        json.dumps(CHECK).replace("12.5", "1.25e1"),
        json.dumps(CHECK).replace("u1", "\\u00751"),
        json.dumps(CHECK | {"currency": "", "event_time": None}),
    ],
)
def test_same_content_is_the_same_request_however_it_is_written(again: str) -> None:
    assert check(again) == check(json.dumps(CHECK))


@pytest.mark.parametrize(
    "change",
    [{"user_id": "u2"}, {"transaction_id": "t1"}, {"transaction_amount": 12.51}, {"attributes": {"a": "1"}}],
)
def test_other_content_is_another_request(change: dict[str, Any]) -> None:
    assert check(json.dumps(CHECK | change)) != check(json.dumps(CHECK))


def test_time_that_an_answer_gives_is_the_one_that_was_sent() -> None:
    sent, answered, another = (
        json.dumps(CHECK | {"event_time": f"2026-11-21T04:10:37.{fraction}Z"})
        for fraction in ("123456789", "123", "124")
    )
    assert check(sent) == check(answered) != check(another)
    batch = '{"requests": [%s, %s]}'
    path = "/api/v1/fraud-check:batch"
    assert fingerprint("POST", path, batch % (sent, another)) == fingerprint("POST", path, batch % (answered, another))


def test_a_path_named_twice_is_in_a_mask_once() -> None:
    found, keyed, captures = endpoint("PATCH", "/api/v1/users/u1")
    once, twice = (
        keyed.fingerprint(found.request.serialize(found.decode(captures, query, b'{"email": "a@b.example"}')))
        for query in (b"update_mask=email", b"update_mask=email,email")
    )
    assert once == twice


def test_order_of_the_keys_of_a_patch_is_no_content() -> None:
    bodies = ['{"email": "a@b.example", "phone": "+4912345"}', '{"phone": "+4912345", "email": "a@b.example"}']
    assert len({fingerprint("PATCH", "/api/v1/users/u1", body) for body in bodies}) == 1
    assert fingerprint("PATCH", "/api/v1/users/u2", bodies[0]) != fingerprint("PATCH", "/api/v1/users/u1", bodies[0])
    assert fingerprint("PATCH", "/api/v1/users/u1", '{"email": "a@b.example", "phone": ""}') != fingerprint(
        "PATCH", "/api/v1/users/u1", '{"email": "a@b.example"}'
    )


def named(method: str, path: str, body: Any, query: bytes = b"") -> tuple[Any, KeyIds]:
    found, keyed, captures = endpoint(method, path)
    message, ids = found.decode(captures, query, json.dumps(body).encode()), KeyIds("key")
    keyed.name(message, ids)
    return message, ids


def test_absent_identifiers_follow_from_the_key_and_sent_ones_stay() -> None:
    ids = KeyIds("key")
    made, _ = named("POST", "/api/v1/users", {"user_id": "u1"})
    assert made.request_id == ids("request_id")
    sent = "6d5b7f9e-3c1f-4b9a-9a56-0d2f1e4c8b7a"
    kept, given = named("POST", "/api/v1/users", {"user_id": "u1"}, b"request_id=" + sent.encode())
    assert (kept.request_id, given.given) == (sent, set())
    checked, _ = named("POST", "/api/v1/fraud-check", CHECK)
    assert checked.transaction_id == ids("transaction_id")
    body = {"requests": [CHECK, CHECK | {"transaction_id": "t1"}, CHECK]}
    batch, _ = named("POST", "/api/v1/fraud-check:batch", body)
    assert [each.transaction_id for each in batch.requests] == [
        ids("requests.0.transaction_id"), "t1", ids("requests.2.transaction_id")
    ]  # fmt: skip


def result(code: int | None) -> fraud_service_pb2.BatchCheckFraudResult:
    if code is None:
        return fraud_service_pb2.BatchCheckFraudResult(decision=decision_pb2.Decision(decision_id="d"))
    return fraud_service_pb2.BatchCheckFraudResult(error=status_pb2.Status(code=code))


@pytest.mark.parametrize(
    ("codes", "final"),
    [
        ([], True),
        ([None, None], True),
        ([None, code_pb2.INVALID_ARGUMENT, code_pb2.ALREADY_EXISTS], True),
        ([None, code_pb2.UNAVAILABLE], False),
        ([code_pb2.INTERNAL, None], False),
        ([code_pb2.RESOURCE_EXHAUSTED], False),
        ([code_pb2.DEADLINE_EXCEEDED], False),
    ],
)
def test_batch_is_final_when_no_item_is_worth_a_retry(codes: list[int | None], final: bool) -> None:
    _, keyed, _ = endpoint("POST", "/api/v1/fraud-check:batch")
    answer = fraud_service_pb2.BatchCheckFraudResponse(results=[result(code) for code in codes])
    assert keyed.final(answer.SerializeToString()) is final


@pytest.mark.parametrize(
    "passing", [event_in_future(timedelta(minutes=1)), backfill_not_allowed("fraud:backfill"), sum_too_large()], ids=str
)
def test_batch_with_an_item_that_was_refused_for_the_moment_is_not_final(passing: MeshError) -> None:
    _, keyed, _ = endpoint("POST", "/api/v1/fraud-check:batch")
    refused = fraud_service_pb2.BatchCheckFraudResult(error=to_status(passing))
    answer = fraud_service_pb2.BatchCheckFraudResponse(results=[result(None), refused])
    assert keyed.final(answer.SerializeToString()) is False


def test_answer_without_room_for_errors_is_final_unread() -> None:
    _, keyed, _ = endpoint("POST", "/api/v1/fraud-check")
    assert keyed.final(b"\xff\xff\xff")
