"""Blocks of a stream: consecutive records by event time, and the totals of many blocks.

A block keeps the places of its records. Its times and running sums are read from the log when they are needed, kept
while they are, and let go when the block changes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, MutableSequence
from itertools import accumulate, chain

from services.fraud.domain.declared.records import NOBODY
from services.fraud.domain.logs.rows import Rows
from services.fraud.domain.logs.stream_plan import StreamPlan

__all__ = ["FAR", "LARGEST_BLOCK", "NEVER", "Block", "Level", "exact", "running"]

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


class Block:
    """Records of a stream that follow each other by time."""

    __slots__ = (
        "count", "counterparts", "first", "high", "low", "places", "previous", "ranked", "square", "squares", "sums",
        "times", "total", "values",
    )  # fmt: skip

    def __init__(self, columns: int) -> None:
        self.places: array[int] = array("I")
        self.counterparts: list[array[int]] = [array("Q") for _ in range(columns)]
        self.previous: list[array[int]] = []
        """For each record when its counterpart came before it, NEVER if not; FAR for a record without counterpart."""
        self.ranked: list[array[int] | None] = [None] * columns
        """The same, sorted."""
        self.times: array[int] | None = None
        self.values: array[int] | None = None
        self.sums: Integers = []
        self.squares: Integers = []
        self.first = self.count = self.total = self.square = 0
        self.low, self.high = FAR, NEVER

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
        self.values = values if plan.values else None

    def close(self) -> None:
        self.times, self.values, self.sums, self.squares = None, None, [], []

    def summarize(self, rows: Rows, plan: StreamPlan) -> None:
        """Computes what is known of the block without opening it."""
        times = self.open(rows, plan)
        self.count, self.first = len(times), times[0] if times else FAR
        if plan.number >= 0:
            self.total = self.sums[-1] - self.sums[0]
            self.square = self.squares[-1] - self.squares[0] if plan.squares else 0
            if self.values is not None:
                self.low, self.high = min(self.values, default=FAR), max(self.values, default=NEVER)

    def rank(self, column: int, start: int) -> int:
        """How many records have a counterpart that did not come before them since the time `start`."""
        ranked = self.ranked[column]
        if ranked is None:
            ranked = self.ranked[column] = array("q", sorted(self.previous[column]))
        return bisect_left(ranked, start)

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
        """Cuts off the first records as a block of their own, not yet summarized."""
        head = Block(len(self.counterparts))
        head.places, self.places = self.places[:count], self.places[count:]
        head.counterparts = [column[:count] for column in self.counterparts]
        head.previous = [column[:count] for column in self.previous]
        self.counterparts = [column[count:] for column in self.counterparts]
        self.previous = [column[count:] for column in self.previous]
        self.ranked = [None] * len(self.counterparts)
        return head


class Level:
    """Consecutive blocks, or consecutive levels of blocks, with what each sums up to."""

    __slots__ = ("children", "closed", "counts", "firsts", "highs", "lows", "ranked", "squares", "totals")

    def __init__(self, columns: int) -> None:
        self.children: list[Block | Level] = []
        self.firsts: list[int] = []
        self.counts: list[int] = []
        self.totals: list[int] = []
        self.squares: list[int] = []
        self.lows: list[int] = []
        self.highs: list[int] = []
        self.ranked: list[array[int] | None] = [None] * columns
        self.closed = False
        """True once no block is added at its end."""

    first = property(lambda self: self.firsts[0])
    count = property(lambda self: sum(self.counts))
    total = property(lambda self: sum(self.totals))
    square = property(lambda self: sum(self.squares))
    low = property(lambda self: min(self.lows))
    high = property(lambda self: max(self.highs))

    def place(self, at: int, child: Block | Level, instead: int = 0) -> None:
        """Puts a child at a place, instead of so many there."""
        part = slice(at, at + instead)
        self.children[part] = [child]
        self.firsts[part] = [child.first]
        self.counts[part] = [child.count]
        self.totals[part] = [child.total]
        self.squares[part] = [child.square]
        self.lows[part] = [child.low]
        self.highs[part] = [child.high]

    def cut(self, start: int, end: int) -> None:
        """Drops children."""
        for each in (self.children, self.firsts, self.counts, self.totals, self.squares, self.lows, self.highs):
            del each[start:end]
        self.ranked = [None] * len(self.ranked)

    def rank(self, column: int, start: int) -> int:
        """As of a block. Kept sorted for a closed level of blocks; others ask their children."""
        if not self.closed:
            return sum(child.rank(column, start) for child in self.children)
        ranked = self.ranked[column]
        if ranked is None:
            blocks = [child.previous[column] for child in self.children if isinstance(child, Block)]
            ranked = self.ranked[column] = array("q", sorted(chain.from_iterable(blocks)))
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


assert NOBODY == 0, "counterparts are compared with 0 where it is quick"
