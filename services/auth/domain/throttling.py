"""Limits what can be guessed, without letting a stranger keep anybody out.

Failures are counted where they come from. A person's own devices and addresses, with which he signed in within 30 days,
have counts of their own, so that what strangers guess delays nothing there. All others share one count of the account,
one of their address and one of the tenant. After some failures that cost nothing, each doubles the wait for the next
attempt; failures are forgotten as time passes.

    count               free   wait       forgotten after
    account, each of 3     3   1 s-3 min  10 min each
    address               20   1 s-1 min  1 min each
    tenant              1000   10 ms-1 s  1 s each

So an account sees at most 30 failures an hour from strangers, and as many from its known addresses and known devices:
90 together. An attempt is counted before it is checked, and the count is taken back if it was right: of a hundred that
come at once, no more are checked than of a hundred that come one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = [
    "ACCOUNT",
    "ADDRESS",
    "KNOWN_FOR",
    "MOST_MARKS",
    "TENANT",
    "FailureCharge",
    "FailureCount",
    "FailureLimit",
    "longest_wait",
]

KNOWN_FOR = timedelta(days=30)
"""How long an address or device counts as a person's own after he signed in with it."""
MOST_MARKS = 20
"""Addresses and devices of one person that are remembered: the latest."""


@dataclass(frozen=True, slots=True)
class FailureLimit:
    """How failures of one count make the next attempt wait, in seconds."""

    free: int
    """Failures after which there is no wait."""
    first: float
    """Wait after the one after those."""
    most: float
    forget: float
    """Time in which one failure is forgotten."""

    @property
    def top(self) -> float:
        """Most that is counted: the wait is the longest there, so that more would only be remembered for longer."""
        return self.free + 1 + math.ceil(math.log2(self.most / self.first))

    def wait(self, failures: float) -> float:
        """Returns the seconds until the next attempt."""
        over = failures - self.free
        return 0.0 if over <= 0 else min(self.most, self.first * 2 ** (over - 1))


ACCOUNT = FailureLimit(free=3, first=1.0, most=180.0, forget=600.0)
ADDRESS = FailureLimit(free=20, first=1.0, most=60.0, forget=60.0)
TENANT = FailureLimit(free=1000, first=0.01, most=1.0, forget=1.0)


@dataclass(frozen=True, slots=True)
class FailureCharge:
    """An attempt in one of the counts that it is in."""

    key: bytes
    """Keyed hash of what is counted: a count does not tell whose it is."""
    limit: FailureLimit


@dataclass(frozen=True, slots=True)
class FailureCount:
    """What is stored of a count."""

    failures: float
    at: datetime
    """When `failures` were as many."""
    blocked_until: datetime

    def charged(self, limit: FailureLimit, now: datetime) -> FailureCount | None:
        """Returns the count with one more failure, None while attempts have to wait."""
        if self.blocked_until > now:
            return None
        # Attempts at once come in any order, and from processes whose clocks differ: a time before is no wait.
        passed = max(0.0, (now - self.at).total_seconds())
        failures = min(limit.top, max(0.0, self.failures - passed / limit.forget) + 1)
        wait = limit.wait(failures)
        return FailureCount(failures, max(self.at, now), now + timedelta(seconds=wait) if wait else self.blocked_until)

    def refunded(self, now: datetime) -> FailureCount:
        """Returns the count without the failure that was none."""
        return FailureCount(max(0.0, self.failures - 1), self.at, min(self.blocked_until, now))


def longest_wait(counts: Sequence[FailureCount], now: datetime) -> float:
    """Returns the seconds until none of the counts makes attempts wait."""
    return max((each.blocked_until - now).total_seconds() for each in counts)
