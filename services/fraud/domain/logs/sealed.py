"""Keeps the sealed blocks of a stream in order of time, with what each sums up to and what all before it do.

What lies before a time is found by two searches: for the block, and in it. A window is the difference of two such.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from itertools import accumulate
from typing import NamedTuple

from services.fraud.domain.logs.blocks import FAR, LARGEST_BLOCK, NEVER, Block
from services.fraud.domain.logs.peaks import Peaks
from services.fraud.domain.logs.rows import Rows
from services.fraud.domain.logs.stream_plan import StreamPlan

__all__ = ["Sealed", "Totals"]

OPENED = 32
"""Blocks that stay open after they were read."""


class Totals(NamedTuple):
    """Of some records: how many, and the sums of their numbers and of the squares of these."""

    records: int
    total: int
    square: int


NOTHING = Totals(0, 0, 0)


class Sealed:
    """Sealed blocks, and lists of what is known of each of them without opening it."""

    __slots__ = (
        "_before", "_columns", "_latest", "_opened", "_plan", "_rows", "_summed", "blocks", "firsts", "highs", "lows",
        "totals",
    )  # fmt: skip

    def __init__(self, rows: Rows, plan: StreamPlan) -> None:
        self._rows, self._plan = rows, plan
        self.clear()

    def clear(self) -> None:
        self._opened: deque[Block] = deque()
        self.blocks: list[Block] = []
        self.firsts: list[int] = []
        """The time of the first record of each."""
        self._columns: tuple[list[int], list[int], list[int]] = ([], [], [])
        """The totals of each: counts, sums, sums of squares."""
        self._before: tuple[list[int], list[int], list[int]] = ([0], [0], [0])
        """The totals of all before it, as far as `_summed`."""
        self._summed = 0
        self._latest: list[int] = []
        """The place of the record of each that arrived last."""
        self.lows = Peaks([], min, FAR) if self._plan.least else None
        self.highs = Peaks([], max, NEVER) if self._plan.greatest else None
        """The extremes of each."""
        self.totals = NOTHING
        """Of all blocks."""

    def open(self, block: Block) -> array[int]:
        """The times of the records of a block, which stays open for a while."""
        if block.times is None:
            self._opened.append(block)
            if len(self._opened) > OPENED:
                self._opened.popleft().close()
            return block.open(self._rows, self._plan)
        return block.times

    def opened(self) -> int:
        """About how many records are in blocks that are open."""
        return sum(len(block.places) for block in self._opened)

    def before(self, time: int) -> Totals:
        """The totals of the records before the time."""
        number = bisect_left(self.firsts, time) - 1
        if number < 0:
            return NOTHING
        if number > self._summed:
            self._sum_up(number)
        block = self.blocks[number]
        at = bisect_left(block.times or self.open(block), time)
        counts, totals, squares = self._before
        if self._plan.number < 0:
            return Totals(counts[number] + at, 0, 0)
        square = squares[number] + block.squares[at] if self._plan.squares else 0
        return Totals(counts[number] + at, totals[number] + block.sums[at], square)

    def place(self, time: int) -> tuple[int, int]:
        """The block with the last record before the time, and how many of its records are before it."""
        number = max(bisect_left(self.firsts, time) - 1, 0)
        return number, bisect_left(self.open(self.blocks[number]), time) if self.blocks else 0

    def append(self, block: Block) -> None:
        """Adds a block after all others, and closes it."""
        self._put(len(self.blocks), block)

    def spot(self, time: int) -> int:
        """The number of the block where a record of this time goes, after all others of the time."""
        return max(bisect_right(self.firsts, time) - 1, 0)

    def find(self, place: int, time: int) -> tuple[int, int] | None:
        """The number of the block of a record, and its number there."""
        for number in range(max(bisect_left(self.firsts, time) - 1, 0), len(self.blocks)):
            if self.firsts[number] > time:
                return None
            at = self.blocks[number].locate(self._rows, place, time)
            if at >= 0:
                return number, at
        return None

    def inserted(self, number: int, place: int, time: int, value: int) -> None:
        """Takes up that a block has got a record."""
        block = self.blocks[number]
        if len(block.places) >= LARGEST_BLOCK:
            self.changed(number)
            return
        block.close()
        self.firsts[number] = min(self.firsts[number], time)
        self._latest[number] = max(self._latest[number], place)
        for column, more in zip(self._columns, (1, value, value * value), strict=True):
            column[number] += more
        self.totals = Totals(*map(int.__add__, self.totals, (1, value, value * value)))
        if self.lows is not None:
            self.lows.numbers[number] = min(self.lows.numbers[number], value)
        if self.highs is not None:
            self.highs.numbers[number] = max(self.highs.numbers[number], value)
        self._touch(number)

    def changed(self, number: int) -> None:
        """Takes up what has become of a block."""
        block = self.blocks[number]
        block.close()
        self._drop(number, number + 1)
        if len(block.places) >= LARGEST_BLOCK:
            self._put(number, block.take(len(block.places) // 2))
            self._put(number + 1, block)
        elif block.places:
            self._put(number, block)

    def holding(self, start: int, until: int, least: int) -> list[Block]:
        """The blocks that reach into a window and have a record whose place is not before `least`."""
        first, end = max(bisect_left(self.firsts, start) - 1, 0), bisect_left(self.firsts, until)
        return [self.blocks[number] for number in range(first, end) if self._latest[number] >= least]

    def forget_before(self, time: int) -> None:
        """Drops the records before the time, given that not all are."""
        self._drop(0, max(bisect_left(self.firsts, time) - 1, 0))
        block = self.blocks[0]
        gone = bisect_left(block.open(self._rows, self._plan), time)
        block.close()
        block.take(gone)
        self.changed(0)

    def _put(self, number: int, block: Block) -> None:
        rows, plan = self._rows, self._plan
        times = block.open(rows, plan)
        total = square = 0
        if plan.number >= 0:
            total = block.sums[-1] - block.sums[0]
            square = block.squares[-1] - block.squares[0] if plan.squares else 0
            if self.lows is not None and block.lows is not None:
                self.lows.numbers.insert(number, min(block.lows.numbers))
            if self.highs is not None and block.highs is not None:
                self.highs.numbers.insert(number, max(block.highs.numbers))
        self.blocks.insert(number, block)
        self.firsts.insert(number, times[0])
        self._latest.insert(number, max(block.places))
        for column, value in zip(self._columns, (len(times), total, square), strict=True):
            column.insert(number, value)
        self.totals = Totals(self.totals.records + len(times), self.totals.total + total, self.totals.square + square)
        self._touch(number)
        block.close()

    def _drop(self, start: int, end: int) -> None:
        gone = [sum(column[start:end]) for column in self._columns]
        self.totals = Totals(self.totals.records - gone[0], self.totals.total - gone[1], self.totals.square - gone[2])
        peaks = [each.numbers for each in (self.lows, self.highs) if each is not None]
        for each in (self.blocks, self.firsts, self._latest, *peaks, *self._columns):
            del each[start:end]  # type: ignore[attr-defined]
        self._touch(start)

    def _touch(self, number: int) -> None:
        """Takes note that the blocks from a number on are other ones."""
        self._summed = min(self._summed, number)
        for each in (self.lows, self.highs):
            if each is not None:
                each.touch(number)

    def _sum_up(self, number: int) -> None:
        done = self._summed
        for before, column in zip(self._before, self._columns, strict=True):
            before[done:] = accumulate(column[done:number], initial=before[done])
        self._summed = number
