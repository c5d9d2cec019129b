"""Ranges of addresses as one block of bytes, searched where it lies: a compiler writes it, a service maps it.

A block holds, for each family, where something else begins to hold and what: for 1,000,000 ranges of IPv4 that do not
touch 16 MB, of IPv6 40 MB.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left, bisect_right
from functools import lru_cache, partial
from typing import BinaryIO, NamedTuple

from services.fraud.domain.travel import GeoPoint

__all__ = ["NOTHING", "IpRanges", "IpRecord", "RangeWriter"]

_HEAD = struct.Struct("<4Q")
"""Boundaries of IPv4, of IPv6, records, and whether one of those has a place."""
_RECORD = struct.Struct("<2sHIdd")
_LOW = (1 << 64) - 1
BITS = {4: 32, 6: 128}
UNPACKED_RECORDS = 8192


class IpRecord(NamedTuple):
    """What a file says about a range."""

    country: str | None = None
    place: GeoPoint | None = None
    asn: int | None = None


NOTHING = IpRecord()
"""That the range is in the file, and no more."""


class _Boundaries:
    """Where what holds changes, in one family."""

    def __init__(self, bits: int) -> None:
        self.high = array("Q")
        self.low = array("Q" if bits == 128 else "I")
        self.values = array("I")
        self._wide = bits == 128
        self._end = 1 << bits
        self._next = 0
        self._holds = 0

    def add(self, start: int, end: int, value: int) -> None:
        if start != self._next:
            self._change(self._next, 0)
        self._change(start, value)
        self._next = end + 1

    def close(self) -> None:
        if self._next < self._end:
            self._change(self._next, 0)

    def _change(self, at: int, value: int) -> None:
        if value == self._holds:
            return
        if self._wide:
            self.high.append(at >> 64)
        self.low.append(at & _LOW)
        self.values.append(value)
        self._holds = value


class RangeWriter:
    """Collects ranges, which come in order and do not overlap, and writes them as a block."""

    def __init__(self) -> None:
        self._families = {family: _Boundaries(bits) for family, bits in BITS.items()}
        self._numbers: dict[bytes, int] = {}
        self._has_place = False

    def number(self, record: IpRecord) -> int:
        """Returns the number of a record, by which ranges name it: 1 or more."""
        place = record.place or GeoPoint(0.0, 0.0)
        accuracy = 1 + min(int(place.accuracy_km), 0xFFFE) if record.place else 0
        packed = _RECORD.pack((record.country or "").encode(), accuracy, record.asn or 0, *place[:2])
        self._has_place |= record.place is not None
        return self._numbers.setdefault(packed, len(self._numbers) + 1)

    def add(self, family: int, start: int, end: int, number: int) -> None:
        self._families[family].add(start, end, number)

    def write(self, file: BinaryIO) -> None:
        """Writes the block. Raises ValueError if it would be empty."""
        narrow, wide = self._families[4], self._families[6]
        if not narrow.values and not wide.values:
            raise ValueError("it holds no range")
        narrow.close()
        wide.close()
        file.write(_HEAD.pack(len(narrow.values), len(wide.values), len(self._numbers), self._has_place))
        for part in (wide.high, wide.low, b"".join(self._numbers), narrow.low, narrow.values, wide.values):
            file.write(part)


class IpRanges:
    """Finds what a block says about an address."""

    __slots__ = ("_high", "_low", "_narrow", "_narrow_values", "_wide_values", "has_place", "record")

    def __init__(self, block: memoryview) -> None:
        """Takes a block as it was written. Raises ValueError for one that is cut short."""
        if len(block) < _HEAD.size:
            raise ValueError("the block is cut short")
        narrow, wide, records, has_place = _HEAD.unpack_from(block)
        self.has_place = bool(has_place)
        place = _HEAD.size
        views = []
        for size in (wide * 8, wide * 8, records * _RECORD.size, narrow * 4, narrow * 4, wide * 4):
            views.append(block[place : place + size])
            place += size
        if place != len(block):
            raise ValueError("the block is cut short")
        high, low, packed, *fours = views
        self._high, self._low = high.cast("Q"), low.cast("Q")
        self._narrow, self._narrow_values, self._wide_values = (view.cast("I") for view in fours)
        # Nothing here refers to itself: the block goes with the last who searches it, not when a collector comes by.
        self.record = lru_cache(UNPACKED_RECORDS)(partial(_unpacked, packed))
        """Returns what the number that `find` gives stands for."""

    def find(self, family: int, number: int) -> int:
        """Returns the number of what the file says about an address, 0 if the address is in no range."""
        if family == 4:
            index = bisect_right(self._narrow, number)
            return self._narrow_values[index - 1] if index else 0
        high = number >> 64
        stop = bisect_right(self._high, high)
        # Among the boundaries with this upper half the lower half decides; before the first of them the one before.
        first = bisect_left(self._high, high, 0, stop)
        index = bisect_right(self._low, number & _LOW, first, stop)
        return self._wide_values[index - 1] if index else 0


def _unpacked(packed: memoryview, number: int) -> IpRecord:
    country, accuracy, asn, latitude, longitude = _RECORD.unpack_from(packed, (number - 1) * _RECORD.size)
    place = GeoPoint(latitude, longitude, float(accuracy - 1)) if accuracy else None
    return IpRecord(country.decode() if country[0] else None, place, asn or None)
