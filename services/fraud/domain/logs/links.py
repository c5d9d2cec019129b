"""Links each record of a stream to the one before it with the same counterpart, so that the different ones of any
window can be counted: they are the records whose counterpart did not come before them in the window.

As long as there is only a tail, nothing is linked: it is searched instead.
"""

from __future__ import annotations

from array import array
from bisect import insort

from services.fraud.domain.declared.records import NOBODY, LogRecord
from services.fraud.domain.logs.blocks import FAR, NEVER, Block, Level
from services.fraud.domain.logs.stream_plan import StreamPlan
from services.fraud.domain.logs.tree import WindowTree

__all__ = ["LastSeen", "Links"]

Spot = tuple[int, int]
"""The number of a level and of a block in it."""


class LastSeen:
    """The time of the last record of each counterpart. What is out of reach goes a generation at a time."""

    __slots__ = ("_new", "_old", "_since")

    def __init__(self) -> None:
        self._new: dict[int, int] = {}
        self._old: dict[int, int] = {}
        self._since = NEVER
        """No time in the old generation is after this one."""

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def get(self, counterpart: int) -> int:
        """NEVER if it was not seen."""
        time = self._new.get(counterpart)
        return self._old.get(counterpart, NEVER) if time is None else time

    def set(self, counterpart: int, time: int) -> None:
        self._new[counterpart] = time

    def follow(self, counterparts: list[int], times: list[int]) -> list[int]:
        """For records in order of time: when the counterpart of each came before it."""
        new, old, previous = self._new, self._old, []
        for counterpart, time in zip(counterparts, times, strict=True):
            before = new.get(counterpart)
            previous.append(old.get(counterpart, NEVER) if before is None else before)
            new[counterpart] = time
        return previous

    def forget_before(self, time: int, newest: int) -> None:
        """Forgets some of what was last seen before the time. No record is newer than `newest`."""
        if time > self._since:
            self._old, self._new, self._since = self._new, {}, newest


class Links:
    """The links of a stream, which `previous` of each block keeps as times."""

    __slots__ = ("_plan", "_tail", "_tree", "last")

    def __init__(self, tree: WindowTree, tail: Block, plan: StreamPlan) -> None:
        self._tree, self._tail, self._plan = tree, tail, plan
        self.last: list[LastSeen] = []
        """Of each column of counterparts, once something is linked."""

    def begin(self) -> None:
        """Links the records of the tail, before the first are sealed."""
        if self.last:
            return
        tail, times = self._tail, list(self._tail.times or ())
        self.last = [LastSeen() for _ in self._plan.counterparts]
        tail.previous = [
            array("q", self.previous(column, list(found), times)) for column, found in enumerate(tail.counterparts)
        ]

    def previous(self, column: int, counterparts: list[int], times: list[int]) -> list[int]:
        """For records in order of time, after all others: when the counterpart of each came before it."""
        previous = self.last[column].follow(counterparts, times)
        if NOBODY in counterparts:
            return [FAR if c == NOBODY else time for c, time in zip(counterparts, previous, strict=True)]
        return previous

    def follow(self, column: int, counterpart: int, time: int) -> None:
        """Links a record at the end of the tail."""
        tail, previous = self._tail, FAR
        if counterpart != NOBODY:
            previous = self.last[column].get(counterpart)
            self.last[column].set(counterpart, time)
        tail.previous[column].append(previous)
        ranked = tail.ranked[column]
        if ranked is not None:
            insort(ranked, previous)

    def insert(self, record: LogRecord, spot: Spot | None, at: int) -> None:
        """Links a record that was put into a block, the tail if there is no spot, and the next of its counterpart."""
        level, block = self._block(spot)
        for column, last in enumerate(self.last):
            counterpart, previous = record.counterparts[self._plan.counterparts[column]], FAR
            block.previous[column].insert(at, FAR)
            if counterpart != NOBODY:
                previous = last.get(counterpart)
                following = self._next(column, counterpart, spot, at, previous) if previous > record.time else None
                if following is None:
                    last.set(counterpart, record.time)
                else:
                    previous = following[1].previous[column][following[2]]
                    _retell(column, following, previous, record.time)
            block.previous[column][at] = previous
            block.ranked[column] = None
            if level is not None:
                level.exchange(column, None, previous)

    def remove(self, record: LogRecord, spot: Spot | None, at: int) -> None:
        """Links the next of the counterpart to what was before a record that will be removed."""
        level, block = self._block(spot)
        for column, last in enumerate(self.last):
            counterpart = record.counterparts[self._plan.counterparts[column]]
            previous = block.previous[column][at]
            if counterpart != NOBODY:
                following = self._next(column, counterpart, spot, at, last.get(counterpart))
                if following is None:
                    last.set(counterpart, previous)
                else:
                    _retell(column, following, record.time, previous)
            block.ranked[column] = None
            if level is not None:
                level.exchange(column, previous, None)

    def _block(self, spot: Spot | None) -> tuple[Level | None, Block]:
        if spot is None:
            return None, self._tail
        level = self._tree.groups[spot[0]]
        block = level.children[spot[1]]
        assert isinstance(block, Block)
        return level, block

    def _next(
        self, column: int, counterpart: int, spot: Spot | None, at: int, last: int
    ) -> tuple[Level | None, Block, int] | None:
        """The next record of the counterpart, which was seen at `last` for the last time."""
        if spot is not None:
            level, block = self._block(spot)
            found = block.find(column, counterpart, at + 1)
            if found >= 0:
                return level, block, found
            for level, block in self._tree.after(*spot):
                if block.first > last:
                    return None
                found = block.find(column, counterpart)
                if found >= 0:
                    return level, block, found
            at = -1
        found = self._tail.find(column, counterpart, at + 1)
        return (None, self._tail, found) if found >= 0 else None


def _retell(column: int, link: tuple[Level | None, Block, int], old: int, new: int) -> None:
    level, block, at = link
    block.previous[column][at] = new
    block.ranked[column] = None
    if level is not None:
        level.exchange(column, old, new)
