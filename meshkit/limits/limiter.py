"""The port of rate limiters, with limits and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

__all__ = ["Limit", "LimitVerdict", "RateLimiter"]


class Limit:
    """How much one party may use: `rate` units per second, and `burst` of them at once (default: a second's worth).

    `key` says whose limit it is and is unique among all; `name` is what callers see of it.
    """

    __slots__ = ("burst", "interval", "key", "name", "window")

    def __init__(self, name: str, key: str, rate: float, burst: float | None = None) -> None:
        self.name = name
        self.key = key
        self.burst = max(1.0, rate if burst is None else burst)
        self.interval = 1.0 / rate
        """Seconds in which one unit comes back."""
        self.window = self.burst * self.interval
        """Seconds in which the whole burst comes back."""


class LimitVerdict(NamedTuple):
    """What the limiter says about one call and one limit."""

    allowed: bool
    remaining: int
    """Units left now."""
    reset_after: float
    """Seconds until the whole burst is there again."""
    retry_after: float
    """Seconds after which the same call would be allowed; 0 if it is."""


class RateLimiter(Protocol):
    """Decides, without waiting, whether calls are within their limits. `now` is monotonic seconds."""

    def take(self, limit: Limit, cost: int, now: float, paid: int = 0) -> LimitVerdict:
        """Charges `cost` units if they are there. A call never costs more than the burst.

        `paid` are units that the same call has paid before.
        """
        ...

    def take_all(self, limits: Sequence[Limit], cost: int, now: float, paid: int = 0) -> list[LimitVerdict]:
        """Charges every limit, or none of them if one refuses. Returns a verdict for each."""
        ...

    def give_back(self, limits: Sequence[Limit], cost: int) -> None:
        """Takes back what a call has paid that is refused after all."""
        ...

    def peek(self, limit: Limit, cost: int, now: float) -> LimitVerdict:
        """Tells what `take` would say, and charges nothing."""
        ...
