"""Says how long checks that are decided together may wait for what they are judged by."""

from __future__ import annotations

import time
from collections.abc import Mapping

from services.fraud.domain.check import Key
from services.fraud.service.checks.calls import CheckCall

__all__ = ["COMMIT_SECONDS", "LEAST_SECONDS", "Waits", "is_late"]

COMMIT_SECONDS = 0.2
"""What of a caller's time is kept for the commit and the way back, but never more than a half."""
LEAST_SECONDS = 0.01
"""No check that has less is begun: it could not be stored in time."""
LONGEST_READ = 3.5
"""Seconds after which a batch goes on with what is there, however much time its callers have: see `COMMIT_BY`."""
AGAIN_SECONDS = 0.1
"""Reading that is worth beginning anew for a check that others could not wait for."""


class Waits:
    """Until when a batch waits: the first of its callers needs the decision then, less what the commit takes."""

    def __init__(self, calls: Mapping[Key, CheckCall], commit_seconds: float = COMMIT_SECONDS) -> None:
        self._calls = calls
        self._commit_seconds = commit_seconds
        self._began = time.monotonic()
        deadlines = [call.context.deadline for call in calls.values() if call.context.deadline is not None]
        self._first = min(deadlines) if deadlines else None
        self._until = self._limit(self._first)

    @property
    def left(self) -> float:
        """Seconds until the batch goes on with what is there."""
        return max(0.0, self._until - time.monotonic())

    @property
    def to_the_end(self) -> float:
        """Seconds until the first caller has gone."""
        return max(0.0, (self._until if self._first is None else self._first) - time.monotonic())

    def can_wait(self, key: Key) -> bool:
        """Tells whether a check has the time to be read once more, with others that have it as well."""
        call = self._calls.get(key)
        limit = self._limit(call.context.deadline if call is not None else None)
        return limit - time.monotonic() > AGAIN_SECONDS

    def _limit(self, deadline: float | None) -> float:
        """Returns when a check with this deadline goes on with what is there."""
        longest = self._began + LONGEST_READ
        if deadline is None:
            return longest
        return min(longest, deadline - min(self._commit_seconds, (deadline - self._began) / 2))


def is_late(call: CheckCall, now: float) -> bool:
    """Tells whether a caller will have gone before its decision can be stored. `now` is monotonic."""
    deadline = call.context.deadline
    return deadline is not None and deadline - now < LEAST_SECONDS
