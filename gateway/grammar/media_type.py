"""Reads `Content-Type` (RFC 9110, section 8.3.1)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["MediaType", "read_media_type"]

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_TYPE = re.compile(rb"[ \t]*(%b/%b)[ \t]*" % (_TOKEN, _TOKEN))
_PARAMETER = re.compile(rb';[ \t]*(?:(%b)=(?:(%b)|"((?:[^"\\]|\\.)*)"))?[ \t]*' % (_TOKEN, _TOKEN))


class MediaType(NamedTuple):
    """A media type in lower case, and its parameters: names in lower case, values as they are."""

    name: bytes
    parameters: dict[bytes, bytes]


@lru_cache(maxsize=256)
def read_media_type(field: bytes) -> MediaType | None:
    """Returns what a field says; None if it is malformed, or says a parameter twice."""
    kind = _TYPE.match(field)
    if kind is None:
        return None
    parameters: dict[bytes, bytes] = {}
    at = kind.end()
    while at < len(field):
        found = _PARAMETER.match(field, at)
        if found is None or (found[1] or b"").lower() in parameters:
            return None
        if found[1] is not None:
            value = found[2] if found[2] is not None else re.sub(rb"\\(.)", rb"\1", found[3])
            parameters[found[1].lower()] = value
        at = found.end()
    return MediaType(kind[1].lower(), parameters)
