"""Parses `Idempotency-Key`."""

from __future__ import annotations

import re

from gateway.errors.places import HttpViolation
from gateway.grammar.structured import StructuredFieldError, read_string
from meshkit.errors import Kind, MeshError

__all__ = ["HEADER", "read_key"]

HEADER = b"idempotency-key"

_WORDS = "must be 1 to 255 visible ASCII characters, bare or as a structured-field string"
_BARE = re.compile(rb"[!#-~][!-~]{0,254}")
_KEY = re.compile(r"[!-~]{1,255}")


def read_key(value: bytes) -> str:
    """Returns the key of `"8e03978e"`, as the draft writes it, or of `8e03978e`, as many clients do: the same key.

    Raises MeshError IDEMPOTENCY_KEY_INVALID.
    """
    value = value.strip(b" \t")
    if _BARE.fullmatch(value):
        return value.decode()
    try:
        key = read_string(value)
    except StructuredFieldError:
        key = ""
    if not _KEY.fullmatch(key):
        raise MeshError(
            Kind.INVALID_ARGUMENT,
            "IDEMPOTENCY_KEY_INVALID",
            f"the Idempotency-Key {_WORDS}",
            violations=[HttpViolation("Idempotency-Key", "malformed", _WORDS, "header", "Idempotency-Key")],
        )
    return key
