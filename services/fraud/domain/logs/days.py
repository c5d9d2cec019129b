"""Totals of days: what the records of a stream come to on one day, in UTC, for one value of a key.

Totals of several days, in whatever order and however they were divided, merge into the total of all of them.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from math import sqrt
from typing import NamedTuple, TypeAlias

from services.fraud.domain.declared.feature import DAY_MS
from services.fraud.domain.logs.blocks import FAR, NEVER

__all__ = ["NOTHING", "DayTotal", "Days", "deviation", "merged_days", "pack_days", "total_of", "unpack_days"]


class DayTotal(NamedTuple):
    """Records of some days together. What is not aggregated is as in `NOTHING`."""

    n: int = 0
    total: int = 0
    square: int = 0
    """The sum of squares."""
    low: int = FAR
    high: int = NEVER
    first: int = FAR
    """Times, in ms since 1970."""
    last: int = NEVER

    def merged(self, other: DayTotal) -> DayTotal:
        return DayTotal(
            self.n + other.n,
            self.total + other.total,
            self.square + other.square,
            min(self.low, other.low),
            max(self.high, other.high),
            min(self.first, other.first),
            max(self.last, other.last),
        )


NOTHING = DayTotal()
Days: TypeAlias = Mapping[tuple[int, int], DayTotal]
"""By day, since 1970, and number of the currency; 0 where currencies are not told apart."""

# Day, currency, count; the sum in 128 bits and that of squares in 192; least and greatest; first and last in ms of the
# day. None of them can be too small for as many records of 64 bits as there are counts.
_PACKED = struct.Struct("<HHIQqQQQqqII")
_SIZE = _PACKED.size
_WORDS, _QUARTERS = _SIZE // 8, _SIZE // 4
_WORD = 2**64


def deviation(count: int, total: int, square: int) -> float:
    """Returns the standard deviation of the population, from exact sums."""
    return sqrt(count * square - total * total) / count


def merged_days(one: Days, other: Days) -> Days:
    """Returns the totals of two parts of the records."""
    return {**one, **{place: each.merged(one.get(place, NOTHING)) for place, each in other.items()}}


def pack_days(days: Days) -> bytes:
    """Packs totals of at least one record each, 72 bytes a day and currency, in order."""
    return b"".join(_pack(day, currency, each) for (day, currency), each in sorted(days.items()))


def unpack_days(packed: bytes) -> Days:
    """Returns the totals that were packed."""
    return {(day, currency): each for day, currency, each in _unpacked(packed)}


def total_of(packed: bytes, currency: int, first: int, until: int) -> DayTotal:
    """Returns the total of the packed days from one to before another, in a currency."""
    halves = _columns("H", packed)
    days, currencies = halves[:: _SIZE // 2], halves[1 :: _SIZE // 2]
    start, end = bisect_left(days, first), bisect_left(days, until)
    rows, days, own = packed[start * _SIZE : end * _SIZE], days[start:end], currencies[start:end]
    if own.count(currency) < len(own):
        chosen = [at for at, each in enumerate(own) if each == currency]
        rows = b"".join([rows[at * _SIZE : (at + 1) * _SIZE] for at in chosen])
        days = array("H", [days[at] for at in chosen])
    if not rows:
        return NOTHING
    quarters, words, signed = _columns("I", rows), _columns("Q", rows), _columns("q", rows)
    # A day is there once, so that the first of them begins the window and the last ends it.
    return DayTotal(
        sum(quarters[1::_QUARTERS]),
        sum(words[1::_WORDS]) + _WORD * sum(signed[2::_WORDS]),
        sum(words[3::_WORDS]) + _WORD * (sum(words[4::_WORDS]) + _WORD * sum(words[5::_WORDS])),
        min(signed[6::_WORDS]),
        max(signed[7::_WORDS]),
        days[0] * DAY_MS + quarters[_QUARTERS - 2],
        days[-1] * DAY_MS + quarters[-1],
    )


def _columns(code: str, packed: bytes) -> array[int]:
    found: array[int] = array(code)
    found.frombytes(packed)
    return found


def _pack(day: int, currency: int, each: DayTotal) -> bytes:
    total_high, total_low = divmod(each.total, _WORD)
    square_rest, square_low = divmod(each.square, _WORD)
    square_high, square_middle = divmod(square_rest, _WORD)
    sums, begin = (total_low, total_high, square_low, square_middle, square_high), day * DAY_MS
    return _PACKED.pack(day, currency, each.n, *sums, each.low, each.high, each.first - begin, each.last - begin)


def _unpacked(packed: bytes) -> Iterator[tuple[int, int, DayTotal]]:
    for day, currency, n, total, upper, square, middle, top, low, high, first, last in _PACKED.iter_unpack(packed):
        begin = day * DAY_MS
        sums = upper * _WORD + total, (top * _WORD + middle) * _WORD + square
        yield day, currency, DayTotal(n, *sums, low, high, begin + first, begin + last)
