"""When a failed call is sent again."""

from __future__ import annotations

import random

import grpc

from .errors import RampartError

FIRST_BACKOFF = 0.05
LONGEST_BACKOFF = 1.0
BURST = 10.0


class RetryPolicy:
    """Allows retries of what no service has accepted, within a budget that all calls of a client share.

    Each call earns `budget` of a retry, up to a burst of 10, and each retry spends one: when everything fails, the
    load grows by the budget and no more. A stream that has begun takes none of it: it is one call that waits between
    its attempts, however long an outage lasts.
    """

    def __init__(self, *, budget: float, max_attempts: int) -> None:
        self._budget = budget
        self._max_attempts = max_attempts
        self._balance = BURST if budget > 0 else 0.0

    def earn(self) -> None:
        """Counts a call."""
        self._balance = min(BURST, self._balance + self._budget)

    def delay(self, error: RampartError, *, attempts: int, remaining: float, resumed: bool = False) -> float | None:
        """Returns the seconds to wait before the next attempt, or None if there is to be none.

        `attempts` counts those made since the last answer, `remaining` is the time left for the call in seconds, and
        `resumed` tells of a stream that has begun.
        """
        if error.code is not grpc.StatusCode.UNAVAILABLE or attempts >= self._max_attempts:
            return None
        if not resumed and self._balance < 1:
            return None
        delay = random.uniform(0, min(LONGEST_BACKOFF, FIRST_BACKOFF * 2**attempts))
        delay = max(delay, error.retry_after or 0.0)
        if delay >= remaining:
            return None
        if not resumed:
            self._balance -= 1
        return delay
