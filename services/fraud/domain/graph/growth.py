"""How large a component is, and was at the ends of the days before: what it has grown by in a week."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

__all__ = ["GROWTH_DAYS", "SizeHistory", "day_of", "lone"]

GROWTH_DAYS = 7
"""The day that is asked about, and those before it."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SizeHistory(NamedTuple):
    """The size of a component on a day, and those at the ends of the days before it."""

    size: int
    day: int
    """Of UTC, since 1970."""
    ends: tuple[int, ...]
    """Of the `GROWTH_DAYS` days before, the last of them first."""

    def on(self, day: int) -> SizeHistory:
        """Returns the same as it stands on a day. A day that is over changes nothing."""
        passed = min(day - self.day, GROWTH_DAYS)
        if passed <= 0:
            return self
        return SizeHistory(self.size, day, (*[self.size] * passed, *self.ends)[:GROWTH_DAYS])

    def grown(self, size: int, day: int) -> SizeHistory:
        """Returns what it is with another size from a day on."""
        return self.on(day)._replace(size=size)

    def growth(self, day: int) -> int:
        """Returns by how many members it has grown in `GROWTH_DAYS` days, of which a day is the last."""
        return self.size - self.on(day).ends[-1]


def lone(day: int) -> SizeHistory:
    """Returns what an entity is that is linked with no other: a component of one member, from a day on."""
    return SizeHistory(1, day, (0,) * GROWTH_DAYS)


def day_of(time: datetime) -> int:
    """Returns the day of a time, in UTC, since 1970."""
    return (time - _EPOCH).days
