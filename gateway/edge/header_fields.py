"""Joins header fields that were sent more than once (RFC 9110, section 5.3), and refuses single ones.

Two peers that each take another of two `Authorization` or `Content-Length` fields see two different requests.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors.places import malformed
from meshkit.errors import MeshError

__all__ = ["join", "repeated"]

_LISTS = frozenset({
    b"accept", b"accept-charset", b"accept-encoding", b"accept-language", b"baggage", b"cache-control", b"connection",
    b"cookie", b"forwarded", b"if-match", b"if-none-match", b"pragma", b"prefer", b"te", b"trailer", b"tracestate",
    b"upgrade", b"via", b"x-forwarded-for",
})  # fmt: skip
_SINGLE = frozenset({
    b"authorization", b"client-cert", b"content-encoding", b"content-length", b"content-type", b"dpop", b"expect",
    b"host", b"idempotency-key", b"last-event-id", b"origin", b"transfer-encoding", b"x-request-id",
})  # fmt: skip


def join(fields: Sequence[tuple[bytes, bytes]]) -> tuple[dict[bytes, bytes], bytes]:
    """Returns the fields by name, and the name of one that must not be repeated but is; empty if there is none.

    Of an unknown field the last counts. Two `traceparent` are none, and `tracestate` without one is none either (W3C
    Trace Context): no call is lost for the sake of its trace.
    """
    found: dict[bytes, bytes] = {}
    wrong, two_traces = b"", False
    for name, value in fields:
        if name in found and name in _LISTS:
            found[name] += (b"; " if name == b"cookie" else b", ") + value
        else:
            wrong = name if name in found and name in _SINGLE else wrong
            two_traces = two_traces or (name in found and name == b"traceparent")
            found[name] = value
    if two_traces:
        del found[b"traceparent"]
        found.pop(b"tracestate", None)
    return found, wrong


def repeated(name: bytes) -> MeshError:
    """Returns the error for a field that must not be sent twice."""
    return malformed("header", name.decode("ascii"), "is given more than once")
