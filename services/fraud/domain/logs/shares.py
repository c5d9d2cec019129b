"""Divides the memory of the entity logs among tenants: whoever wants little gets it, and the others get the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from math import inf

__all__ = [
    "LEAST_SECONDS",
    "MOST_SECONDS",
    "UsageEstimate",
    "fair_level",
    "first_seconds",
    "most_over",
    "next_seconds",
    "room_of",
]

LEAST_SECONDS, MOST_SECONDS = 60, 4 * 3_600
"""For how long a log of a crowded tenant stays after its last use: until what was being decided is stored, at least."""
TOLERANCE = 1.05
"""A tenant is over its share if it has so much more: less than that is what samples differ by."""
GROWS, SHRINKS, HALVES = 1.25, 0.7, 0.5
SHRINKS_AFTER = 30
"""Seconds for which it is waited whether what stays for long goes first."""
DECAY = 0.7
"""What was sampled before counts so much less with every round."""
NEGLIGIBLE = 0.01


def fair_level(usage: Iterable[float], capacity: float) -> float:
    """Returns what a tenant may take at most so that all together take the capacity; infinity if they take less."""
    wanted, left = sorted(usage), max(capacity, 0.0)
    for place, each in enumerate(wanted):
        others = len(wanted) - place
        if each * others > left:
            return left / others
        left -= each
    return inf


def room_of(tag: bytes, usage: Mapping[bytes, float], capacity: float) -> float:
    """Returns what a tenant may take, given what the others do."""
    return fair_level([*(each for other, each in usage.items() if other != tag), inf], capacity)


def most_over(usage: Mapping[bytes, float], capacity: float, but: Collection[bytes]) -> bytes | None:
    """Returns the tenant that takes the most of those that take more than their share, none `but` some."""
    level = fair_level(usage.values(), capacity)
    over = [tag for tag, each in usage.items() if each > TOLERANCE * level and tag not in but]
    return max(over, key=usage.__getitem__, default=None)


def next_seconds(seconds: int, usage: float, room: float, waited: float, *, urgent: bool) -> int:
    """Returns for how long logs of a crowded tenant are to stay after their last use, to fill what it may take.

    `waited` is for how long that has been so many seconds: a longer time shows its effect only once it has passed.
    """
    if urgent:
        return max(LEAST_SECONDS, int(seconds * HALVES))
    if usage > TOLERANCE * room and waited > SHRINKS_AFTER:
        return max(LEAST_SECONDS, int(seconds * SHRINKS))
    if usage <= room and waited > seconds:
        return min(MOST_SECONDS, max(seconds + 1, int(seconds * GROWS)))
    return seconds


def first_seconds(spare: float, growth: float) -> int:
    """Returns for how long logs are to stay at first, so that there is room for as much as comes meanwhile."""
    fits = spare / growth if growth > 0 else inf
    return int(min(max(fits, LEAST_SECONDS), MOST_SECONDS))


class UsageEstimate:
    """Estimates what tenants take from keys that were looked at, of which the newer count for more."""

    def __init__(self) -> None:
        self._bytes: dict[bytes, float] = {}
        self._looked_at = 0.0

    def age(self) -> None:
        """Lets what was added before count for less."""
        self._looked_at *= DECAY
        self._bytes = {tag: each * DECAY for tag, each in self._bytes.items() if each > NEGLIGIBLE}

    def add(self, samples: Iterable[tuple[bytes, int]]) -> None:
        """Adds keys: whose they are and what they take. An empty tag is of nobody's."""
        for tag, size in samples:
            self._looked_at += 1
            if tag:
                self._bytes[tag] = self._bytes.get(tag, 0.0) + size

    def usage(self, keys: int) -> Mapping[bytes, float]:
        """Returns what tenants take of so many keys."""
        each = keys / self._looked_at if self._looked_at else 0.0
        return {tag: found * each for tag, found in self._bytes.items()}
