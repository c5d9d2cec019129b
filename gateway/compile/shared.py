"""Shares what is computed from an answer among the callers of identical reads that one call answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

__all__ = ["LARGEST_SHARED", "shared"]

LARGEST_SHARED = 1 << 20
"""Bytes of an answer; what is computed from a larger one is not held."""

Result = TypeVar("Result")


def shared(compute: Callable[[bytes], Result]) -> Callable[[bytes], Result]:
    """Returns a function that computes once for all who got the very same answer, one after the other.

    Callers whose reads were collapsed get one bytes object. It is compared by identity, so that no caller gets what is
    another tenant's. Holds one answer, of at most `LARGEST_SHARED` bytes, until the next.
    """
    last: tuple[bytes, Result] | None = None

    def compute_once(data: bytes) -> Result:
        nonlocal last
        if last is not None and data is last[0]:
            return last[1]
        result = compute(data)
        last = (data, result) if len(data) <= LARGEST_SHARED else None
        return result

    return compute_once
