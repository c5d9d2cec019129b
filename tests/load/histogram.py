"""Histogram of times with 1,024 steps to a doubling: constant memory, quantiles within 0.1 %, like HdrHistogram."""

from __future__ import annotations

import math
from array import array

__all__ = ["Histogram"]

STEP_BITS = 11
LONGEST_SECONDS = 600.0
"""Longer times count as this long."""


class Histogram:
    """Counts times in seconds with a resolution of a microsecond below 2 ms and of 0.1 % above."""

    def __init__(self) -> None:
        self._longest = round(LONGEST_SECONDS * 1e6)
        self._counts = array("Q", bytes(8 * (_place(self._longest) + 1)))
        self._max = 0.0
        self.count = 0

    def add(self, seconds: float) -> None:
        """Counts one time; less than nothing is nothing."""
        microseconds = min(max(0, int(seconds * 1e6)), self._longest)
        self._counts[_place(microseconds)] += 1
        self.count += 1
        if seconds > self._max:
            self._max = seconds

    def quantile(self, share: float) -> float:
        """Returns the time in seconds that at least `share` (0 to 1) of the times do not exceed; of none it is NaN."""
        if not self.count:
            return math.nan
        if share >= 1:
            return self._max
        rank, seen = max(1, math.ceil(share * self.count)), 0
        for place, count in enumerate(self._counts):
            seen += count
            if seen >= rank:
                return min(_middle(place), self._max)
        return self._max


def _place(microseconds: int) -> int:
    """Returns where a time is counted: its leading bits beside the number of those left out."""
    dropped = max(0, microseconds.bit_length() - STEP_BITS)
    return (dropped << (STEP_BITS - 1)) + (microseconds >> dropped)


def _middle(place: int) -> float:
    """Returns the middle, in seconds, of the times that are counted in one place."""
    dropped = max(0, (place >> (STEP_BITS - 1)) - 1)
    leading = place - (dropped << (STEP_BITS - 1))
    return ((leading << dropped) + (1 << dropped) / 2) / 1e6
