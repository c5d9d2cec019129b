"""Reads the error of a failed call, and tells what the service said from what happened to the connection.

Both come with the same codes, and grpcio does not say which it was. What tells them apart, in this order: trailers,
which only a service sends; a channel that is not connected; the words in which the transport of the pinned grpcio
describes its own failures, which tests hold against real sockets. What is not the service's is never told in the
transport's words, for they hold addresses: the log has them.
"""

from __future__ import annotations

import logging
import re
import time

import grpc
from google.protobuf.message import DecodeError
from google.rpc import status_pb2
from prometheus_client import Counter

from meshkit.errors import (
    STATUS_KEY,
    Kind,
    MeshError,
    deadline_exceeded,
    from_status,
    internal,
    unavailable,
)

__all__ = ["from_rpc_error"]

_log = logging.getLogger(__name__)
_failed = Counter(
    "connection_failures", "Calls that failed on the way, not by the service's word.", ["dependency", "code"]
)

LOG_SECONDS = 1.0
"""A dependency that is away is logged this often: each of its calls fails."""

_BROKEN = "Stream removed"
_TOO_LARGE = re.compile(r"(?:Stream removed \()?(?:CLIENT: Received message larger|received metadata size exceeds)")
_HTTP_STATUS = re.compile(r"Received http2 header with status: ([0-9]{3})\Z")
_TRANSPORT = re.compile(
    rf"{_BROKEN}|failed to connect to all addresses|connections to all backends failing|errors resolving |"
    r"DNS resolution failed|empty address list|Received http2 header with status|CLIENT: |Socket closed|"
    r"Channel (?:closed|shutdown)|keepalive timeout|ping timeout|Deadline Exceeded\Z|Locally cancelled"
)
_DISCONNECTED = (grpc.ChannelConnectivity.TRANSIENT_FAILURE, grpc.ChannelConnectivity.SHUTDOWN)

_logged: dict[str, float] = {}


def from_rpc_error(
    error: grpc.aio.AioRpcError, dependency: str, *, foreign: grpc.aio.Channel | None = None
) -> MeshError:
    """Returns what to tell of a failed call to a dependency.

    `foreign` is the channel of a service that may answer any code without details, which those of the mesh never do.
    """
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_KEY:
            return _from_details(error.code(), value if isinstance(value, bytes) else value.encode())
    if _of_transport(error, foreign):
        _note(error, dependency)
        return _on_the_way(error, dependency)
    if foreign is None:
        return _without_word(error, dependency)
    return _without_details(Kind(error.code().value[0]), error.details() or "")


def _of_transport(error: grpc.aio.AioRpcError, foreign: grpc.aio.Channel | None) -> bool:
    """Tells whether a code was made on our side of the connection."""
    if error.trailing_metadata():
        return False
    if foreign is not None and error.code() is grpc.StatusCode.UNAVAILABLE and foreign.get_state() in _DISCONNECTED:
        return True
    return _TRANSPORT.match(error.details() or "") is not None


def _on_the_way(error: grpc.aio.AioRpcError, dependency: str) -> MeshError:
    """Returns the error for a call of which no status came back."""
    words = error.details() or ""
    if _TOO_LARGE.match(words):
        return MeshError(Kind.INTERNAL, "ANSWER_UNWRITABLE", "the answer of the service is too large to be passed on")
    match error.code():
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return deadline_exceeded()
        case grpc.StatusCode.CANCELLED:
            return MeshError(Kind.CANCELLED, "CANCELLED", "the call was cancelled")
        case grpc.StatusCode.INTERNAL if words.startswith(_BROKEN):
            return internal()
    status = _HTTP_STATUS.match(words)
    if status is not None:
        return unavailable(dependency, f"{dependency} answers with HTTP status {status[1]} in place of gRPC")
    if words.startswith(_BROKEN):
        return unavailable(dependency, f"the connection to {dependency} broke before its answer")
    return unavailable(dependency)


def _without_word(error: grpc.aio.AioRpcError, dependency: str) -> MeshError:
    """Returns the error for a code that a service of the mesh did not choose: the runtime that serves it did."""
    match error.code():
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return deadline_exceeded()
        case grpc.StatusCode.UNAVAILABLE:
            return unavailable(dependency)
        case grpc.StatusCode.CANCELLED:
            return MeshError(Kind.CANCELLED, "CANCELLED", "the call was cancelled")
        case grpc.StatusCode.INTERNAL:
            return internal()
        case code:
            return _without_details(Kind(code.value[0]), error.details() or "")


def _from_details(code: grpc.StatusCode, details: bytes) -> MeshError:
    try:
        status = status_pb2.Status.FromString(details)
    except DecodeError:
        return internal()
    return from_status(status) if status.code == code.value[0] else internal()


def _without_details(kind: Kind, text: str) -> MeshError:
    """Reads the error of a service that knows no details. The text of what went wrong inside it stays inside."""
    if kind in (Kind.UNKNOWN, Kind.INTERNAL, Kind.DATA_LOSS):
        text = "the service failed and did not say why"
    return MeshError(kind, kind.name, text, domain="")


def _note(error: grpc.aio.AioRpcError, dependency: str) -> None:
    """Tells the operator what happened to a connection."""
    code = error.code().name
    _failed.labels(dependency, code).inc()
    now = time.monotonic()
    if now - _logged.get(dependency, float("-inf")) >= LOG_SECONDS:
        _logged[dependency] = now
        fields = {"dependency": dependency, "code": code}
        _log.warning("a call failed on the way: %s", error.details(), extra={"fields": fields})
