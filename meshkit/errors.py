"""The one error type that crosses the mesh.

    MeshError            what a handler raises, what a client catches
      kind               the canonical gRPC code
      reason             a name of `rampart.mesh.v1.ErrorReason`, without its prefix
      metadata           every variable of the message, by name
      violations         fields that break a constraint
      retry_after        seconds after which to try again

On the wire it is a `google.rpc.Status` with exactly one `ErrorInfo` (AIP-193).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

__all__ = ["DOMAIN", "STATUS_KEY", "Kind", "MeshError", "Violation", "from_rpc_error", "from_status", "to_status"]

DOMAIN = "rampart"
STATUS_KEY = "grpc-status-details-bin"


class Kind(enum.IntEnum):
    """Canonical codes, with the numbers of `google.rpc.Code`."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @property
    def grpc_code(self) -> grpc.StatusCode:
        return _GRPC_CODES[self]


_GRPC_CODES = {Kind(code.value[0]): code for code in grpc.StatusCode if code is not grpc.StatusCode.OK}


@dataclass(frozen=True, slots=True)
class Violation:
    """A field that breaks a constraint: its path in the request, the rule, and what is wrong in words."""

    field: str
    reason: str
    message: str


class MeshError(Exception):
    """An expected failure. Its message reaches the caller, so it never holds input values or internals."""

    def __init__(
        self,
        kind: Kind,
        reason: str,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        violations: Sequence[Violation] = (),
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after
        self.violations = tuple(violations)

    def __repr__(self) -> str:
        return f"MeshError({self.kind.name}, {self.reason}, {self.message!r})"


def internal() -> MeshError:
    """Returns what a caller may know of an unexpected exception: nothing."""
    return MeshError(Kind.INTERNAL, "INTERNAL", "something failed that should not; the log has it under the request id")


def unavailable(dependency: str, retry_after: float = 1.0) -> MeshError:
    """Returns the error for a service or store that cannot be reached."""
    return MeshError(
        Kind.UNAVAILABLE,
        "DEPENDENCY_UNAVAILABLE",
        f"{dependency} cannot be reached",
        metadata={"dependency": dependency},
        retry_after=retry_after,
    )


def deadline_exceeded() -> MeshError:
    return MeshError(Kind.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the deadline passed before the answer was ready")


def validation_failed(*violations: Violation) -> MeshError:
    named = ", ".join(violation.field or "request" for violation in violations)
    return MeshError(
        Kind.INVALID_ARGUMENT, "VALIDATION_FAILED", f"the request is not valid: {named}", violations=violations
    )


def to_status(error: MeshError) -> status_pb2.Status:
    """Renders an error for the wire."""
    status = status_pb2.Status(code=int(error.kind), message=error.message)
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    status.details.add().Pack(info)
    if error.violations:
        bad = error_details_pb2.BadRequest()
        for violation in error.violations:
            bad.field_violations.add(field=violation.field, description=violation.message, reason=violation.reason)
        status.details.add().Pack(bad)
    if error.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(error.retry_after * 1000))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def from_status(status: status_pb2.Status) -> MeshError:
    """Reads an error from the wire. Details of other types are dropped."""
    info = error_details_pb2.ErrorInfo()
    bad = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    retry_after = None
    for detail in status.details:
        if not _unpack(detail, info) and not _unpack(detail, bad) and _unpack(detail, retry):
            retry_after = retry.retry_delay.ToTimedelta().total_seconds()
    kind = Kind(status.code) if status.code in _GRPC_CODES else Kind.UNKNOWN
    return MeshError(
        kind,
        info.reason or kind.name,
        status.message,
        metadata=dict(info.metadata),
        retry_after=retry_after,
        violations=[Violation(v.field, v.reason, v.description) for v in bad.field_violations],
    )


def _unpack(
    detail: any_pb2.Any,
    into: error_details_pb2.ErrorInfo | error_details_pb2.BadRequest | error_details_pb2.RetryInfo,
) -> bool:
    return detail.Is(into.DESCRIPTOR) and detail.Unpack(into)


def from_rpc_error(error: grpc.aio.AioRpcError, dependency: str) -> MeshError:
    """Reads the error of a failed call. What the channel itself reports is told apart from what the peer answered."""
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_KEY:
            return from_status(status_pb2.Status.FromString(value if isinstance(value, bytes) else value.encode()))
    match error.code():
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return deadline_exceeded()
        case grpc.StatusCode.UNAVAILABLE:
            return unavailable(dependency)
        case grpc.StatusCode.CANCELLED:
            return MeshError(Kind.CANCELLED, "CANCELLED", "the call was cancelled")
        case _:
            return internal()
