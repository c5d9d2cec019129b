"""Reads query strings: forms of ASCII, for what else stands in an address is percent-encoded (RFC 3986)."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.errors.places import malformed
from gateway.grammar import form
from gateway.grammar.form import FormError

__all__ = ["pairs"]

MAX_PARAMETERS = 100


def pairs(query: bytes) -> Iterator[tuple[str, str]]:
    """Yields decoded names and values. Raises MeshError."""
    if not query.isascii():
        raise malformed("query", "", "holds bytes that must be percent-encoded")
    try:
        yield from form.pairs(query, limit=MAX_PARAMETERS)
    except FormError as error:
        raise malformed("query", "", str(error)) from None
