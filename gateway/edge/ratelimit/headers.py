"""Writes `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11).

No partition key is sent. It would tell a caller nothing that it does not know of itself, and strangers too much.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

from gateway.grammar.structured import string_item
from meshkit.limits import Limit, LimitVerdict

__all__ = ["policy_field", "state_field"]

_item = lru_cache(1_000)(string_item)


def policy_field(limits: Iterable[Limit]) -> tuple[bytes, bytes]:
    """Returns the field that names every limit of a call: its quota, and the seconds in which that comes back."""
    items = [f"{_item(limit.name)};q={int(limit.burst)};w={max(1, round(limit.window))}" for limit in limits]
    return b"ratelimit-policy", ", ".join(items).encode("ascii")


def state_field(limit: Limit, verdict: LimitVerdict) -> tuple[bytes, bytes]:
    """Returns the field of the limit that is closest to refusing.

    `t` ends when the whole quota is back or, for a refused call, when the call would be allowed: not after Retry-After.
    """
    allowed, remaining, reset_after, retry_after = verdict
    until = math.ceil(reset_after if allowed else retry_after) or 1
    return b"ratelimit", f"{_item(limit.name)};r={remaining};t={until}".encode()
