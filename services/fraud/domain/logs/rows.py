"""Keeps a log as it is packed, in order of arrival."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from services.fraud.domain.declared.records import KIND_AT, LogRecord, RecordLayout

__all__ = ["Rows"]

TIME, TRANSACTION = 0, 1
ATTEMPT_AT = 22


class Rows:
    """The records of a log. A place is the number of a record since the log began; places before `base` are gone."""

    __slots__ = ("base", "layout", "packed")

    def __init__(self, layout: RecordLayout) -> None:
        self.layout = layout
        self.packed = bytearray()
        self.base = 0

    @property
    def end(self) -> int:
        """The place of the next record."""
        return self.base + len(self.packed) // self.layout.size

    def record(self, place: int) -> LogRecord:
        return self.layout.unpack(self.packed, (place - self.base) * self.layout.size)

    def kind(self, place: int) -> int:
        """The kind of record, with its restored bit."""
        return self.packed[(place - self.base) * self.layout.size + KIND_AT]

    def attempt(self, place: int) -> int:
        at = (place - self.base) * self.layout.size + ATTEMPT_AT
        return self.packed[at] | self.packed[at + 1] << 8

    def time(self, place: int) -> int:
        at = (place - self.base) * self.layout.size + 8 * TIME
        return int.from_bytes(self.packed[at : at + 8], "little", signed=True)

    def transaction(self, place: int) -> int:
        at = (place - self.base) * self.layout.size + 8 * TRANSACTION
        return int.from_bytes(self.packed[at : at + 8], "little")

    def times(self, places: Sequence[int]) -> array[int]:
        return self.numbers(TIME, places)

    def numbers(self, word: int, places: Sequence[int]) -> array[int]:
        """One signed word of each of the records."""
        size, start = self.layout.words, word - self.base * self.layout.words
        count = len(places)
        with memoryview(self.packed) as view, view.cast("q") as words:
            if count and places[0] < places[-1] and places[-1] - places[0] == count - 1 and _follow(places):
                return array("q", words[places[0] * size + start :: size][:count].tolist())
            return array("q", [words[place * size + start] for place in places])

    def drop(self, count: int) -> None:
        """Forgets the records that arrived first."""
        del self.packed[: count * self.layout.size]
        self.base += count


def _follow(places: Sequence[int]) -> bool:
    """Tells whether each place is the next of the one before it."""
    return array("I", range(places[0], places[0] + len(places))) == places
