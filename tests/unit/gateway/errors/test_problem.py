from __future__ import annotations

import json

import pytest

from gateway.errors.places import HttpViolation
from gateway.errors.problem import problem
from meshkit.errors import Kind, MeshError, Violation


@pytest.mark.parametrize(
    ("kind", "reason", "status"),
    [
        (Kind.INVALID_ARGUMENT, "VALIDATION_FAILED", 400),
        (Kind.INVALID_ARGUMENT, "BODY_TOO_LARGE", 413),
        (Kind.INVALID_ARGUMENT, "MEDIA_TYPE_UNSUPPORTED", 415),
        (Kind.INVALID_ARGUMENT, "REQUEST_TIMEOUT", 408),
        (Kind.UNAUTHENTICATED, "TOKEN_INVALID", 401),
        (Kind.PERMISSION_DENIED, "SCOPE_MISSING", 403),
        (Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", 404),
        (Kind.ALREADY_EXISTS, "IDEMPOTENCY_CONFLICT", 409),
        (Kind.ABORTED, "CONFLICT", 409),
        (Kind.FAILED_PRECONDITION, "FAILED_PRECONDITION", 400),
        (Kind.OUT_OF_RANGE, "OUT_OF_RANGE", 400),
        (Kind.RESOURCE_EXHAUSTED, "RATE_LIMITED", 429),
        (Kind.RESOURCE_EXHAUSTED, "OVERLOADED", 503),
        (Kind.CANCELLED, "CANCELLED", 499),
        (Kind.UNIMPLEMENTED, "UNIMPLEMENTED", 501),
        (Kind.UNIMPLEMENTED, "METHOD_NOT_ALLOWED", 405),
        (Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", 503),
        (Kind.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", 504),
        (Kind.INTERNAL, "INTERNAL", 500),
        (Kind.UNKNOWN, "UNKNOWN", 500),
        (Kind.DATA_LOSS, "DATA_LOSS", 500),
    ],
)
def test_code_has_its_http_status(kind: Kind, reason: str, status: int) -> None:
    found, _, body = problem(MeshError(kind, reason, "words"), "r-1")
    document = json.loads(body)
    assert found == document["status"] == status
    assert document["type"] == "/problems/" + reason.lower().replace("_", "-")
    assert document["title"]
    assert (document["detail"], document["reason"], document["request_id"]) == ("words", reason, "r-1")


def test_every_code_is_mapped() -> None:
    for kind in Kind:
        assert problem(MeshError(kind, kind.name, ""), "")[0] >= 400


def test_unauthenticated_carries_a_challenge() -> None:
    missing = problem(MeshError(Kind.UNAUTHENTICATED, "TOKEN_MISSING", ""), "")[1]
    invalid = problem(MeshError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", ""), "")[1]
    proof = problem(MeshError(Kind.UNAUTHENTICATED, "PROOF_INVALID", ""), "")[1]
    assert missing == [(b"www-authenticate", b"Bearer")]
    assert proof == [(b"www-authenticate", b'DPoP error="invalid_dpop_proof", algs="ES256 Ed25519 EdDSA"')]
    assert invalid == [(b"www-authenticate", b'Bearer error="invalid_token"')]


@pytest.mark.parametrize(("scope", "named"), [("a:b c:d", "a:b c:d"), ('x"y', ""), ("a\r\nb", "")])
def test_missing_scope_is_named_in_the_challenge(scope: str, named: str) -> None:
    error = MeshError(Kind.PERMISSION_DENIED, "SCOPE_MISSING", "", metadata={"scope": scope})
    challenge = f'Bearer error="insufficient_scope", scope="{named}"'.encode()
    assert problem(error, "")[1] == [(b"www-authenticate", challenge)]


def test_reason_of_another_domain_means_nothing_to_us() -> None:
    error = MeshError(Kind.INVALID_ARGUMENT, "BODY_TOO_LARGE", "too large for me", domain="example.com")
    status, _, body = problem(error, "")
    document = json.loads(body)
    assert status == document["status"] == 400
    assert (document["type"], document["title"]) == ("about:blank", "Bad Request")
    assert (document["reason"], document["domain"]) == ("BODY_TOO_LARGE", "example.com")


@pytest.mark.parametrize(("seconds", "header"), [(0.05, b"1"), (1.0, b"1"), (1.2, b"2"), (30.0, b"30")])
def test_retry_after_is_whole_seconds_rounded_up(seconds: float, header: bytes) -> None:
    _, headers, _ = problem(MeshError(Kind.UNAVAILABLE, "OVERLOADED", "", retry_after=seconds), "")
    assert (b"retry-after", header) in headers


def test_violations_and_metadata_are_members() -> None:
    error = MeshError(
        Kind.INVALID_ARGUMENT,
        "VALIDATION_FAILED",
        "",
        metadata={"a": "b"},
        violations=[
            HttpViolation("user.email", "string.email", "must be an address", "body", "/email"),
            HttpViolation("id", "string.uuid", "must be a UUID", "path", "id"),
            Violation("page", "x", "y"),
        ],
    )
    document = json.loads(problem(error, "")[2])
    assert document["metadata"] == {"a": "b"}
    assert document["errors"] == [
        {
            "field": "user.email",
            "in": "body",
            "pointer": "/email",
            "reason": "string.email",
            "message": "must be an address",
        },
        {"field": "id", "in": "path", "name": "id", "reason": "string.uuid", "message": "must be a UUID"},
        {"field": "page", "reason": "x", "message": "y"},
    ]
