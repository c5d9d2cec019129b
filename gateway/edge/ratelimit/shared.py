"""The port of the state that limiters of several processes share, and its twin in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

__all__ = ["Charge", "LimitsUnavailableError", "MemoryShared", "SharedLimits", "Tally"]

MEMBER_SECONDS = 5.0
"""A limiter that was not heard of for this long does not count as one any more."""


class LimitsUnavailableError(Exception):
    """The shared state cannot be used now."""


class Charge(NamedTuple):
    """What a call takes from one key, all in seconds (see `meshkit.limits.memory`)."""

    key: str
    seconds: float
    window: float


class Tally(NamedTuple):
    """What a strict check found."""

    allowed: bool
    backlogs: Sequence[float]
    """Of each key, in seconds, before the charge."""


class SharedLimits(Protocol):
    """Backlogs in seconds by key, on one clock. Every operation is bounded in time or raises LimitsUnavailableError."""

    async def exchange(self, uses: Mapping[str, float]) -> Sequence[float]:
        """Adds what was used of each key, whatever its limit, and returns the backlogs with it, in the same order."""
        ...

    async def take(self, charges: Sequence[Charge]) -> Tally:
        """Charges every key, or none of them if one has no room, in one atomic step."""
        ...

    async def meet(self, member: str) -> int:
        """Says that a limiter lives and returns how many do."""
        ...


class MemoryShared:
    """Implements `SharedLimits` for limiters of one process."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._whole_at: dict[str, float] = {}
        self._seen: dict[str, float] = {}

    async def exchange(self, uses: Mapping[str, float]) -> Sequence[float]:
        now = self._clock()
        return [self._add(key, seconds, now) for key, seconds in uses.items()]

    async def take(self, charges: Sequence[Charge]) -> Tally:
        now = self._clock()
        backlogs = [max(0.0, self._whole_at.get(charge.key, now) - now) for charge in charges]
        pairs = zip(backlogs, charges, strict=True)
        allowed = all(backlog + charge.seconds - charge.window <= 1e-9 for backlog, charge in pairs)
        if allowed:
            for charge in charges:
                self._add(charge.key, charge.seconds, now)
        return Tally(allowed, backlogs)

    async def meet(self, member: str) -> int:
        now = self._clock()
        self._seen = {name: at for name, at in self._seen.items() if at > now - MEMBER_SECONDS} | {member: now}
        return len(self._seen)

    def _add(self, key: str, seconds: float, now: float) -> float:
        backlog = max(0.0, max(0.0, self._whole_at.get(key, now) - now) + seconds)
        self._whole_at[key] = now + backlog
        return backlog
