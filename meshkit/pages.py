"""Encodes opaque page tokens (AIP-158): the place after the last row, bound to the request that they continue."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence

from google.protobuf.message import Message

from meshkit.errors import Kind, MeshError

__all__ = ["decode", "encode", "invalid", "page_size"]

DEFAULT_SIZE = 50
MAX_SIZE = 1000


def page_size(asked: int) -> int:
    return min(asked or DEFAULT_SIZE, MAX_SIZE)


def encode(request: Message, place: Sequence[str]) -> str:
    """Returns the token that continues `request` after `place`."""
    return base64.urlsafe_b64encode(json.dumps([_fingerprint(request), *place]).encode()).decode().rstrip("=")


def decode(request: Message, token: str, parts: int) -> list[str] | None:
    """Returns the place, None for the first page; raises PAGE_TOKEN_INVALID for a token of another request."""
    if not token:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        values = None
    if (
        not isinstance(values, list)
        or len(values) != parts + 1
        or not all(_is_text(value) for value in values)
        or values[0] != _fingerprint(request)
    ):
        raise invalid()
    return values[1:]


def invalid() -> MeshError:
    """Returns the error for a token that no answer has held."""
    return MeshError(
        Kind.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID", "page_token is not one that this request was answered with"
    )


def _is_text(value: object) -> bool:
    """Tells whether a store can hold a value as text: tokens are not signed, and JSON escapes can be anything."""
    return isinstance(value, str) and "\0" not in value and not any("\ud800" <= char <= "\udfff" for char in value)


def _fingerprint(request: Message) -> str:
    """Identifies the filters of a list request, whatever its page."""
    filters = type(request)()
    filters.CopyFrom(request)
    for field in ("page_token", "page_size"):
        filters.ClearField(field)
    return hashlib.sha256(filters.SerializeToString(deterministic=True)).hexdigest()[:16]
