"""Converts amounts exactly: a double on the wire, a whole number of the currency's smallest units inside."""

from __future__ import annotations

import math

__all__ = ["to_minor"]

ARITHMETIC_ULPS = 4


def to_minor(amount: float, digits: int) -> int | None:
    """Returns the amount in smallest units, None if it has more digits than the currency.

    A double that arithmetic has moved by a few units in its last place (85.64999999999999) is the decimal beside it.
    """
    minor = round(amount * 10**digits)
    return minor if abs(minor / 10**digits - amount) <= ARITHMETIC_ULPS * math.ulp(amount) else None
