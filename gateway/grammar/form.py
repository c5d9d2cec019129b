"""Reads application/x-www-form-urlencoded: bodies of forms, and queries (URL Standard, section 5.1).

Stricter than the standard where two readers could see two things: a broken percent encoding and bytes that are no UTF-8
are refused, where it keeps the first and replaces the second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

__all__ = ["FormError", "pairs"]

_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class FormError(ValueError):
    """A text is no form. Its words follow the name of what was read."""


def pairs(data: bytes, *, limit: int) -> Iterator[tuple[str, str]]:
    """Yields decoded names and values. Empty pairs are none, and a name without `=` has an empty value.

    Raises FormError, for more than `limit` pairs as well.
    """
    parts = [part for part in data.split(b"&") if part]
    if len(parts) > limit:
        raise FormError(f"has more than {limit} parameters")
    for part in parts:
        name, _, value = part.partition(b"=")
        yield _decode(name), _decode(value)


def _decode(text: bytes) -> str:
    if b"%" in text and _BAD_PERCENT.search(text):
        raise FormError("holds a broken percent encoding")
    try:
        return unquote_to_bytes(text.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise FormError("is not UTF-8 in percent encoding") from None
