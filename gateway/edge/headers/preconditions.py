"""Evaluates the conditions of a read against the tag that its 200 would carry (RFC 9110, sections 13.1 and 13.2.2).

That is the tag of the very representation that would be sent, in its coding: a 304 with another one would name a
stored answer that the caller does not have. `If-Modified-Since` and `If-Unmodified-Since` are ignored, as they must be
for what has no modification date (sections 13.1.3 and 13.1.4).
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.edge.headers.etags import TagError, listed
from meshkit.errors import Kind, MeshError

__all__ = ["mismatch", "unchanged"]


def mismatch() -> MeshError:
    """Returns the error for a resource that is not in the state that the caller knows: 412."""
    return MeshError(Kind.ABORTED, "ETAG_MISMATCH", "the resource is in another state than the condition says")


def unchanged(headers: Mapping[bytes, bytes], etag: bytes | None) -> bool:
    """Tells whether the caller has the answer already, so that it is 304. Raises MeshError 412.

    `etag` is the field value of the 200; None if it would have none.
    """
    if b"if-match" in headers and not _strongly(headers[b"if-match"], etag):
        raise mismatch()
    return b"if-none-match" in headers and _weakly(headers[b"if-none-match"], etag)


def _strongly(field: bytes, etag: bytes | None) -> bool:
    return any(each == b"*" or (each == etag and not each.startswith(b"W/")) for each in _listed(field))


def _weakly(field: bytes, etag: bytes | None) -> bool:
    opaque = etag.removeprefix(b"W/") if etag is not None else None
    return any(each == b"*" or each.removeprefix(b"W/") == opaque for each in _listed(field))


def _listed(field: bytes) -> list[bytes]:
    """Reads a condition; one that holds no tags matches nothing."""
    try:
        return listed(field)
    except TagError:
        return []
