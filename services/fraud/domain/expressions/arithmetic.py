"""Computes what Python computes differently from CEL: 64-bit integers, division, conversions, bounded texts.

What has no value is None, as what is missing: an exception would take a hundred times as long.
"""

from __future__ import annotations

import math
import re

__all__ = [
    "LARGEST_INT",
    "LONGEST_TEXT",
    "SMALLEST_INT",
    "divide",
    "divide_whole",
    "join",
    "remainder_whole",
    "round_away",
    "rounded",
    "text_of_double",
    "to_double",
    "to_whole",
    "whole",
]

SMALLEST_INT = -(1 << 63)
LARGEST_INT = (1 << 63) - 1
LONGEST_TEXT = 16_384
"""Characters of a text that is put together; an event has no longer one."""

_WHOLE = re.compile(r"[-+]?[0-9]{1,19}", re.ASCII)
_DECIMAL = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?", re.ASCII)
_LONGEST_DECIMAL = 400
_BEYOND_INT = 2.0**63
_WITHOUT_FRACTION = 2.0**52
"""Doubles from here on are whole numbers."""


def whole(value: int) -> int | None:
    """Returns the value, None beyond 64 bits."""
    return value if SMALLEST_INT <= value <= LARGEST_INT else None


def divide_whole(left: int, right: int) -> int | None:
    """Divides towards zero; None for a division by zero, and for the smallest number by -1."""
    if not right:
        return None
    quotient = abs(left) // abs(right)
    return whole(quotient if (left < 0) == (right < 0) else -quotient)


def remainder_whole(left: int, right: int) -> int | None:
    """Returns the remainder, which has the sign of `left`; None where `divide_whole` has no quotient."""
    quotient = divide_whole(left, right)
    return None if quotient is None else left - quotient * right


def divide(left: float, right: float) -> float:
    """Divides as IEEE 754 does: by zero it is infinite, zero by zero is no number."""
    if right:
        return left / right
    if right != right or left != left or not left:
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def rounded(value: float, direction: int) -> float:
    """Rounds down (-1) or up (1) to a whole number."""
    if not -_WITHOUT_FRACTION < value < _WITHOUT_FRACTION:
        return value
    # With its sign, also of zero: what is divided by it is infinite in one direction or the other.
    return math.copysign(math.floor(value) if direction < 0 else math.ceil(value), value)


def round_away(value: float) -> float:
    """Rounds to the nearest whole number, halves away from zero."""
    if not -_WITHOUT_FRACTION < value < _WITHOUT_FRACTION:
        return value
    lower = math.floor(value)
    fraction = value - lower
    up = fraction > 0.5 or (fraction == 0.5 and value > 0)
    return math.copysign(lower + 1 if up else lower, value)


def to_whole(value: float | str) -> int | None:
    """Cuts off the fraction, or reads digits; None if there is no 64-bit number."""
    if isinstance(value, str):
        return whole(int(value)) if _WHOLE.fullmatch(value) else None
    return int(value) if -_BEYOND_INT < value < _BEYOND_INT else None


def to_double(value: str) -> float | None:
    """Reads a decimal number, with an exponent or not; None if it is none."""
    return float(value) if len(value) <= _LONGEST_DECIMAL and _DECIMAL.fullmatch(value) else None


def text_of_double(value: float) -> str:
    """Writes the shortest digits that read back as the value, whole numbers up to 10^15 without a point."""
    return str(int(value)) if abs(value) < 1e15 and value.is_integer() else repr(value)


def join(left: str, right: str) -> str | None:
    """Puts two texts together; None if that is longer than an event may be."""
    return left + right if len(left) + len(right) <= LONGEST_TEXT else None
