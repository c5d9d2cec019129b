"""Parses `Idempotency-Key`."""

from __future__ import annotations

import re

from gateway.errors.places import HttpViolation
from meshkit.errors import Kind, MeshError

__all__ = ["HEADER", "read_key"]

HEADER = b"idempotency-key"

_WORDS = "must be 1 to 255 visible ASCII characters, bare or as a structured-field string"
_BARE = re.compile(rb"[!#-~][!-~]{0,254}")
# RFC 9651, section 3.3.3: a quote and a backslash are escaped. Parameters of the item have no meaning here.
_STRING = re.compile(rb'"((?:[!#-\[\]-~]|\\["\\])+)"(?:;[ ;a-z0-9_.*=-]*)?')
_MAX_LENGTH = 255


def read_key(value: bytes) -> str:
    """Returns the key of `"8e03978e"`, as the draft writes it, or of `8e03978e`, as many clients do: the same key.

    Raises MeshError IDEMPOTENCY_KEY_INVALID.
    """
    value = value.strip(b" \t")
    if _BARE.fullmatch(value):
        return value.decode()
    string = _STRING.fullmatch(value)
    key = re.sub(rb"\\(.)", rb"\1", string[1]) if string is not None else b""
    if not 0 < len(key) <= _MAX_LENGTH:
        raise MeshError(
            Kind.INVALID_ARGUMENT,
            "IDEMPOTENCY_KEY_INVALID",
            f"the Idempotency-Key {_WORDS}",
            violations=[HttpViolation("Idempotency-Key", "malformed", _WORDS, "header", "Idempotency-Key")],
        )
    return key.decode()
