"""Reads and writes W3C trace context: the headers `traceparent` and `tracestate` (https://www.w3.org/TR/trace-context/).

A `traceparent` is handled as text of version 00: `00-<trace>-<span>-<flags>`, in lower case hexadecimal.
"""

from __future__ import annotations

import re
from random import getrandbits

__all__ = ["continued", "is_sampled", "received", "sampled", "started", "state", "unsampled"]

_TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL
)
SAMPLED = 0x01
_NOT_ZERO = 1 << 64 | 1
KNOWN_FLAGS = 0x03
"""Sampled, and random (level 2). Others must be cleared."""

_MEMBER = re.compile(r"[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")
MAX_MEMBERS = 32
MAX_STATE = 512
LONG_MEMBER = 128


def received(header: str) -> str:
    """Returns the caller's span as a `traceparent` of version 00, empty if the header is unusable.

    Of later versions the fields of version 00 are read, as section "Versioning of traceparent" says.
    """
    match = _TRACEPARENT.fullmatch(header)
    if match is None:
        return ""
    version, ids, flags, more = match.groups()
    if version == "00" and more is not None:
        return ""
    return f"00-{ids}-{int(flags, 16) & KNOWN_FLAGS:02x}"


def continued(parent: str) -> str:
    """Returns a new span of the parent's trace."""
    span = (getrandbits(64) | 1).to_bytes(8).hex()
    return f"{parent[:36]}{span}{parent[52:]}"


def started() -> str:
    """Returns the first span of a new trace. Its identifiers need not be secret."""
    ids = (getrandbits(192) | _NOT_ZERO).to_bytes(24).hex()
    return f"00-{ids[:32]}-{ids[32:]}-01"


def is_sampled(traceparent: str) -> bool:
    """Tells whether a usable `traceparent` says that its span is recorded; an empty one does not."""
    return bool(traceparent) and int(traceparent[53:], 16) & SAMPLED == SAMPLED


def sampled(traceparent: str) -> str:
    """Returns the span as one that is recorded."""
    return f"{traceparent[:53]}{int(traceparent[53:], 16) | SAMPLED:02x}"


def unsampled(traceparent: str) -> str:
    """Returns the span as one that is not recorded."""
    return f"{traceparent[:53]}{int(traceparent[53:], 16) & ~SAMPLED:02x}"


def state(header: str) -> str:
    """Returns the members of a `tracestate`, at most 512 characters of them; empty if it is malformed.

    The longest members go first, then the oldest (section "tracestate Limits").
    """
    members = [member for member in (each.strip(" \t") for each in header.split(",")) if member]
    keys = {member.partition("=")[0] for member in members}
    if len(members) > MAX_MEMBERS or len(keys) < len(members) or not all(map(_MEMBER.fullmatch, members)):
        return ""
    if _length(members) > MAX_STATE:
        members = [member for member in members if len(member) <= LONG_MEMBER]
    while _length(members) > MAX_STATE:
        members.pop()
    return ",".join(members)


def _length(members: list[str]) -> int:
    return sum(map(len, members)) + len(members) - 1
