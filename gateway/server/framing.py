"""Refuses requests with ambiguous or improper framing that the parser lets through (RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gateway.server.limits import Limits
from meshkit.errors import Kind, MeshError

__all__ = ["Fields", "bad_request", "flaw", "headers_too_large", "slow_head", "target_too_long", "valid_host"]

Fields = Sequence[tuple[bytes, bytes]]

_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=:%\[\]-]*")
_FRAMING = (b"host", b"transfer-encoding", b"content-length")


def bad_request(message: str = "the request is not valid HTTP/1.1") -> MeshError:
    return MeshError(Kind.INVALID_ARGUMENT, "MALFORMED_REQUEST", message)


def target_too_long(limits: Limits) -> MeshError:
    most = limits.target_bytes
    return MeshError(
        Kind.INVALID_ARGUMENT,
        "URI_TOO_LONG",
        f"the request target is longer than {most} bytes",
        metadata={"max_bytes": str(most)},
    )


def headers_too_large(limits: Limits) -> MeshError:
    return MeshError(
        Kind.INVALID_ARGUMENT,
        "HEADERS_TOO_LARGE",
        f"the headers are more than {limits.fields} lines or {limits.head_bytes} bytes",
        metadata={"max_bytes": str(limits.head_bytes), "max_fields": str(limits.fields)},
    )


def slow_head() -> MeshError:
    return MeshError(Kind.INVALID_ARGUMENT, "REQUEST_TIMEOUT", "the headers did not arrive in time")


def valid_host(value: bytes) -> bool:
    """Tells whether a `Host` is made of what a host and port are made of (RFC 3986, section 3.2)."""
    return _HOST.fullmatch(value) is not None


def flaw(version: str, method: bytes, target: bytes, fields: Mapping[bytes, bytes], lines: Fields) -> str:
    """Returns what is wrong with the head of a request, in words; empty if nothing is.

    `fields` are the same as `lines`, by name. `Host` is only looked for here, see `valid_host`.
    """
    if version not in ("1.1", "1.0"):
        return "the protocol is not HTTP/1.1"
    if method == b"CONNECT":
        return "this is no proxy"
    if not target.isascii() or b"#" in target:
        return "the request target holds bytes that must be percent-encoded"
    if version == "1.1" and b"host" not in fields:
        return "the request has no Host"
    coding = fields.get(b"transfer-encoding")
    # RFC 9112, section 6.1: in HTTP/1.0 it is a fault; and of the codings only this one is known here.
    if coding is not None and (version == "1.0" or coding.lower() != b"chunked"):
        return "the only transfer coding is chunked, with HTTP/1.1"
    if len(fields) != len(lines):
        names = [name for name, _ in lines]
        if any(names.count(name) > 1 for name in _FRAMING):
            return "a header that frames the request is given twice"
    return ""
