"""Reads ranges from text, one a line: a network, an address, or a first and a last one, and then maybe a country.

Further columns are not looked at, nor are empty lines and those that begin with `#`. Of ranges that overlap the
narrower one holds; two of which neither holds the other must say the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address

from services.fraud.adapters.ip.ranges import BITS, NOTHING, IpRecord, RangeWriter
from services.fraud.domain.ip_signals import number_of

__all__ = ["read_lines"]

MOST_LINES = 8_000_000
MOST_FAULTS = 3
"""Of which the error tells; the others it counts."""
_NOT_SAID = frozenset({"", "-", "ZZ"})
"""What files have in place of a country that nobody knows."""
_COUNTRY = re.compile("[A-Z]{2}")
_VALUE_BITS = 16
Range = tuple[int, int, int]
"""Family, first and last number."""


def read_lines(lines: Iterable[str], writer: RangeWriter, *, countries: bool) -> None:
    """Gives the ranges of a file to a writer. Raises ValueError, which names the lines at fault."""
    rows: dict[int, list[int]] = {4: [], 6: []}
    faults: list[str] = []
    found = 0
    for at, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text[0] == "#":
            continue
        if at > MOST_LINES:
            raise ValueError(f"it has more than {MOST_LINES} lines")
        try:
            (family, start, end), record = _row(text, countries)
        except ValueError as error:
            found += 1
            if found <= MOST_FAULTS:
                faults.append(f"line {at}: {error}")
            continue
        # One number a row: a million of them sort in little room. Of rows that start together the widest leads.
        bits = BITS[family]
        value = writer.number(record) if record else 0
        rows[family].append((((start + 1 << bits) - 1 - end) << _VALUE_BITS) | value)
    if found:
        more = f", and {found - MOST_FAULTS} more" if found > MOST_FAULTS else ""
        raise ValueError("; ".join(faults) + more)
    for family, packed in rows.items():
        for start, end, value in _apart(sorted(packed), family):
            writer.add(family, start, end, value)


def _row(text: str, countries: bool) -> tuple[Range, IpRecord | None]:
    """Returns a range and what is said of it; None where that is nothing."""
    columns = [column.strip(' \t"') for column in text.split(",")]
    if not countries:
        return _range(columns), NOTHING
    lone = "/" in columns[0] or len(columns) == 2
    place = 1 if lone else 2
    if len(columns) <= place:
        raise ValueError(f"{_shown(text)} has no country")
    country = columns[place].upper()
    if country in _NOT_SAID:
        return _range(columns[:place]), None
    if _COUNTRY.fullmatch(country) is None:
        raise ValueError(f"{_shown(columns[place])} is no country of ISO 3166-1 alpha-2")
    return _range(columns[:place]), IpRecord(country)


def _range(columns: Sequence[str]) -> Range:
    first, slash, length = columns[0].partition("/")
    family, start = _address(first)
    mapped = family == 4 and ":" in first
    if slash:
        bits = BITS[family]
        prefix = int(length) - (96 if mapped else 0) if length.isascii() and length.isdigit() else -1
        if not 0 <= prefix <= bits:
            raise ValueError(f"{_shown(columns[0])} has no length of a network")
        hosts = (1 << bits - prefix) - 1
        if start & hosts:
            raise ValueError(f"{_shown(columns[0])} is no network: bits are set beyond its length")
        return family, start, start | hosts
    last, end = _address(columns[1]) if len(columns) > 1 else (family, start)
    if last != family:
        raise ValueError(f"{_shown(columns[0])} and {_shown(columns[1])} are of different families")
    if end < start:
        raise ValueError(f"{_shown(columns[0])} comes after {_shown(columns[1])}")
    return family, start, end


def _address(text: str) -> tuple[int, int]:
    found = number_of(text)
    if found is None:
        raise ValueError(f"{_shown(text)} is no address")
    return found


def _shown(text: str) -> str:
    return repr(text[:60])


def _apart(rows: Iterable[int], family: int) -> Iterator[Range]:
    """Cuts sorted rows into ranges that do not overlap, each with the value of the narrowest row that it is in."""
    open_rows: list[tuple[int, int]] = []
    reached = 0
    last = (-1, -1, 0)
    for start, end, value in _unpacked(rows, family):
        if last[:2] == (start, end) and last[2] != value:
            raise ValueError(f"two lines differ about {_named(family, start, end)}")
        last = (start, end, value)
        while open_rows and (open_rows[-1][0] < start or end > open_rows[-1][0]):
            until, holds = open_rows.pop()
            if until >= start and holds != value:
                raise ValueError(f"{_named(family, start, end)} overlaps a range that ends within it and says another")
            if reached <= (until := min(until, start - 1)):
                yield reached, until, holds
                reached = until + 1
        if open_rows and reached < start:
            yield reached, start - 1, open_rows[-1][1]
        reached = start
        open_rows.append((end, value))
    while open_rows:
        until, holds = open_rows.pop()
        if reached <= until:
            yield reached, until, holds
            reached = until + 1


def _unpacked(rows: Iterable[int], family: int) -> Iterator[Range]:
    bits = BITS[family]
    highest = (1 << bits) - 1
    for row in rows:
        key = row >> _VALUE_BITS
        yield key >> bits, highest - (key & highest), row & (1 << _VALUE_BITS) - 1


def _named(family: int, start: int, end: int) -> str:
    kind = IPv4Address if family == 4 else IPv6Address
    return f"{kind(start)} to {kind(end)}"
