"""Folds the log of one value of a key: keeps it ready to be read as the current event sees it.

A window of the current event holds the records in it that arrived before, in whatever order, one for each transaction:
see `stories`. A small log is one table (see `table`), a large one is divided into streams; labels are beside either.
Amounts and numbers are read as the log has them, in smallest units and millionths.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.declared.records import EVENT, LABEL, LogRecord
from services.fraud.domain.logs.compiled import CompiledPlan, compile_plan
from services.fraud.domain.logs.labels import Labels
from services.fraud.domain.logs.rows import Rows
from services.fraud.domain.logs.stories import Stories, arrival_of, arrived_before
from services.fraud.domain.logs.streams import Streams
from services.fraud.domain.logs.table import LIKENESS, NOTHING_ALIKE, Table, has_many_labels, labels_in

__all__ = ["Fold", "TornLog"]

CHUNK = 256
"""Records that are added between two steps, less if many are labels: about half a millisecond."""
LARGEST_TABLE, MOST_RECORDS = 128, 512
"""Events of a log that is not divided into streams, and records of one, with labels, that are read at once."""
UNDONE = 512
"""Transactions that are undone to read as of an earlier arrival. Before more, the log is folded anew."""
SCANNED = 65_536
"""Records that are looked at in one call to forget."""
OWN_BYTES = 700
COLUMN_BYTES = 72
TRANSACTION, MARK = slice(8, 16), slice(8, 10)
"""Bytes of a packed record."""


class TornLog(ValueError):
    """The bytes are no whole number of records."""


class Fold:
    """The log of one value of a key, as features read it."""

    __slots__ = ("_compiled", "_marks", "_stories", "labels", "likeness", "plan", "rows", "streams", "table")

    def __init__(self, plan: KindPlan) -> None:
        self.plan = plan
        self._compiled: CompiledPlan = compile_plan(plan)
        self.rows = Rows(self._compiled.layout)
        self._stories = Stories(self.rows)
        self.table: Table | None = self._compiled.table.empty()
        """None once the log is divided into streams."""
        self._marks = bytearray()
        """Of each transaction in the table two bytes, which tell of most others that they are not here."""
        self.likeness = NOTHING_ALIKE
        self.labels = Labels(self.rows, self._stories, self._compiled.streams) if plan.labelled else None
        self.streams = Streams(self.rows, self._stories, ())

    @property
    def taken(self) -> int:
        """How many records of the log were taken, with those that are forgotten."""
        return self.rows.end

    def extend(self, data: bytes) -> None:
        """Takes records in order of arrival. Raises TornLog, and takes none, if they are not whole."""
        for _ in self.extend_in_steps(data):
            pass

    def extend_in_steps(self, data: bytes) -> Iterator[None]:
        """As `extend`, about a millisecond at a time. In between the fold may be read: it holds what was taken."""
        rows = self.rows
        size = rows.layout.size
        if len(data) % size:
            raise TornLog(f"{len(data)} bytes are no whole number of records of {size}")
        if self.table is not None:
            if len(data) <= size:
                for record in rows.layout.unpack_all(data):
                    self.add(record)
                return
            if self._fits(data):
                rows.packed += data
                self._tabulate(len(data) // size)
                return
            self._divide()
        step = size * (CHUNK // 8 if self.labels is not None and has_many_labels(data, size) else CHUNK)
        for start in range(0, len(data), step):
            self.streams.extend(data[start : start + step])
            yield

    def add(self, record: LogRecord) -> None:
        """Takes one record. Raises struct.error if it is none of this plan."""
        rows = self.rows
        place, packed = rows.end, rows.layout.pack(record)
        if self.table is None:
            rows.packed += packed
            self.streams.apply(place, record)
        elif record.kind == EVENT and not self._has(packed):
            self._enter(self.table, record, packed)
        else:
            rows.packed += packed
            if record.kind != LABEL:
                self._divide()
            elif self.labels is not None:
                self.labels.take(place, record)

    def admit(self, record: LogRecord, packed: bytes) -> list[object] | None:
        """Reads what an event sees and takes it, packed as it is; takes nothing if its transaction is here already.

        Returns the values of `read`, None for a transaction that is here.
        """
        table, rows, compiled = self.table, self.rows, self._compiled
        if table is not None:
            if packed[MARK] not in self._marks or not self._has(packed):
                values = compiled.of_table[record.type](self, record)
                self._enter(table, record, packed)
                return values
            self._divide()
        stories, place = self._stories, rows.end
        if record.transaction in stories.known or not stories.index.claim(record.transaction, place):
            return None
        values = compiled.of_streams[record.type](self, record)
        rows.packed += packed
        self.streams.put(place, record)
        return values

    def holds(self, transaction: int) -> bool:
        """Tells whether the transaction counts."""
        return self._stories.state(transaction).event >= 0

    def first(self, transaction: int) -> tuple[LogRecord, int] | None:
        """The event record that began the transaction, if it counts, and its arrival, for `read_as_of`."""
        place = self._stories.state(transaction).event
        return (self.rows.record(place), arrival_of(self.rows, place)) if place >= 0 else None

    def read(self, record: LogRecord) -> list[object]:
        """The values of the plan's features as an event that comes now sees them; None for what is missing.

        Features of another event type are None. A sum that is to be converted is a sum for each currency.
        """
        readers = self._compiled.of_streams if self.table is None else self._compiled.of_table
        return readers[record.type](self, record)

    def read_as_of(self, record: LogRecord, arrival: int) -> list[object]:
        """What an event of that arrival saw when it came: never itself, also if an earlier attempt is withdrawn since.

        Slow if much of what its windows hold has come since.
        """
        own = record.transaction
        since = None if self.table is not None else self._changed_since(record.time, arrival)
        if since is None:
            return self._anew(arrival, own).read(record)
        changes = [(self._counted(each, arrival, own), self._stories.state(each).counting) for each in {*since, own}]
        self.streams.exchange([(now, then) for then, now in changes])
        try:
            return self.read(record)
        finally:
            self.streams.exchange(changes)

    def forget_before(self, time: int) -> bool:
        """Drops records before the time, which no window reaches, as far as is quick. True if there may be more."""
        for stream in self.streams:
            stream.forget_before(time)
        if self.labels is not None:
            self.labels.forget_before(time)
        rows = self.rows
        end = min(rows.end, rows.base + SCANNED, self._stories.first_since(time))
        times = rows.times(range(rows.base, end))
        gone = next((at for at, each in enumerate(times) if each >= time), len(times))
        rows.drop(gone)
        self._stories.forget()
        if self.table is not None and gone:
            self._tabulate()
        return gone == SCANNED

    def size_bytes(self) -> int:
        """About how much memory it takes."""
        size = OWN_BYTES + len(self.rows.packed) + self._stories.size_bytes()
        if self.labels is not None:
            size += self.labels.size_bytes()
        if self.table is not None:
            return size + sum(COLUMN_BYTES + 8 * len(column) for column in self.table)
        return size + sum(stream.size_bytes() for stream in self.streams)

    def _has(self, packed: bytes) -> bool:
        """Tells whether the transaction of a record is in the table."""
        return self._stories.index.search(packed[TRANSACTION], self.rows.end) >= 0

    def _fits(self, data: bytes) -> bool:
        """Tells whether the log with some more records may be one table."""
        packed, size = self.rows.packed, self.rows.layout.size
        records = (len(packed) + len(data)) // size
        if self.labels is not None and LARGEST_TABLE < records <= MOST_RECORDS:
            records -= labels_in(packed, size) + labels_in(data, size)
        return records <= LARGEST_TABLE

    def _enter(self, table: Table, record: LogRecord, packed: bytes) -> None:
        """Takes an event whose transaction is not here into the table, or divides it."""
        head, rows, plan = packed[LIKENESS], self.rows, self._compiled.table
        rows.packed += packed
        if self.labels is not None and record.transaction in self.labels.of:
            self.labels.stand(record.transaction, rows.end - 1)
        self._marks += packed[MARK]
        if len(table[0]) >= LARGEST_TABLE:
            self._divide()
            return
        if head != self.likeness.head:
            if table[0]:
                self._divide()
                return
            self.likeness = plan.likeness(head)
        try:
            taken = plan.take(table, record) or plan.insert(table, record)
        except OverflowError:
            # A number beyond 64 bits, which streams hold. What the table is by now does not matter.
            taken = False
        if not taken:
            self._divide()

    def _tabulate(self, new: int = 0) -> None:
        """Makes a table of the records, of which some are new, or divides them."""
        found, end = self._compiled.table.tabulate(self.rows.packed), self.rows.end
        if found is None:
            self._divide()
            return
        self.likeness, self.table, self._marks = found
        if self.labels is not None:
            self.labels.take_in(range(end - new, end))

    def _divide(self) -> None:
        """Divides the log into streams, for good."""
        self.table, self._marks = None, bytearray()
        self.streams = Streams(self.rows, self._stories, self._compiled.streams, self.labels)
        packed, self.rows.packed = self.rows.packed, bytearray()
        self.streams.extend(bytes(packed))

    def _changed_since(self, time: int, arrival: int) -> set[int] | None:
        """The transactions that stand otherwise than when a record came, as far as an event of that time sees them.

        None if they are too many, or labels came since.
        """
        if self.labels is not None and self.labels.newest >= arrival:
            return None
        found = set[int]()
        places = self.streams.changed_since(time - self.plan.retention_ms, time + 1, arrival)
        for transaction in chain(map(self.rows.transaction, places), self._stories.told_since(arrival)):
            found.add(transaction)
            if len(found) > UNDONE:
                return None
        return found

    def _counted(self, transaction: int, arrival: int, own: int) -> int:
        """The place of the record of a transaction that counted for an event of that arrival; -1 if none did."""
        return -1 if transaction == own else self._stories.state(transaction, arrival).counting

    def _anew(self, arrival: int, own: int) -> Fold:
        """A fold of what arrived before, but for the attempts of one transaction."""
        fold = Fold(self.plan)
        fold.extend(arrived_before(self.rows, arrival, own))
        return fold
