"""Parses query strings (application/x-www-form-urlencoded) strictly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

from gateway.errors.places import malformed

__all__ = ["pairs"]

MAX_PARAMETERS = 100

_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def pairs(query: bytes) -> Iterator[tuple[str, str]]:
    """Splits a query string into decoded names and values. Raises MeshError."""
    parts = query.split(b"&")
    if len(parts) > MAX_PARAMETERS:
        raise malformed("query", "", f"has more than {MAX_PARAMETERS} parameters")
    for part in parts:
        if part:
            name, _, value = part.partition(b"=")
            yield _decode(name), _decode(value)


def _decode(text: bytes) -> str:
    if b"%" in text and _BAD_PERCENT.search(text):
        raise malformed("query", "", "holds a broken percent encoding")
    try:
        return unquote_plus(text.decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        raise malformed("query", "", "is not UTF-8 in percent encoding") from None
