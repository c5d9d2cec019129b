"""Links each record of a stream to the one before it with the same counterpart, so that the different ones of any
window can be counted: they are the records whose counterpart did not come before them in the window.

A short stream is not linked: it is searched instead.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from services.fraud.domain.declared.records import NOBODY, LogRecord
from services.fraud.domain.logs.blocks import FAR, Block
from services.fraud.domain.logs.recency import Recency
from services.fraud.domain.logs.sealed import Sealed
from services.fraud.domain.logs.stream_plan import StreamPlan

__all__ = ["CounterpartLinks"]


class CounterpartLinks:
    """The links of a stream, which `previous` of each block keeps as times."""

    __slots__ = ("_plan", "_sealed", "_tail", "last")

    def __init__(self, sealed: Sealed, tail: Block, plan: StreamPlan) -> None:
        self._sealed, self._tail, self._plan = sealed, tail, plan
        self.last: list[Recency] = []
        """Of each column of counterparts, once something is linked."""

    def begin(self) -> None:
        """Links the records of the tail, before the first are sealed."""
        tail, times = self._tail, list(self._tail.times or ())
        self.last = [Recency() for _ in self._plan.counterparts]
        tail.previous = [
            array("q", self.previous(column, list(found), times)) for column, found in enumerate(tail.counterparts)
        ]

    def previous(self, column: int, counterparts: list[int], times: list[int]) -> list[int]:
        """For records in order of time, after all others: when the counterpart of each came before it."""
        if NOBODY not in counterparts:
            return self.last[column].set_all(counterparts, times)
        some = [at for at, counterpart in enumerate(counterparts) if counterpart != NOBODY]
        found = self.last[column].set_all([counterparts[at] for at in some], [times[at] for at in some])
        previous = [FAR] * len(times)
        for at, time in zip(some, found, strict=True):
            previous[at] = time
        return previous

    def follow(self, column: int, counterpart: int, time: int) -> None:
        """Links a record at the end of the tail."""
        tail = self._tail
        previous = FAR if counterpart == NOBODY else self.last[column].set(counterpart, time)
        tail.previous[column].append(previous)
        if tail.ranked[column] is not None:
            tail.exchange(column, None, previous)

    def insert(self, record: LogRecord, number: int | None, at: int) -> None:
        """Links a record that was put into a block, the tail if it has no number, and the next of its counterpart."""
        block = self._block(number)
        for column, last in enumerate(self.last):
            counterpart, previous = record.counterparts[self._plan.counterparts[column]], FAR
            block.previous[column].insert(at, FAR)
            if counterpart != NOBODY:
                previous = last.get(counterpart)
                following = self._next(column, counterpart, number, at, previous) if previous > record.time else None
                if following is None:
                    last.set(counterpart, record.time)
                else:
                    previous = following[0].previous[column][following[1]]
                    _retell(column, following, previous, record.time)
            block.previous[column][at] = previous
            block.exchange(column, None, previous)

    def before_tail(self, counterparts: Sequence[Sequence[int]]) -> list[dict[int, int]]:
        """Of each column when the counterparts of the tail, and some others, were seen before the tail."""
        found = []
        for column, last in enumerate(self.last):
            seen: dict[int, int] = {}
            for counterpart, previous in zip(self._tail.counterparts[column], self._tail.previous[column], strict=True):
                seen.setdefault(counterpart, previous)
            seen |= {each: last.get(each) for each in set(counterparts[column]).difference(seen)}
            found.append(seen)
        return found

    def relink(self, before: list[dict[int, int]]) -> None:
        """Links the records of the tail anew. `before` tells when their counterparts were seen before it."""
        tail, times = self._tail, self._tail.times or ()
        for column, seen in enumerate(before):
            previous = array("q")
            for counterpart, time in zip(tail.counterparts[column], times, strict=True):
                previous.append(FAR if counterpart == NOBODY else seen[counterpart])
                seen[counterpart] = time
            tail.previous[column], tail.ranked[column] = previous, None
            last = self.last[column]
            for counterpart, time in seen.items():
                if counterpart != NOBODY and last.get(counterpart) != time:
                    last.set(counterpart, time)

    def remove(self, record: LogRecord, number: int | None, at: int) -> None:
        """Links the next of the counterpart to what was before a record that will be removed."""
        block = self._block(number)
        for column, last in enumerate(self.last):
            counterpart = record.counterparts[self._plan.counterparts[column]]
            previous = block.previous[column][at]
            if counterpart != NOBODY:
                following = self._next(column, counterpart, number, at, last.get(counterpart))
                if following is None:
                    last.set(counterpart, previous)
                else:
                    _retell(column, following, record.time, previous)
            block.exchange(column, previous, None)

    def _block(self, number: int | None) -> Block:
        return self._tail if number is None else self._sealed.blocks[number]

    def _next(self, column: int, counterpart: int, number: int | None, at: int, last: int) -> tuple[Block, int] | None:
        """The next record of the counterpart, which was seen at `last` for the last time."""
        if number is not None:
            for later in range(number, len(self._sealed.blocks)):
                if later > number and self._sealed.firsts[later] > last:
                    return None
                block = self._sealed.blocks[later]
                found = block.find(column, counterpart, at + 1 if later == number else 0)
                if found >= 0:
                    return block, found
            at = -1
        found = self._tail.find(column, counterpart, at + 1)
        return (self._tail, found) if found >= 0 else None


def _retell(column: int, link: tuple[Block, int], old: int, new: int) -> None:
    block, at = link
    block.previous[column][at] = new
    block.exchange(column, old, new)
