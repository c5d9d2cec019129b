"""Blocks of a stream: consecutive records by event time.

A block keeps the places of its records. Its times and running sums are read from the log when they are needed, kept
while they are, and let go when the block changes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, MutableSequence, Sequence
from itertools import accumulate

from services.fraud.domain.declared.records import NOBODY
from services.fraud.domain.logs.peaks import Peaks
from services.fraud.domain.logs.rows import Rows
from services.fraud.domain.logs.stream_plan import StreamPlan

__all__ = ["FAR", "LARGEST_BLOCK", "NEVER", "Block", "exact", "joined", "running"]

NEVER, FAR = -(2**63), 2**63 - 1
"""Times before and after all others."""
LARGEST_BLOCK = 1_024
"""Records in a block, which is then halved; and half of it are in a block that is made of new records."""

Integers = MutableSequence[int]


def exact(values: Iterable[int]) -> Integers:
    """Whole numbers in 64 bits each if they fit, as they are if not."""
    found = list(values)
    try:
        return array("q", found)
    except OverflowError:
        return found


def running(values: Iterable[int], start: int = 0) -> Integers:
    """Running sums, beginning with `start`: one more than there are values."""
    return exact(accumulate(values, initial=start))


def joined(sums: Integers, more: Integers) -> Integers:
    """Running sums with those that go on from them."""
    if isinstance(sums, array) and not isinstance(more, array):
        return [*sums, *more[1:]]
    sums.extend(more[1:])
    return sums


class Block:
    """Records of a stream that follow each other by time."""

    __slots__ = (
        "counterparts", "highs", "lows", "places", "previous", "ranked", "squares", "sums", "times"
    )  # fmt: skip

    def __init__(self, columns: int) -> None:
        self.places: array[int] = array("I")
        self.counterparts: list[array[int]] = [array("Q") for _ in range(columns)]
        self.previous: list[array[int]] = []
        """For each record when its counterpart came before it, NEVER if not; FAR for a record without counterpart."""
        self.ranked: list[array[int] | None] = [None] * columns
        """The same, sorted."""
        self.times: array[int] | None = None
        self.lows: Peaks | None = None
        self.highs: Peaks | None = None
        """The numbers themselves, if any extreme is read."""
        self.sums: Integers = []
        self.squares: Integers = []

    def open(self, rows: Rows, plan: StreamPlan) -> array[int]:
        """Reads what the log has of the records. Returns their times."""
        if self.times is None:
            self.times = rows.times(self.places)
            if plan.number >= 0:
                self.fill(rows.numbers(rows.layout.numbers_at + plan.number, self.places), plan)
        return self.times

    def fill(self, values: array[int], plan: StreamPlan) -> None:
        self.sums = running(values)
        self.squares = running(map(int.__mul__, values, values)) if plan.squares else []
        self.keep(values, plan)

    def keep(self, values: Integers, plan: StreamPlan) -> None:
        """Keeps the numbers themselves as far as extremes of them are read."""
        self.lows = Peaks(values, min, FAR) if plan.least else None
        self.highs = Peaks(values, max, NEVER) if plan.greatest else None

    def numbers(self) -> Integers:
        """The numbers that are kept; whoever adds to them adds at the end."""
        peaks = self.lows or self.highs
        assert peaks is not None
        return peaks.numbers

    def close(self) -> None:
        self.times, self.lows, self.highs, self.sums, self.squares = None, None, None, [], []

    def rank(self, column: int, start: int) -> int:
        """How many records have a counterpart that did not come before them since the time `start`."""
        ranked = self.ranked[column]
        if ranked is None:
            ranked = self.ranked[column] = array("q", sorted(self.previous[column]))
        return bisect_left(ranked, start)

    def exchange(self, column: int, old: int | None, new: int | None) -> None:
        """Tells that one of the records has another previous time: None for a record that was not or is no more."""
        ranked = self.ranked[column]
        if ranked is None:
            return
        if old is not None:
            del ranked[bisect_left(ranked, old)]
        if new is not None:
            insort(ranked, new)

    def find(self, column: int, counterpart: int, since: int = 0) -> int:
        """The first record from number `since` on that has the counterpart; -1 if there is none."""
        found, key = self.counterparts[column].tobytes(), counterpart.to_bytes(8, "little")
        at = found.find(key, since * 8)
        while at >= 0 and at % 8:
            at = found.find(key, at + 1)
        return at // 8 if at >= 0 else -1

    def insert(self, rows: Rows, place: int, time: int, counterparts: Integers) -> int:
        """Adds a record after those of its time or before. Returns its number in the block. `previous` is left."""
        at = bisect_right(self.places, time, key=rows.time) if self.times is None else bisect_right(self.times, time)
        self.places.insert(at, place)
        for column, counterpart in zip(self.counterparts, counterparts, strict=True):
            column.insert(at, counterpart)
        return at

    def rearrange(self, places: Sequence[int], counterparts: Sequence[Sequence[int]], order: Sequence[int]) -> None:
        """Adds records, and puts all in an order: for each its number among those of before and, after them, the new.

        Times are left, and `previous`.
        """
        joined = [*self.places, *places]
        self.places = array("I", [joined[at] for at in order])
        for column, more in enumerate(counterparts):
            joined = [*self.counterparts[column], *more]
            self.counterparts[column] = array("Q", [joined[at] for at in order])
        self.ranked = [None] * len(self.counterparts)

    def locate(self, rows: Rows, place: int, time: int) -> int:
        """The number of a record in the block; -1 if it is not there."""
        at = bisect_left(self.places, time, key=rows.time)
        while at < len(self.places) and rows.time(self.places[at]) == time:
            if self.places[at] == place:
                return at
            at += 1
        return -1

    def remove(self, at: int) -> None:
        for column in (self.places, *self.counterparts, *self.previous):
            del column[at]

    def take(self, count: int) -> Block:
        """Cuts off the first records as a block of their own."""
        head = Block(len(self.counterparts))
        head.places, self.places = self.places[:count], self.places[count:]
        head.counterparts = [column[:count] for column in self.counterparts]
        head.previous = [column[:count] for column in self.previous]
        self.counterparts = [column[count:] for column in self.counterparts]
        self.previous = [column[count:] for column in self.previous]
        self.ranked = [None] * len(self.counterparts)
        return head


assert NOBODY == 0, "counterparts are compared with 0 where it is quick"
