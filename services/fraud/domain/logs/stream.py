"""A stream: the records of a log that some features aggregate, ready to be read over any window.

The newest records are in a tail, which is open; those before are sealed in blocks. Windows are given as times from
`start` to before `until`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import MutableSequence, Sequence

from services.fraud.domain.declared.records import LogRecord
from services.fraud.domain.logs.blocks import LARGEST_BLOCK, NEVER, Block, running
from services.fraud.domain.logs.bulk import Share
from services.fraud.domain.logs.links import Links
from services.fraud.domain.logs.rows import Rows
from services.fraud.domain.logs.stream_plan import StreamPlan
from services.fraud.domain.logs.tree import Pieces, WindowTree

__all__ = ["Stream"]

SEALED = LARGEST_BLOCK // 2
LONGEST_TAIL = SEALED + SEALED // 2
STREAM_BYTES = 1_300
LAST_SEEN_BYTES = 110


class Stream:
    """The records of one stream, in order of time."""

    __slots__ = ("_newest", "_rows", "links", "plan", "sealed", "tail", "tree")

    def __init__(self, rows: Rows, plan: StreamPlan) -> None:
        self.plan, self._rows = plan, rows
        self.sealed = NEVER
        """No sealed record is after this time; NEVER if there is none."""
        self._newest = NEVER
        self.tree = WindowTree(rows, plan)
        self.tail = Block(len(plan.counterparts))
        self.links = Links(self.tree, self.tail, plan)
        self.tail.times = array("q")
        self.tail.fill(array("q"), plan)

    def append(self, place: int, record: LogRecord) -> None:
        """Adds a record of whatever time."""
        time = record.time
        if time < self._newest:
            self._insert(place, record)
            return
        plan, tail = self.plan, self.tail
        self._newest = time
        if plan.number >= 0:
            self._count(record.numbers[plan.number])
        for column, number in enumerate(plan.counterparts):
            counterpart = record.counterparts[number]
            tail.counterparts[column].append(counterpart)
            if self.links.last:
                self.links.follow(column, counterpart, time)
        tail.places.append(place)
        tail.times.append(time)  # type: ignore[union-attr] # The tail is always open.
        if len(tail.places) >= LONGEST_TAIL:
            self._seal()

    def extend(self, share: Share) -> None:
        """Adds many records in order of time."""
        late = bisect_left(share.times, self._newest)
        for place in share.places[:late]:
            self._insert(place, self._rows.record(place))
        if late < len(share.places):
            self._extend(
                share.places[late:],
                share.times[late:],
                share.values[late:],
                [column[late:] for column in share.counterparts],
            )

    def _extend(
        self, places: Sequence[int], times: list[int], values: list[int], counterparts: list[list[int]]
    ) -> None:
        """Adds records of which none is late."""
        plan, tail = self.plan, self.tail
        assert tail.times is not None
        self._newest = times[-1]
        if plan.number >= 0:
            tail.sums = _joined(tail.sums, running(values, tail.sums[-1]))
            if plan.squares:
                tail.squares = _joined(tail.squares, running(map(int.__mul__, values, values), tail.squares[-1]))
            if tail.values is not None:
                tail.values.extend(array("q", values))
        for column, found in enumerate(counterparts):
            tail.counterparts[column].extend(array("Q", found))
            if self.links.last:
                tail.previous[column].extend(array("q", self.links.previous(column, found, times)))
                tail.ranked[column] = None
        tail.places.extend(array("I", places))
        tail.times.extend(array("q", times))
        while len(tail.places) >= LONGEST_TAIL:
            self._seal()

    def remove(self, place: int, record: LogRecord) -> None:
        """Removes a record; does nothing if it is not here any more."""
        tail = self.tail
        found = self.tree.find(place, record.time) if record.time <= self.sealed else None
        if found is not None:
            group, number, at = found
            level = self.tree.groups[group]
            block = level.children[number]
            assert isinstance(block, Block)
            self.links.remove(record, (group, number), at)
            block.remove(at)
            block.close()
            block.summarize(self._rows, self.plan)
            block.close()
            self.tree.changed(group, number)
            return
        at = tail.locate(self._rows, place, record.time)
        if at >= 0:
            self.links.remove(record, None, at)
            tail.remove(at)
            del tail.times[at]  # type: ignore[union-attr]
            self._refill()

    def forget_before(self, time: int) -> None:
        """Drops the records before the time."""
        for last in self.links.last:
            last.forget_before(time, self._newest)
        if self.sealed >= time and self.tree.groups:
            self.tree.forget_before(time)
            return
        self.tree.clear()
        self.sealed = NEVER
        gone = bisect_left(self.tail.times or (), time)
        if gone:
            self.tail.take(gone)
            del self.tail.times[:gone]  # type: ignore[union-attr] # The tail is always open.
            self._refill()

    def size_bytes(self) -> int:
        """About how much memory it takes."""
        columns = len(self.plan.counterparts)
        sealed = sum(self.tree.root.counts) * (4 + 24 * columns)
        tail = len(self.tail.places) * (12 + 8 * columns + 8 * (self.plan.number >= 0) * (1 + self.plan.values))
        return STREAM_BYTES + sealed + tail + LAST_SEEN_BYTES * sum(map(len, self.links.last))

    def pieces(self, start: int, until: int) -> Pieces:
        """What a window consists of."""
        found = self.tree.window(start, until, self.sealed)
        times = self.tail.times or ()
        first, end = bisect_left(times, start), bisect_left(times, until)
        if end > first:
            found.parts.append((self.tail, first, end))
        return found

    def _count(self, value: int) -> None:
        tail = self.tail
        total = tail.sums[-1] + value
        try:
            tail.sums.append(total)
        except OverflowError:
            tail.sums = [*tail.sums, total]
        if self.plan.squares:
            square = tail.squares[-1] + value * value
            try:
                tail.squares.append(square)
            except OverflowError:
                tail.squares = [*tail.squares, square]
        if tail.values is not None:
            tail.values.append(value)

    def _refill(self) -> None:
        if self.plan.number >= 0:
            number = self._rows.layout.numbers_at + self.plan.number
            self.tail.fill(self._rows.numbers(number, self.tail.places), self.plan)

    def _seal(self) -> None:
        """Takes the oldest records of the tail into a block."""
        plan, tail = self.plan, self.tail
        if plan.counterparts:
            self.links.begin()
        assert tail.times is not None
        head = tail.take(SEALED)
        head.times, tail.times = tail.times[:SEALED], tail.times[SEALED:]
        if plan.number >= 0:
            head.sums, tail.sums = tail.sums[: SEALED + 1], tail.sums[SEALED:]
            if plan.squares:
                head.squares, tail.squares = tail.squares[: SEALED + 1], tail.squares[SEALED:]
            if tail.values is not None:
                head.values, tail.values = tail.values[:SEALED], tail.values[SEALED:]
        self.sealed = head.times[-1]
        head.summarize(self._rows, plan)
        head.close()
        self.tree.append(head)

    def _insert(self, place: int, record: LogRecord) -> None:
        """Adds a record that is late."""
        time, plan, tail = record.time, self.plan, self.tail
        counterparts = [record.counterparts[number] for number in plan.counterparts]
        if time >= self.sealed or not self.tree.groups:
            at = tail.insert(self._rows, place, time, counterparts)
            tail.times.insert(at, time)  # type: ignore[union-attr]
            self._refill()
            self.links.insert(record, None, at)
            if len(tail.places) >= LONGEST_TAIL:
                self._seal()
            return
        group, number = self.tree.spot(time)
        level = self.tree.groups[group]
        block = level.children[number]
        assert isinstance(block, Block)
        at = block.insert(self._rows, place, time, counterparts)
        block.close()
        block.count += 1
        block.first = min(block.first, time)
        if plan.number >= 0:
            value = record.numbers[plan.number]
            block.total += value
            block.square += value * value
            block.low, block.high = min(block.low, value), max(block.high, value)
        self.links.insert(record, (group, number), at)
        self.tree.changed(group, number)


def _joined(sums: MutableSequence[int], more: MutableSequence[int]) -> MutableSequence[int]:
    """Running sums with those that go on from them."""
    if isinstance(sums, array) and not isinstance(more, array):
        return [*sums, *more[1:]]
    sums.extend(more[1:])
    return sums
