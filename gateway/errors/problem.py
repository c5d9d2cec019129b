"""Writes errors as RFC 9457 `application/problem+json`; holds the one table from canonical codes to HTTP."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from gateway.errors.places import HttpViolation
from meshkit.errors import DOMAIN, Kind, MeshError, Violation
from meshkit.identity.dpop import ALGORITHMS

__all__ = ["MEDIA_TYPE", "SAFE", "Headers", "http_status", "own_headers", "phrase", "problem", "problem_document"]

MEDIA_TYPE = b"application/problem+json"
Headers = list[tuple[bytes, bytes]]

SAFE: Headers = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
"""On every answer, of errors and of others."""

_STATUS = {
    Kind.CANCELLED: 499,
    Kind.UNKNOWN: 500,
    Kind.INVALID_ARGUMENT: 400,
    Kind.DEADLINE_EXCEEDED: 504,
    Kind.NOT_FOUND: 404,
    Kind.ALREADY_EXISTS: 409,
    Kind.PERMISSION_DENIED: 403,
    Kind.RESOURCE_EXHAUSTED: 429,
    Kind.FAILED_PRECONDITION: 400,
    Kind.ABORTED: 409,
    Kind.OUT_OF_RANGE: 400,
    Kind.UNIMPLEMENTED: 501,
    Kind.INTERNAL: 500,
    Kind.UNAVAILABLE: 503,
    Kind.DATA_LOSS: 500,
    Kind.UNAUTHENTICATED: 401,
}
_REASON_STATUS = {
    "ANSWER_UNWRITABLE": 502,
    "APPROVAL_REQUIRED": 409,
    "BATCH_TOO_LARGE": 413,
    "BODY_TOO_LARGE": 413,
    "ETAG_MISMATCH": 412,
    "HEADERS_TOO_LARGE": 431,
    "IDEMPOTENCY_KEY_REUSED": 422,
    "MEDIA_TYPE_UNSUPPORTED": 415,
    "METHOD_NOT_ALLOWED": 405,
    "NOT_ACCEPTABLE": 406,
    "NOT_COMPUTABLE": 409,
    "OVERLOADED": 503,
    "REQUEST_TIMEOUT": 408,
    "STATE_NOT_ALLOWED": 409,
    "LAST_OWNER": 409,
    "QUOTA_EXCEEDED": 409,
    "UPGRADE_REQUIRED": 426,
    "URI_TOO_LONG": 414,
}
# Not registered, or with other words in some versions of Python: what is generated must not depend on that.
_PHRASES = {
    413: "Content Too Large",
    414: "URI Too Long",
    422: "Unprocessable Content",
    499: "Client Closed Request",
}
_QUOTABLE = set(map(chr, range(0x20, 0x7F))) - {'"', "\\"}


def http_status(error: MeshError) -> int:
    """Returns the HTTP status of an error. Only reasons of our own can have another than that of their code."""
    return (_REASON_STATUS.get(error.reason) if error.domain == DOMAIN else None) or _STATUS[error.kind]


def own_headers(error: MeshError, status: int) -> Headers:
    """Returns the headers that belong to an error in whatever form it is told."""
    headers: Headers = []
    if status == HTTPStatus.UNAUTHORIZED or error.reason == "SCOPE_MISSING":
        headers.append((b"www-authenticate", _challenge(error)))
    if error.retry_after is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(error.retry_after))).encode()))
    return headers


def problem(error: MeshError, request_id: str, details: Sequence[Mapping[str, Any]] = ()) -> tuple[int, Headers, bytes]:
    """Renders an error: the status, the headers that belong to it, and the body."""
    status = http_status(error)
    document = problem_document(error, request_id, details)
    return status, own_headers(error, status), json.dumps(document, ensure_ascii=False).encode(errors="replace")


def problem_document(error: MeshError, request_id: str, details: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Returns the problem document. It holds everything that the `google.rpc.Status` of the error holds.

    `details` are the typed details that the caller may see.
    """
    status = http_status(error)
    ours = error.domain == DOMAIN
    body: dict[str, Any] = {
        "type": f"/problems/{error.reason.lower().replace('_', '-')}" if ours else "about:blank",
        "title": phrase(status),
        "status": status,
        "detail": error.message,
        "code": error.kind.name,
        "reason": error.reason,
        "request_id": request_id,
    }
    if not ours:
        body["domain"] = error.domain
    if error.violations:
        body["errors"] = [_violation(violation) for violation in error.violations]
    if error.metadata:
        body["metadata"] = error.metadata
    if error.retry_after is not None:
        body["retry_after"] = error.retry_after
    if details:
        body["details"] = details
    return body


def _challenge(error: MeshError) -> bytes:
    """RFC 6750, section 3: the error code only if a token was sent. RFC 9449, section 7.1: what proofs are taken."""
    if error.reason == "TOKEN_MISSING":
        return b"Bearer"
    if error.reason == "PROOF_INVALID":
        return f'DPoP error="invalid_dpop_proof", algs="{" ".join(sorted(ALGORITHMS))}"'.encode()
    if error.reason != "SCOPE_MISSING":
        return b'Bearer error="invalid_token"'
    scope = error.metadata.get("scope", "")
    return f'Bearer error="insufficient_scope", scope="{scope if _QUOTABLE.issuperset(scope) else ""}"'.encode()


def _violation(violation: Violation) -> Mapping[str, Any]:
    found: dict[str, Any] = {"field": violation.field}
    if isinstance(violation, HttpViolation):
        found["in"] = violation.place
        found["pointer" if violation.place == "body" else "name"] = violation.name
    found |= {"reason": violation.reason, "message": violation.message}
    if violation.localized is not None:
        found["localized"] = {"locale": violation.localized[0], "message": violation.localized[1]}
    return found


def phrase(status: int) -> str:
    """Returns the words of an HTTP status."""
    return _PHRASES.get(status) or HTTPStatus(status).phrase
