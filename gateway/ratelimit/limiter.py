"""The port of the rate limiter."""

from __future__ import annotations

from typing import NamedTuple, Protocol

__all__ = ["RateLimiter", "Verdict"]


class Verdict(NamedTuple):
    """What the limiter says about one call."""

    allowed: bool
    limit: int
    """Units per second, which is also the burst."""
    remaining: int
    """Units left now."""
    reset_after: float
    """Seconds until the whole burst is there again."""
    retry_after: float
    """Seconds after which the same call would be allowed; 0 if it is."""


class RateLimiter(Protocol):
    """Decides, without waiting, whether a call is within the limit of its key."""

    def take(self, key: object, limit: float, cost: int, now: float) -> Verdict:
        """Charges `cost` units to a key that may use `limit` units per second. `now` is monotonic seconds."""
        ...
