"""Keeps the sealed blocks of a stream in order of time, two levels deep."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from services.fraud.domain.logs.blocks import LARGEST_BLOCK, Block, Level
from services.fraud.domain.logs.rows import Rows
from services.fraud.domain.logs.stream_plan import StreamPlan

__all__ = ["Pieces", "WindowTree"]

CLOSED_AT = 32
LARGEST_LEVEL = 64
OPENED = 16
"""Blocks that stay open after they were read."""


class Pieces(NamedTuple):
    """What a window consists of: parts of blocks, and levels with the range of their children that lie in it."""

    parts: list[tuple[Block, int, int]]
    spans: list[tuple[Level, int, int]]

    def blocks(self) -> Iterator[tuple[Block, int, int]]:
        """Every block with the range of its records in the window, in no order."""
        yield from self.parts
        for level, start, end in self.spans:
            for child in level.children[start:end]:
                if isinstance(child, Block):
                    yield child, 0, child.count
                else:
                    yield from Pieces([], [(child, 0, len(child.children))]).blocks()


class WindowTree:
    """Sealed blocks in levels of up to 64, in one root."""

    __slots__ = ("_opened", "_plan", "_rows", "root")

    def __init__(self, rows: Rows, plan: StreamPlan) -> None:
        self._rows, self._plan = rows, plan
        self._opened: deque[Block] = deque()
        self.root = Level(len(plan.counterparts))

    @property
    def groups(self) -> list[Level]:
        return self.root.children  # type: ignore[return-value] # The children of the root are levels.

    def _open(self, block: Block) -> array[int]:
        """The times of the records of a block, which stays open for a while."""
        if block.times is None:
            self._opened.append(block)
        return block.open(self._rows, self._plan)

    def _close_oldest(self) -> None:
        """Before a window is read, so that none of its own blocks is closed."""
        while len(self._opened) > OPENED:
            self._opened.popleft().close()

    def clear(self) -> None:
        self._opened.clear()
        self.root = Level(len(self._plan.counterparts))

    def append(self, block: Block) -> None:
        """Adds a block after all others."""
        groups = self.groups
        if not groups or len(groups[-1].children) >= CLOSED_AT:
            if groups:
                groups[-1].closed = True
            group = Level(len(self._plan.counterparts))
            group.place(0, block)
            self.root.place(len(groups), group)
        else:
            groups[-1].place(len(groups[-1].children), block)
            self.root.place(len(groups) - 1, groups[-1], instead=1)

    def spot(self, time: int) -> tuple[int, int]:
        """The group, and the block in it, where a record of this time goes, after all others of the time."""
        group = max(bisect_right(self.root.firsts, time) - 1, 0)
        return group, max(bisect_right(self.groups[group].firsts, time) - 1, 0)

    def find(self, place: int, time: int) -> tuple[int, int, int] | None:
        """Group, block and number of a record."""
        groups = self.groups
        for group in range(max(bisect_left(self.root.firsts, time) - 1, 0), len(groups)):
            for number, block in enumerate(groups[group].children):
                assert isinstance(block, Block)
                if block.first > time:
                    return None
                at = block.locate(self._rows, place, time)
                if at >= 0:
                    return group, number, at
        return None

    def changed(self, group: int, number: int) -> None:
        """Takes up what has become of a block: its sums, and whether it is too large or empty."""
        level = self.groups[group]
        block = level.children[number]
        assert isinstance(block, Block)
        if not block.places:
            level.cut(number, number + 1)
        else:
            level.place(number, block, instead=1)
            if len(block.places) >= LARGEST_BLOCK:
                self._halve_block(level, number, block)
        if not level.children:
            self.root.cut(group, group + 1)
            return
        self.root.place(group, level, instead=1)
        if len(level.children) >= LARGEST_LEVEL:
            self._halve_level(group, level)

    def _halve_block(self, level: Level, number: int, block: Block) -> None:
        block.close()
        head = block.take(len(block.places) // 2)
        for each in (head, block):
            each.summarize(self._rows, self._plan)
            each.close()
        level.place(number, head)
        level.place(number + 1, block, instead=1)

    def _halve_level(self, group: int, level: Level) -> None:
        head = Level(len(self._plan.counterparts))
        half = len(level.children) // 2
        for number in range(half):
            head.place(number, level.children[number])
        level.cut(0, half)
        head.closed = True
        self.root.place(group, head)
        self.root.place(group + 1, level, instead=1)

    def after(self, group: int, number: int) -> Iterator[tuple[Level, Block]]:
        """The blocks after one, in order."""
        for level in self.groups[group:]:
            for block in level.children[number + 1 :]:
                assert isinstance(block, Block)
                yield level, block
            number = -1

    def window(self, start: int, until: int, last: int) -> Pieces:
        """What lies from the time `start` to before `until`, given that no record is after `last`."""
        self._close_oldest()
        groups, root = self.groups, self.root
        if not groups or until <= root.firsts[0] or start > last:
            return Pieces([], [])
        first_group = max(bisect_left(root.firsts, start) - 1, 0)
        first_block = max(bisect_left(groups[first_group].firsts, start) - 1, 0)
        last_group, last_block = len(groups) - 1, len(groups[-1].children)
        parts: list[tuple[Block, int, int]] = []
        if until <= last:
            last_group = bisect_left(root.firsts, until) - 1
            last_block = bisect_left(groups[last_group].firsts, until) - 1
        leftmost = groups[first_group].children[first_block]
        same = (first_group, first_block) == (last_group, last_block)
        if until <= last and not same:
            self._cut_part(parts, groups[last_group].children[last_block], start, until)
        if same or leftmost.first < start:
            self._cut_part(parts, leftmost, start, until)
            first_block += 1
        if same:
            return Pieces(parts, [])
        if first_group == last_group:
            return Pieces(parts, [(groups[first_group], first_block, last_block)])
        ends = [
            (groups[first_group], first_block, len(groups[first_group].children)),
            (root, first_group + 1, last_group),
            (groups[last_group], 0, last_block),
        ]
        return Pieces(parts, ends)

    def _cut_part(self, parts: list[tuple[Block, int, int]], block: Block | Level, start: int, until: int) -> None:
        assert isinstance(block, Block)
        times = self._open(block)
        parts.append((block, bisect_left(times, start), bisect_left(times, until)))

    def forget_before(self, time: int) -> None:
        """Drops the records before the time, given that not all are."""
        self.root.cut(0, max(bisect_left(self.root.firsts, time) - 1, 0))
        level = self.groups[0]
        level.cut(0, max(bisect_left(level.firsts, time) - 1, 0))
        block = level.children[0]
        assert isinstance(block, Block)
        gone = bisect_left(block.open(self._rows, self._plan), time)
        block.close()
        block.take(gone)
        block.summarize(self._rows, self._plan)
        block.close()
        self.changed(0, 0)
