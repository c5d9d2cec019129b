"""Writes errors as ProtoJSON of `google.rpc.Status` (AIP-193)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meshkit.errors import MeshError, Violation

__all__ = ["MEDIA_TYPE", "status_document"]

MEDIA_TYPE = b"application/json"

_TYPE = "type.googleapis.com/google.rpc."
_REQUEST_INFO = f"{_TYPE}RequestInfo"
_JSON_NAMES = {
    "field_violations": "fieldViolations",
    "localized_message": "localizedMessage",
    "request_id": "requestId",
    "retry_delay": "retryDelay",
    "serving_data": "servingData",
}


def status_document(
    error: MeshError, request_id: str, details: Sequence[Mapping[str, Any]] = (), *, json_names: bool = False
) -> dict[str, Any]:
    """Returns the status; its fields have the names of the proto unless those of ProtoJSON are asked for.

    `details` are the typed details that the caller may see. A request is named once: by the service, else by us.
    """
    found = list(_own_details(error))
    if request_id and not any(detail["@type"] == _REQUEST_INFO for detail in details):
        found.append({"@type": _REQUEST_INFO, "request_id": request_id, "serving_data": ""})
    if json_names:
        found = [_renamed(detail) for detail in found]
    return {"code": int(error.kind), "message": error.message, "details": [*found, *details]}


def _own_details(error: MeshError) -> Iterator[Mapping[str, Any]]:
    if error.domain or error.metadata or error.reason != error.kind.name:
        info = {"reason": error.reason, "domain": error.domain, "metadata": error.metadata}
        yield {"@type": f"{_TYPE}ErrorInfo", **info}
    if error.violations:
        violations = [_violation(violation) for violation in error.violations]
        yield {"@type": f"{_TYPE}BadRequest", "field_violations": violations}
    if error.retry_after is not None:
        yield {"@type": f"{_TYPE}RetryInfo", "retry_delay": _duration(error.retry_after)}


def _renamed(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Gives fields their ProtoJSON names. What metadata names are no fields."""
    return {
        _JSON_NAMES.get(name, name): [_renamed(each) for each in below] if isinstance(below, list) else below
        for name, below in value.items()
    }


def _violation(violation: Violation) -> Mapping[str, Any]:
    found: dict[str, Any] = {
        "field": violation.field,
        "description": violation.message,
        "reason": violation.reason,
    }
    if violation.localized is not None:
        found["localized_message"] = {"locale": violation.localized[0], "message": violation.localized[1]}
    return found


def _duration(seconds: float) -> str:
    """Writes 0, 3 or 6 digits of a fraction, as ProtoJSON does."""
    whole, micros = divmod(round(seconds * 1e6), 1_000_000)
    if not micros:
        return f"{whole}s"
    return f"{whole}.{micros // 1000:03d}s" if micros % 1000 == 0 else f"{whole}.{micros:06d}s"
