"""The one exception of this package, read from the `google.rpc.Status` that the services answer with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import grpc
import grpc.aio

from ._gen.google.rpc import BadRequest, ErrorInfo, RetryInfo, Status

DETAILS_KEY = "grpc-status-details-bin"


@dataclass(frozen=True)
class Violation:
    """A field that breaks a constraint: its path, what is wrong in words, and the rule's stable name."""

    field: str
    description: str
    reason: str


@dataclass(eq=False)
class RampartError(Exception):
    """A call that failed.

    `reason` is a name of `rampart.mesh.v1.ErrorReason` without its prefix, such as "IDEMPOTENCY_CONFLICT"; it is empty
    if no service answered. `retry_after` is in seconds. `request_id` finds the call in every log of the platform.
    """

    code: grpc.StatusCode
    message: str
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    retry_after: float | None = None
    request_id: str = ""

    def __str__(self) -> str:
        return f"{self.reason or self.code.name}: {self.message}"


def from_call(error: grpc.aio.AioRpcError, request_id: str) -> RampartError:
    """Converts what grpc raises. Details that are missing or cannot be read leave the code and the message."""
    plain = RampartError(error.code(), error.details() or error.code().name, request_id=request_id)
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            return from_status(value, plain)
    return plain


def from_status(status: bytes, plain: RampartError) -> RampartError:
    """Completes an error with the details of a serialised `google.rpc.Status`."""
    try:
        details = [(detail.type_url.rpartition(".")[2], detail.value) for detail in Status.parse(status).details]
        return with_details(plain, details)
    except (ValueError, EOFError):
        return plain


def with_details(error: RampartError, details: Iterable[tuple[str, bytes]]) -> RampartError:
    for kind, value in details:
        if kind == "ErrorInfo":
            info = ErrorInfo.parse(value)
            error.reason, error.metadata = info.reason, info.metadata
        elif kind == "RetryInfo":
            delay = RetryInfo.parse(value).retry_delay
            error.retry_after = delay.total_seconds() if delay is not None else None
        elif kind == "BadRequest":
            found = BadRequest.parse(value).field_violations
            error.violations = tuple(Violation(one.field, one.description, one.reason) for one in found)
    return error
