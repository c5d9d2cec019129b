"""Reads ranges from MaxMind DB files (format 2.0): of countries, cities and autonomous systems.

The tree is walked here and every record decoded once, by maxminddb: a look-up in such a file would decode its record,
with the names in all languages, each time.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from math import isfinite
from pathlib import Path
from typing import Any

from maxminddb import MODE_MMAP, open_database
from maxminddb.decoder import Decoder

from services.fraud.adapters.ip.ranges import BITS, IpRecord, RangeWriter
from services.fraud.domain.travel import GeoPoint

__all__ = ["asn_of", "country_of", "read_database"]

MOST_NODES = 32_000_000
"""Five times those of the largest database of cities: a file whose branches meet again would have no end."""
_SEPARATOR_BYTES = 16
_IPV4 = 1 << 32
Leaf = tuple[int, int, int]
"""Depth, first number below it, and what the tree has there."""
ReadRecord = Callable[[Any], IpRecord | None]


def country_of(record: Any) -> IpRecord | None:
    """Returns the country of a record, and the place where it has one."""
    code = _member(_member(record, "country"), "iso_code")
    country = code if isinstance(code, str) and len(code) == 2 and code.isascii() and code.isalpha() else None
    place = _place(_member(record, "location"))
    return IpRecord(country and country.upper(), place) if country or place else None


def asn_of(record: Any) -> IpRecord | None:
    """Returns the number of the autonomous system of a record."""
    number = _member(record, "autonomous_system_number")
    return IpRecord(asn=number) if isinstance(number, int) and 0 < number < 1 << 32 else None


def read_database(path: Path, writer: RangeWriter, read: ReadRecord) -> None:
    """Gives the ranges of a database to a writer. Raises ValueError for a file that is none, or is broken."""
    try:
        with open_database(path, MODE_MMAP) as reader:
            about = reader.metadata()
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            tree = _Tree(content, about.node_count, about.record_size, about.ip_version)
            decoder = Decoder(content, tree.size + _SEPARATOR_BYTES)
            _read(tree, decoder, writer, read)
    except ValueError:
        raise
    except Exception as error:
        # What the library says of some broken files is not an error of its own.
        raise ValueError(f"it is no usable database: {error}") from error


def _read(tree: _Tree, decoder: Decoder, writer: RangeWriter, read: ReadRecord) -> None:
    numbers: dict[int, int] = {}
    for depth, start, pointer in tree.leaves():
        number = numbers.get(pointer)
        if number is None:
            record = read(decoder.decode(tree.size + pointer)[0])
            number = numbers[pointer] = writer.number(record) if record else 0
        if number:
            end = start + (1 << tree.bits - depth) - 1
            if start < _IPV4:
                writer.add(4, start, min(end, _IPV4 - 1), number)
            if end >= _IPV4:
                writer.add(6, start, end, number)


class _Tree:
    """The search tree of a database."""

    def __init__(self, content: mmap.mmap, nodes: int, record_bits: int, version: int) -> None:
        self.bits = BITS[version]
        self.size = nodes * record_bits // 4
        if self.size + _SEPARATOR_BYTES > len(content):
            raise ValueError("it is cut short")
        self._content = content
        self._nodes = nodes
        self._record_bits = record_bits

    def leaves(self) -> Iterator[Leaf]:
        """Yields what has a record, in order, pointers counted from the end of the tree. Aliases of IPv4 are not."""
        count, bits = self._nodes, self.bits
        ipv4 = self._ipv4() if bits == 128 else -1
        waiting: list[Leaf] = [(0, 0, 0)]
        visits = 0
        while waiting:
            depth, start, node = waiting.pop()
            if node > count:
                yield depth, start, node - count
                continue
            if node == count or (node == ipv4 and start):
                continue
            visits += 1
            if depth >= bits or visits > MOST_NODES:
                raise ValueError("its tree has no end")
            left, right = self._node(node)
            waiting.append((depth + 1, start | 1 << bits - depth - 1, right))
            waiting.append((depth + 1, start, left))

    def _ipv4(self) -> int:
        """Returns the node below which IPv4 addresses are, to which others point as well; -1 if there is none."""
        node = 0
        for _ in range(96):
            node = self._node(node)[0]
            if node >= self._nodes:
                return -1
        return node

    def _node(self, node: int) -> tuple[int, int]:
        size = self._record_bits // 4
        both = int.from_bytes(self._content[node * size : (node + 1) * size], "big")
        if self._record_bits != 28:
            return both >> self._record_bits, both & (1 << self._record_bits) - 1
        # The byte in the middle has the upper four bits of both.
        return both >> 4 & 0xF00_0000 | both >> 32, both & 0xFFF_FFFF


def _place(location: Any) -> GeoPoint | None:
    latitude, longitude = (_number(_member(location, name)) for name in ("latitude", "longitude"))
    if latitude is None or longitude is None or not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return None
    return GeoPoint(latitude, longitude, max(0.0, _number(_member(location, "accuracy_radius")) or 0.0))


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None
