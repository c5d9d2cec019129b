"""Operations: what the bindings, the comments and the policies of the product's methods become."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from gateway.describe.openapi import LOCAL_URL
from gateway.describe.openapi.operations import sentences
from tests.support.documents import rampart_document


@cache
def described() -> dict[str, Any]:
    return rampart_document()


def operation(path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = described()["paths"][path][method]
    return found


def test_fraud_check_comes_first_with_the_four_field_example() -> None:
    assert next(iter(described()["paths"])) == "/api/v1/fraud-check"
    check = operation("/api/v1/fraud-check", "post")
    assert check["operationId"] == "checkFraud"
    assert check["requestBody"]["content"]["application/json"]["example"] == {
        "user_id": "u-1001",
        "transaction_amount": 129.99,
        "device_fingerprint": "dev-7f3a",
        "ip_address": "203.0.113.7",
    }
    answer = check["responses"]["200"]["content"]["application/json"]
    assert answer["schema"] == {"$ref": "#/components/schemas/Decision"}


def test_first_sentence_of_the_comment_is_the_summary() -> None:
    check = operation("/api/v1/fraud-check", "post")
    assert check["summary"] == "Decides about one transaction and stores the decision before it answers"
    assert check["description"].startswith("Idempotent by (tenant, transaction_id)")
    assert "Reasons:" not in check["description"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One.", ("One", "")),
        ("One. Two.", ("One", "Two.")),
        ("One.\n\nTwo.", ("One", "Two.")),
        ("One. Two.\n\nThree.", ("One", "Two.\n\nThree.")),
        ("", ("", "")),
    ],
)
def test_sentences(text: str, parts: tuple[str, str]) -> None:
    assert sentences(text) == parts


def test_description_names_idempotency_rate_class_deadline_and_further_scope() -> None:
    words = operation("/api/v1/fraud-check:batch", "post")["description"]
    assert "Idempotent: " in words
    assert "1 unit for each of `requests`, of the class `decision`" in words
    assert "within 10 s" in words
    assert "`fraud:backfill`" in words
    assert "Not idempotent without an `Idempotency-Key`" in operation("/api/v1/users", "post")["description"]
    assert "Safe: " in operation("/api/v1/users", "get")["description"]


def test_bindings_of_one_path_share_it_under_one_variable() -> None:
    paths = described()["paths"]
    assert set(paths["/api/v1/users/{user_id}"]) == {"get", "patch", "delete"}
    assert not any("{user.user_id}" in path for path in paths)


def test_body_of_a_patch_lacks_what_the_path_says() -> None:
    patch = operation("/api/v1/users/{user_id}", "patch")
    assert patch["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/UpdateUserBody"
    }
    body = described()["components"]["schemas"]["UpdateUserBody"]
    assert "user_id" not in body["properties"]
    assert "required" not in body
    assert body["properties"]["create_time"]["readOnly"] is True


def test_query_parameters_are_named_as_in_the_proto_once() -> None:
    parameters = operation("/api/v1/transactions", "get")["parameters"]
    names = [each["name"] for each in parameters if each["in"] == "query"]
    assert names == ["user_id", "merchant_id", "start_time", "end_time", "page_size", "page_token"]


def test_errors_follow_from_body_scopes_and_comment() -> None:
    common = {"200", "400", "414", "429", "431", "500", "503", "504"}
    check = operation("/api/v1/fraud-check", "post")["responses"]
    assert set(check) == common | {"401", "403", "408", "409", "413", "415", "422"}
    get = operation("/api/v1/decisions/{decision_id}", "get")["responses"]
    assert set(get) == common | {"304", "401", "403", "404"}
    keys = operation("/.well-known/jwks.json", "get")["responses"]
    assert set(keys) == common | {"304"}


def test_limited_answer_tells_the_limit_and_when_to_come_back() -> None:
    limited = described()["components"]["responses"]["TooManyRequests"]
    assert set(limited["headers"]) == {"X-Request-Id", "RateLimit-Policy", "RateLimit", "Retry-After"}


def test_calls_need_their_scope_and_public_ones_none() -> None:
    assert operation("/api/v1/fraud-check", "post")["security"] == [
        {"oauth2": ["decision:create"]},
        {"api_key": []},
    ]
    assert operation("/.well-known/jwks.json", "get")["security"] == []


def headers_of(path: str, method: str) -> list[str]:
    return [each["name"] for each in operation(path, method).get("parameters", []) if each["in"] == "header"]


def test_idempotency_key_is_taken_where_the_policy_says_so() -> None:
    assert headers_of("/api/v1/users", "post") == ["Idempotency-Key"]
    responses = operation("/api/v1/users", "post")["responses"]
    assert {"409", "422"} <= set(responses)
    assert "IdempotencyKeyInUse" in responses["409"]["$ref"]
    assert "422" not in operation("/api/v1/users", "get")["responses"]


def test_reads_and_changes_of_a_resource_with_an_etag_are_conditional() -> None:
    get = operation("/api/v1/users/{user_id}", "get")
    assert headers_of("/api/v1/users/{user_id}", "get") == ["If-None-Match"]
    assert "ETag" in get["responses"]["200"]["headers"]
    assert "304" in get["responses"]
    assert headers_of("/api/v1/users/{user_id}", "patch") == ["Idempotency-Key", "If-Match", "If-None-Match"]
    assert headers_of("/api/v1/tasks/{task_id}:cancel", "post") == ["If-Match", "If-None-Match"]
    assert "412" in operation("/api/v1/users/{user_id}", "patch")["responses"]
    assert "If-Match" not in headers_of("/api/v1/users", "post")


def test_creation_is_a_201_that_says_where() -> None:
    created = {path: operation(path, "post")["responses"] for path in ("/api/v1/users", "/api/v1/schedules")}
    for path, responses in created.items():
        assert "200" not in responses, path
        assert "Location" in responses["201"]["headers"]
    task = operation("/api/v1/tasks", "post")["responses"]
    assert "Location" in task["201"]["headers"]
    assert "Location" not in task["200"]["headers"], "a task that was there before is not created"
    assert "201" not in operation("/api/v1/fraud-check", "post")["responses"]
    assert "#/components/headers/Location" in str(task["201"]["headers"])


def test_stream_can_be_resumed_and_refuses_other_media_types() -> None:
    watch = operation("/api/v1/decisions:watch", "get")
    assert headers_of("/api/v1/decisions:watch", "get") == ["Last-Event-ID"]
    assert "406" in watch["responses"]
    assert watch["x-websocket"]["receive"] == {"$ref": "#/components/schemas/WatchDecisionsReply"}
    assert "send" not in watch["x-websocket"]


def test_security_scheme_is_client_credentials_at_the_token_endpoint() -> None:
    scheme = described()["components"]["securitySchemes"]["oauth2"]
    assert scheme["flows"]["clientCredentials"]["tokenUrl"] == f"{LOCAL_URL}/api/v1/oauth/token"


def test_device_and_address_are_required_unless_the_card_is_present() -> None:
    schema = described()["components"]["schemas"]["CheckFraudRequest"]
    assert schema["required"] == ["user_id", "transaction_amount"]
    check = Draft202012Validator(schema)
    needed = {"user_id": "u", "transaction_amount": 1}
    assert check.is_valid(needed | {"channel": "card_present"})
    assert check.is_valid(needed | {"device_fingerprint": "d", "ip_address": "192.0.2.1"})
    for channel in ({}, {"channel": "online"}, {"channel": None}, {"device_fingerprint": "d", "ip_address": ""}):
        assert not check.is_valid(needed | channel)
    words = schema["description"]
    assert "`ip_address` is required unless `channel` is card_present." in words
