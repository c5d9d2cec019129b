"""Errors as RFC 9457 `application/problem+json`. The one table from canonical codes to HTTP is here."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from gateway.plan import HttpViolation
from meshkit.errors import Kind, MeshError, Violation

__all__ = ["MEDIA_TYPE", "Headers", "http_status", "phrase", "problem"]

MEDIA_TYPE = b"application/problem+json"
Headers = list[tuple[bytes, bytes]]

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
    "BODY_TOO_LARGE": 413,
    "ETAG_MISMATCH": 412,
    "HEADERS_TOO_LARGE": 431,
    "IDEMPOTENCY_KEY_REUSED": 422,
    "MEDIA_TYPE_UNSUPPORTED": 415,
    "METHOD_NOT_ALLOWED": 405,
    "NOT_ACCEPTABLE": 406,
    "REQUEST_TIMEOUT": 408,
    "UPGRADE_REQUIRED": 426,
    "URI_TOO_LONG": 414,
}
# Not registered, or with other words in some versions of Python: what is generated must not depend on that.
_PHRASES = {413: "Content Too Large", 422: "Unprocessable Content", 499: "Client Closed Request"}


def http_status(error: MeshError) -> int:
    return _REASON_STATUS.get(error.reason) or _STATUS[error.kind]


def problem(error: MeshError, request_id: str) -> tuple[int, Headers, bytes]:
    """Renders an error: the status, the headers that belong to it, and the body."""
    status = http_status(error)
    headers: Headers = []
    if status == HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", _challenge(error)))
    if error.retry_after is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(error.retry_after))).encode()))
    body: dict[str, Any] = {
        "type": f"/problems/{error.reason.lower().replace('_', '-')}",
        "title": phrase(status),
        "status": status,
        "detail": error.message,
        "reason": error.reason,
        "request_id": request_id,
    }
    if error.violations:
        body["errors"] = _violations(error.violations)
    if error.metadata:
        body["metadata"] = error.metadata
    return status, headers, json.dumps(body, ensure_ascii=False).encode(errors="replace")


def _challenge(error: MeshError) -> bytes:
    """RFC 6750, section 3: the error code only if a token was sent."""
    return b"Bearer" if error.reason == "TOKEN_MISSING" else b'Bearer error="invalid_token"'


def _violations(violations: Sequence[Violation]) -> list[Mapping[str, str]]:
    return [_violation(violation) for violation in violations]


def _violation(violation: Violation) -> Mapping[str, str]:
    if not isinstance(violation, HttpViolation):
        return {"field": violation.field, "reason": violation.reason, "message": violation.message}
    where = "pointer" if violation.place == "body" else "name"
    return {
        "in": violation.place,
        where: violation.name,
        "reason": violation.reason,
        "message": violation.message,
    }


def phrase(status: int) -> str:
    """Returns the words of an HTTP status."""
    return _PHRASES.get(status) or HTTPStatus(status).phrase
