"""Refuses requests with ambiguous or improper framing that the parser lets through (RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from gateway.server.authority import AbsoluteTarget
from gateway.server.limits import Limits
from meshkit.errors import Kind, MeshError

__all__ = [
    "Fields", "bad_request", "broken_off", "flaw", "headers_too_large", "names_unknown_method", "slow_head",
    "target_too_long", "tokens", "unknown_method",
]  # fmt: skip

Fields = Sequence[tuple[bytes, bytes]]

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_IS_TOKEN = re.compile(_TOKEN)
_REQUEST_LINE = re.compile(rb"(?:\A|(?<=\r\n))(%b)(?:\Z| [!-~]*(?:\Z| HTTP/1\.[01]\r\n))" % _TOKEN)
MOST_LINES = 64
_FRAMING = (b"host", b"transfer-encoding", b"content-length")


def bad_request(message: str = "the request is not valid HTTP/1.1") -> MeshError:
    return MeshError(Kind.INVALID_ARGUMENT, "MALFORMED_REQUEST", message)


def broken_off(part: str) -> MeshError:
    return bad_request(f"the request breaks off in its {part}")


def unknown_method() -> MeshError:
    return MeshError(Kind.UNIMPLEMENTED, "NOT_IMPLEMENTED", "the method of the request is not known here")


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


def tokens(lines: Fields, name: bytes) -> list[bytes]:
    """Returns the elements of a list header over all its lines, in lower case."""
    return [each.strip(b" \t").lower() for field, value in lines if field == name for each in value.split(b",")]


def names_unknown_method(data: bytes, known: Callable[[bytes], bool]) -> bool:
    """Tells whether bytes that were refused hold the well-formed line, or the start, of a request with another method.

    `known` says which methods the parser takes.
    """
    lines = islice(_REQUEST_LINE.finditer(data), MOST_LINES)
    return any(not known(line[1]) for line in lines)


def flaw(version: str, method: bytes, target: bytes, fields: Mapping[bytes, bytes], lines: Fields) -> MeshError | None:
    """Returns what is wrong with the head of a request, None if nothing is.

    `fields` are the same as `lines`, by name. `Host` is only looked for here, see `valid_host`.
    """
    words = ""
    if target[:1] != b"/" or not target.isascii() or b"#" in target or method == b"CONNECT" or version != "1.1":
        words = _flaw_of_target(version, method, target)
    if not words and version == "1.1" and b"host" not in fields:
        words = "the request has no Host"
    if not words and len(fields) != len(lines):
        names = [name for name, _ in lines]
        if any(names.count(name) > 1 for name in _FRAMING):
            words = "a header that frames the request is given twice"
    if words:
        return bad_request(words)
    coding = fields.get(b"transfer-encoding")
    return None if coding is None else _flaw_of_coding(version, coding, b"content-length" in fields)


def _flaw_of_target(version: str, method: bytes, target: bytes) -> str:
    if version not in ("1.1", "1.0"):
        return "the protocol is not HTTP/1.1"
    if method == b"CONNECT":
        return "this is no proxy"
    if not target.isascii() or b"#" in target:
        return "the request target holds bytes that must be percent-encoded"
    if target[:1] == b"/" or (target == b"*" and method == b"OPTIONS") or AbsoluteTarget.parse(target) is not None:
        return ""
    return "the request target is neither a path nor an address of http"


def _flaw_of_coding(version: str, coding: bytes, has_length: bool) -> MeshError | None:
    """Tells whether a body ends where both sides think so (RFC 9112, section 6.3), and is in a coding known here."""
    if version == "1.0":
        return bad_request("a transfer coding is no part of HTTP/1.0")
    if has_length:
        return bad_request("the request has a transfer coding and a length")
    if coding.lower() == b"chunked":
        return None
    names = []
    for each in coding.lower().split(b","):
        name, parameters, _ = each.partition(b";")
        names.append(name.strip(b" \t"))
        if _IS_TOKEN.fullmatch(names[-1]) is None or (parameters and names[-1] == b"chunked"):
            return bad_request("the transfer coding is malformed")
    if b"chunked" in names[:-1]:
        return bad_request("chunked must be the last transfer coding, once")
    return MeshError(Kind.UNIMPLEMENTED, "NOT_IMPLEMENTED", "the only transfer coding that is known here is chunked")
