"""Defines the one error type that crosses the mesh, and writes it to and reads it from `google.rpc.Status`.

    MeshError            what a handler raises, what a client catches
      kind               the canonical gRPC code
      reason             a name of `rampart.mesh.v1.ErrorReason`, without its prefix
      metadata           every variable of the message, by name
      violations         fields that break a constraint
      retry_after        seconds after which to try again
      details            further typed details, as they travel

On the wire it is a `google.rpc.Status` with exactly one `ErrorInfo` (AIP-193). Services of others may answer without
one: their errors have the name of the code as their reason, and no domain.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

__all__ = ["DOMAIN", "STATUS_KEY", "Kind", "MeshError", "Violation", "from_status", "to_status"]

Detail = TypeVar("Detail", error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo)

DOMAIN = "rampart"
STATUS_KEY = "grpc-status-details-bin"
"""Names the trailer in which a `google.rpc.Status` travels."""


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
    localized: tuple[str, str] | None = dataclasses.field(default=None, kw_only=True)
    """Locale (BCP 47) and the words in its language, if the service gave them."""


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
        domain: str = DOMAIN,
        details: Sequence[any_pb2.Any] = (),
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after
        self.violations = tuple(violations)
        self.domain = domain
        """Who defines the reason. Empty if the service named none."""
        self.details = tuple(details)

    def with_violations(self, violations: Iterable[Violation]) -> MeshError:
        """Returns an equal error with other violations: an error that several callers share is never changed.

        A message that names the fields names those of the other violations.
        """
        others = tuple(violations)
        return MeshError(
            self.kind,
            self.reason,
            _not_valid(others) if self.message == _not_valid(self.violations) else self.message,
            metadata=self.metadata,
            retry_after=self.retry_after,
            violations=others,
            domain=self.domain,
            details=self.details,
        )

    def __repr__(self) -> str:
        return f"MeshError({self.kind.name}, {self.reason}, {self.message!r})"


def internal() -> MeshError:
    """Returns what a caller may know of an unexpected exception: nothing."""
    return MeshError(Kind.INTERNAL, "INTERNAL", "something failed that should not; the log has it under the request id")


def unavailable(dependency: str, words: str = "", retry_after: float = 1.0) -> MeshError:
    """Returns the error for a service or store that cannot be reached, or with which it is as `words` say."""
    return MeshError(
        Kind.UNAVAILABLE,
        "DEPENDENCY_UNAVAILABLE",
        words or f"{dependency} cannot be reached",
        metadata={"dependency": dependency},
        retry_after=retry_after,
    )


def deadline_exceeded() -> MeshError:
    return MeshError(Kind.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the deadline passed before the answer was ready")


def validation_failed(*violations: Violation) -> MeshError:
    return MeshError(Kind.INVALID_ARGUMENT, "VALIDATION_FAILED", _not_valid(violations), violations=violations)


def _not_valid(violations: Sequence[Violation]) -> str:
    return f"the request is not valid: {', '.join(violation.field or 'request' for violation in violations)}"


def to_status(error: MeshError) -> status_pb2.Status:
    """Renders an error for the wire."""
    status = status_pb2.Status(code=int(error.kind), message=error.message)
    if error.domain or error.metadata or error.reason != error.kind.name:
        info = error_details_pb2.ErrorInfo(reason=error.reason, domain=error.domain, metadata=error.metadata)
        status.details.add().Pack(info)
    if error.violations:
        status.details.add().Pack(_bad_request(error.violations))
    if error.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromMicroseconds(round(error.retry_after * 1e6))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    status.details.extend(error.details)
    return status


def from_status(status: status_pb2.Status) -> MeshError:
    """Reads an error from the wire. A status that cannot be read, or that is none, is replaced whole."""
    try:
        return _read(status)
    except DecodeError:
        return internal()


def _read(status: status_pb2.Status) -> MeshError:
    if status.code == 0:
        return internal()
    info, rest = _of_type(status.details, error_details_pb2.ErrorInfo)
    bad, rest = _of_type(rest, error_details_pb2.BadRequest)
    retry, rest = _of_type(rest, error_details_pb2.RetryInfo)
    kind = Kind(status.code) if status.code in _GRPC_CODES else Kind.UNKNOWN
    return MeshError(
        kind,
        (info.reason if info else "") or kind.name,
        status.message,
        metadata=info.metadata if info else None,
        retry_after=_seconds(retry.retry_delay) if retry else None,
        violations=[_violation(each) for each in bad.field_violations] if bad else (),
        domain=info.domain if info else "",
        details=rest,
    )


def _of_type(details: Iterable[any_pb2.Any], kind: type[Detail]) -> tuple[Detail | None, list[any_pb2.Any]]:
    """Takes the first detail of a type out of the details. Raises DecodeError."""
    rest = list(details)
    for index, detail in enumerate(rest):
        if detail.Is(kind.DESCRIPTOR):
            del rest[index]
            return kind.FromString(detail.value), rest
    return None, rest


def _seconds(delay: duration_pb2.Duration) -> float:
    return max(0.0, delay.seconds + delay.nanos / 1e9)


def _bad_request(violations: Iterable[Violation]) -> error_details_pb2.BadRequest:
    bad = error_details_pb2.BadRequest()
    for each in violations:
        found = bad.field_violations.add(field=each.field, description=each.message, reason=each.reason)
        if each.localized is not None:
            found.localized_message.locale, found.localized_message.message = each.localized
    return bad


def _violation(found: error_details_pb2.BadRequest.FieldViolation) -> Violation:
    words = found.localized_message
    localized = (words.locale, words.message) if found.HasField("localized_message") else None
    return Violation(found.field, found.reason, found.description, localized=localized)
