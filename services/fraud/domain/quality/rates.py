"""Shares with the uncertainty that few cases leave."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

__all__ = ["CountedRate", "wilson_interval"]

Z = 1.959963984540054
"""Of a normal distribution, 95 % lie within so many deviations."""


class CountedRate(NamedTuple):
    """A share of cases, as counts."""

    hits: int
    of: int

    @property
    def share(self) -> float | None:
        """None of no case."""
        return self.hits / self.of if self.of else None


def wilson_interval(hits: int, of: int) -> tuple[float, float]:
    """Returns the bounds between which the share lies with 95 % confidence (Wilson, 1927). Of no case: 0 to 1."""
    if not of:
        return 0.0, 1.0
    share, spread = hits / of, Z * Z / of
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * sqrt(share * (1 - share) / of + spread / (4 * of))
    # At the ends the bound is exact, and rounding must not move it.
    return 0.0 if not hits else max(0.0, middle - half), 1.0 if hits == of else min(1.0, middle + half)
