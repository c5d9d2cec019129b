"""A stream: the records of a log that some features aggregate, ready to be read over any window.

The newest records are in a tail, which is open; those before are sealed in blocks. Windows are given as times from
`start` to before `until`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from services.fraud.domain.declared.records import LogRecord
from services.fraud.domain.logs.blocks import LARGEST_BLOCK, NEVER, Block, joined, running
from services.fraud.domain.logs.bulk import Share
from services.fraud.domain.logs.links import CounterpartLinks
from services.fraud.domain.logs.rows import Rows
from services.fraud.domain.logs.sealed import Sealed
from services.fraud.domain.logs.stream_plan import StreamPlan

__all__ = ["Stream"]

SEALED = LARGEST_BLOCK // 2
LONGEST_TAIL = SEALED + SEALED // 2
LINKED = 128
"""Records of a stream from which on their counterparts are linked."""
FEW_LATE = 8
"""Records that are inserted one by one."""
STREAM_BYTES = 1_300
LAST_SEEN_BYTES = 110


class Stream:
    """The records of one stream, in order of time."""

    __slots__ = ("_rows", "blocks", "links", "newest", "plan", "sealed", "tail")

    def __init__(self, rows: Rows, plan: StreamPlan) -> None:
        self.plan, self._rows = plan, rows
        self.sealed = NEVER
        """No sealed record is after this time; NEVER if there is none."""
        self.newest = NEVER
        """No record is after this time."""
        self.blocks = Sealed(rows, plan)
        self.tail = Block(len(plan.counterparts))
        self.links = CounterpartLinks(self.blocks, self.tail, plan)
        self.tail.times = array("q")
        self.tail.fill(array("q"), plan)

    def append(self, place: int, record: LogRecord) -> None:
        """Adds a record of whatever time."""
        time = record.time
        if time < self.newest:
            self._insert(place, record)
            return
        plan, tail = self.plan, self.tail
        self.newest = time
        if plan.number >= 0:
            self._count(record.numbers[plan.number])
        if plan.counterparts:
            self._compare(record)
        tail.times.append(time)  # type: ignore[union-attr] # The tail is always open.
        places = tail.places
        places.append(place)
        if len(places) >= LINKED:
            self._grown()

    def extend(self, share: Share) -> None:
        """Adds many records in order of time."""
        late = bisect_left(share.times, self.newest)
        sealed = bisect_left(share.times, self.sealed, hi=late) if late and self.blocks.blocks else 0
        if late - sealed <= FEW_LATE:
            sealed = late
        for place in share.places[:sealed]:
            self._insert(place, self._rows.record(place))
        if sealed < late:
            self._merge(share.part(sealed, late))
        if late < len(share.places):
            self._extend(share.part(late, len(share.places)) if late else share)

    def _merge(self, late: Share) -> None:
        """Adds records that belong among those of the tail."""
        times = [*(self.tail.times or ()), *late.times]
        # Those of one time in order of arrival, as if each had been inserted.
        self._rearrange(late, times, sorted(range(len(times)), key=times.__getitem__))
        self._grown()

    def _rearrange(self, more: Share, times: Sequence[int], order: Sequence[int]) -> None:
        """Puts the records of the tail, and more after them, in an order; those that it leaves out are removed."""
        before = self.links.before_tail(more.counterparts)
        self.tail.times = array("q", [times[at] for at in order])
        self.tail.rearrange(more.places, more.counterparts, order)
        self._refill()
        self.links.relink(before)

    def _extend(self, share: Share) -> None:
        """Adds records of which none is late."""
        _, places, times, values, counterparts = share
        plan, tail = self.plan, self.tail
        assert tail.times is not None
        self.newest = times[-1]
        if plan.number >= 0:
            tail.sums = joined(tail.sums, running(values, tail.sums[-1]))
            if plan.squares:
                tail.squares = joined(tail.squares, running(map(int.__mul__, values, values), tail.squares[-1]))
            if plan.values:
                tail.numbers().extend(array("q", values))
        for column, found in enumerate(counterparts):
            tail.counterparts[column].extend(array("Q", found))
            if self.links.last:
                tail.previous[column].extend(array("q", self.links.previous(column, found, times)))
                tail.ranked[column] = None
        tail.places.extend(array("I", places))
        tail.times.extend(array("q", times))
        self._grown()

    def remove(self, place: int, record: LogRecord) -> None:
        """Removes a record; does nothing if it is not here any more."""
        tail = self.tail
        number = self._take_sealed(place, record)
        if number >= 0:
            self._changed(number)
            return
        at = tail.locate(self._rows, place, record.time)
        if at >= 0:
            self.links.remove(record, None, at)
            tail.remove(at)
            del tail.times[at]  # type: ignore[union-attr]
            self._refill()

    def remove_all(self, records: Sequence[tuple[int, LogRecord]]) -> None:
        """Removes many records, by their places."""
        if len(records) <= FEW_LATE:
            for place, record in records:
                self.remove(place, record)
            return
        gone = {place for place, _ in records}.intersection(self.tail.places)
        touched = {self._take_sealed(place, record) for place, record in records if place not in gone}
        for number in sorted(touched.difference((-1,)), reverse=True):
            self._changed(number)
        if gone:
            nothing = Share(0, (), [], [], [[] for _ in self.plan.counterparts])
            kept = [at for at, place in enumerate(self.tail.places) if place not in gone]
            self._rearrange(nothing, self.tail.times or (), kept)

    def _take_sealed(self, place: int, record: LogRecord) -> int:
        """Takes a record out of its block. Returns the number of that, -1 if it is in none."""
        found = self.blocks.find(place, record.time) if record.time <= self.sealed else None
        if found is None:
            return -1
        number, at = found
        self.links.remove(record, number, at)
        self.blocks.blocks[number].remove(at)
        return number

    def _changed(self, number: int) -> None:
        self.blocks.changed(number)
        if not self.blocks.blocks:
            self.sealed = NEVER

    def places_since(self, start: int, until: int, least: int) -> Iterator[int]:
        """The places, from `least` on, of records in a window."""
        for block in (*self.blocks.holding(start, until, least), self.tail):
            yield from (place for place in block.places if place >= least and start <= self._rows.time(place) < until)

    def forget_before(self, time: int) -> None:
        """Drops the records before the time."""
        for last in self.links.last:
            last.forget_before(time, self.newest)
        if self.sealed >= time and self.blocks.blocks:
            self.blocks.forget_before(time)
            return
        self.blocks.clear()
        self.sealed = NEVER
        gone = bisect_left(self.tail.times or (), time)
        if gone:
            self.tail.take(gone)
            del self.tail.times[:gone]  # type: ignore[union-attr] # The tail is always open.
            self._refill()

    def size_bytes(self) -> int:
        """About how much memory it takes."""
        columns, number = len(self.plan.counterparts), self.plan.number >= 0
        sealed = self.blocks.totals.records * (5 + 16 * columns) + self.blocks.opened() * (8 + 8 * number)
        tail = len(self.tail.places) * (12 + 8 * columns + 8 * number * (1 + self.plan.values))
        return STREAM_BYTES + sealed + tail + LAST_SEEN_BYTES * sum(map(len, self.links.last))

    def _compare(self, record: LogRecord) -> None:
        """Takes the counterparts of a record at the end of the tail."""
        links, columns = self.links, self.tail.counterparts
        for column, number in enumerate(self.plan.counterparts):
            counterpart = record.counterparts[number]
            columns[column].append(counterpart)
            if links.last:
                links.follow(column, counterpart, record.time)

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
        if self.plan.values:
            tail.numbers().append(value)

    def _refill(self) -> None:
        if self.plan.number >= 0:
            number = self._rows.layout.numbers_at + self.plan.number
            self.tail.fill(self._rows.numbers(number, self.tail.places), self.plan)

    def _grown(self) -> None:
        """Links and seals what has become long enough."""
        length = len(self.tail.places)
        if self.plan.counterparts and length >= LINKED and not self.links.last:
            self.links.begin()
        for _ in range((length - LONGEST_TAIL) // SEALED + 1):
            self._seal()

    def _seal(self) -> None:
        """Takes the oldest records of the tail into a block."""
        plan, tail = self.plan, self.tail
        assert tail.times is not None
        head = tail.take(SEALED)
        head.times, tail.times = tail.times[:SEALED], tail.times[SEALED:]
        if plan.number >= 0:
            head.sums, tail.sums = tail.sums[: SEALED + 1], tail.sums[SEALED:]
            if plan.squares:
                head.squares, tail.squares = tail.squares[: SEALED + 1], tail.squares[SEALED:]
            if plan.values:
                numbers = tail.numbers()
                head.keep(numbers[:SEALED], plan)
                tail.keep(numbers[SEALED:], plan)
        self.sealed = head.times[-1]
        self.blocks.append(head)

    def _insert(self, place: int, record: LogRecord) -> None:
        """Adds a record that is late."""
        time, plan, tail = record.time, self.plan, self.tail
        counterparts = [record.counterparts[number] for number in plan.counterparts]
        if time >= self.sealed or not self.blocks.blocks:
            at = tail.insert(self._rows, place, time, counterparts)
            tail.times.insert(at, time)  # type: ignore[union-attr]
            self._refill()
            self.links.insert(record, None, at)
            self._grown()
            return
        number = self.blocks.spot(time)
        at = self.blocks.blocks[number].insert(self._rows, place, time, counterparts)
        self.links.insert(record, number, at)
        self.blocks.inserted(number, place, time, record.numbers[plan.number] if plan.number >= 0 else 0)
