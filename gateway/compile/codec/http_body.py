"""Reads answers that are `google.api.HttpBody`: bytes of any media type."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from protobuf import DescField, DescFieldValueMessage, DescMessage

from gateway.compile.codec.members import member

__all__ = ["HTTP_BODY", "UNKNOWN", "raw_body"]

HTTP_BODY = "google.api.HttpBody"
UNKNOWN = b"application/octet-stream"

_MEDIA_TYPE = re.compile(rb"[!-~]+/[!-~]+( *;[ -~]*)?")


def raw_body(message: DescMessage, field: DescField | None) -> Callable[[bytes], tuple[bytes, bytes]] | None:
    """Returns what reads the media type and the bytes of an HttpBody, if an answer or the field of it is one.

    What is no media type, and could be a header of its own, is `application/octet-stream`.
    """
    if field is None:
        return _reader(message, None) if message.type_name == HTTP_BODY else None
    value = field.value
    if not isinstance(value, DescFieldValueMessage) or value.message.type_name != HTTP_BODY:
        return None
    return _reader(message, field)


def _reader(message: DescMessage, field: DescField | None) -> Callable[[bytes], tuple[bytes, bytes]]:
    read = message.type.from_binary

    def raw(data: bytes) -> tuple[bytes, bytes]:
        found: Any = read(data)
        body = found if field is None else member(found, field)
        if body is None:
            return UNKNOWN, b""
        media_type = body.content_type.encode()
        return media_type if _MEDIA_TYPE.fullmatch(media_type) else UNKNOWN, body.data

    return raw
