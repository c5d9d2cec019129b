"""Answers what is in a list, from memory. Answers never change; a change of the list makes new ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol, TypeAlias

from services.fraud.domain.value_lists.digests import TURN_ROWS, Digests
from services.fraud.domain.value_lists.keys import (
    EXACT_BITS,
    V4,
    V6,
    network_key,
    packed_address,
    prefix_of,
    seeded,
)
from services.fraud.domain.value_lists.lists import NEVER, ListedType

__all__ = ["Clock", "Members", "Row", "empty"]

Clock: TypeAlias = Callable[[], float]
"""Returns the seconds since 1970."""
from_bytes = int.from_bytes
Row: TypeAlias = tuple[int, int, int]
"""A change of an entry: its group, its key, and its end or 0 if it went."""


class Members(Protocol):
    """What is in a list."""

    def __contains__(self, value: object) -> bool:
        """Tells whether a value, in its canonical form, is in the list now."""
        ...

    def __len__(self) -> int:
        """Counts entries, also those that have ended and are not swept out yet."""
        ...

    def changed(self, rows: Iterable[Row]) -> Generator[None, None, Members]:
        """Returns what is in the list after changes, in turns: see `Digests.changed`."""
        ...


class TextMembers:
    """The values of a list of text."""

    __slots__ = ("_begun", "_clock", "_digests", "_seed")

    def __init__(self, seed: bytes, clock: Clock, digests: Digests) -> None:
        self._seed, self._clock, self._digests = seed, clock, digests
        self._begun = seeded(seed)

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, str):
            return False
        # As `text_key`, without the price of a call.
        digest = self._begun.copy()
        digest.update(value.encode())
        end = self._digests.end(from_bytes(digest.digest(), "big"))
        return end == NEVER or end > self._clock()

    def __len__(self) -> int:
        return self._digests.size

    def changed(self, rows: Iterable[Row]) -> Generator[None, None, TextMembers]:
        changes = ((key, end) for _, key, end in rows)
        digests = yield from self._digests.changed(changes, int(self._clock()))
        return TextMembers(self._seed, self._clock, digests)


class AddressMembers:
    """The addresses and networks of a list. An address is in it if a network is that has not ended.

    What is no address is in no list. An address is looked up once for each length that a network near it may have.
    """

    __slots__ = ("_begun", "_clock", "_groups", "_lengths", "_seed")

    def __init__(
        self, seed: bytes, clock: Clock, groups: Mapping[int, Digests], lengths: Mapping[int, _Lengths]
    ) -> None:
        self._seed, self._clock, self._groups, self._lengths = seed, clock, groups, lengths
        self._begun = seeded(seed)

    def __contains__(self, value: object) -> bool:
        packed = packed_address(value) if isinstance(value, str) else None
        if packed is None:
            return False
        family, number = packed
        lengths = self._lengths[family]
        for length in lengths.near(number):
            key = network_key(self._begun, number >> (lengths.width - length), length)
            end = self._groups[family + length].end(key)
            if end == NEVER or (end and end > self._clock()):
                return True
        return False

    def __len__(self) -> int:
        return sum(digests.size for digests in self._groups.values())

    def changed(self, rows: Iterable[Row]) -> Generator[None, None, AddressMembers]:
        by_group: dict[int, list[tuple[int, int]]] = {}
        for count, (group, key, end) in enumerate(rows, 1):
            by_group.setdefault(group, []).append((key, end))
            if not count % TURN_ROWS:
                yield
        groups = dict(self._groups)
        lengths = {family: known.copied() for family, known in self._lengths.items()}
        for group, changes in by_group.items():
            groups[group] = yield from groups.get(group, Digests()).changed(changes, int(self._clock()))
            family = V6 if group >= V6 else V4
            for start in range(0, len(changes), TURN_ROWS):
                lengths[family].note(group - family, changes[start : start + TURN_ROWS])
                yield
        return AddressMembers(self._seed, self._clock, groups, lengths)


class _Lengths:
    """The lengths that prefixes have, by the first bits of their networks."""

    __slots__ = ("_always", "_bits", "_by_slot", "width")

    def __init__(
        self, width: int, bits: int, always: int = 0, by_slot: Mapping[int, int] = MappingProxyType({})
    ) -> None:
        """`width` is that of an address. `bits` name a slot."""
        self.width, self._bits, self._always, self._by_slot = width, bits, always, dict(by_slot)

    def copied(self) -> _Lengths:
        return _Lengths(self.width, self._bits, self._always, self._by_slot)

    def near(self, number: int) -> Collection[int]:
        """Returns the lengths of the networks in which an address may lie."""
        return _set_bits(self._by_slot.get(number >> (self.width - self._bits), 0) | self._always)

    def note(self, length: int, changes: Iterable[tuple[int, int]]) -> None:
        """Notes that there are networks of a length."""
        bit = 1 << length
        if not self._bits <= length <= EXACT_BITS:
            self._always |= bit
            return
        for key, end in changes:
            if end:
                slot = prefix_of(key) >> (length - self._bits)
                self._by_slot[slot] = self._by_slot.get(slot, 0) | bit


@lru_cache(maxsize=4_096)
def _set_bits(mask: int) -> tuple[int, ...]:
    return tuple(length for length in range(mask.bit_length()) if mask >> length & 1)


def empty(listed: ListedType, seed: bytes, clock: Clock, expected: int = 0) -> Members:
    """Returns what a list without entries answers, with room for so many."""
    if listed is ListedType.IP:
        return AddressMembers(seed, clock, {}, {V4: _Lengths(32, 12), V6: _Lengths(128, 16)})
    return TextMembers(seed, clock, Digests.sized(expected))
