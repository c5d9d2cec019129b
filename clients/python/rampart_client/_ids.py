"""Identifiers that a call needs before its first attempt."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterable
from typing import Any, TypeVar, cast
from uuid import UUID

import betterproto2

Request = TypeVar("Request", bound=betterproto2.Message)


def new_id() -> str:
    """Returns a new UUIDv7 (RFC 9562)."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=value))


def with_ids(request: Request, paths: Iterable[str]) -> Request:
    """Copies the request with new identifiers where it has none, so that a retry is the same request.

    A path names a field, or a field of the messages of a list as "<list>.<field>".
    """
    changes: dict[str, Any] = {}
    for path in paths:
        name, _, inner = path.partition(".")
        value = getattr(request, name)
        if inner:
            changes[name] = [with_ids(item, [inner]) for item in value]
        elif not value:
            changes[name] = new_id()
    if not changes:
        return request
    # Every message is a dataclass, which its base class does not say to the type checker.
    message: Any = request
    return cast(Request, dataclasses.replace(message, **changes))
