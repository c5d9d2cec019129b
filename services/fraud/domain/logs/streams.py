"""All streams of a large log, and what each of its records does to them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from services.fraud.domain.declared.records import CORRECTION, EVENT, LABEL, MISSING, WITHDRAWAL, LogRecord
from services.fraud.domain.logs.bulk import Chunk
from services.fraud.domain.logs.labels import Labels
from services.fraud.domain.logs.rows import Rows
from services.fraud.domain.logs.stories import Stories, arrival_of
from services.fraud.domain.logs.stream import Stream
from services.fraud.domain.logs.stream_plan import StreamPlan

__all__ = ["Streams"]

FEW = 8
"""Records that are taken one by one."""
SPARSE = 16
"""Records that are looked at for each that is put back, at most."""


class Streams:
    """The streams of a log, by the numbers of their plans; where they are by currency, those of each."""

    __slots__ = ("_labels", "_plans", "_rows", "_stories", "of")

    def __init__(self, rows: Rows, stories: Stories, plans: Sequence[StreamPlan], labels: Labels | None = None) -> None:
        """`labels` are told what counts. Without them labels are passed over."""
        self._rows, self._stories, self._plans, self._labels = rows, stories, plans, labels
        self.of: list[Stream | dict[int, Stream]] = [{} if each.by_currency else Stream(rows, each) for each in plans]

    def __iter__(self) -> Iterator[Stream]:
        for streams in self.of:
            if isinstance(streams, dict):
                yield from streams.values()
            else:
                yield streams

    def apply(self, place: int, record: LogRecord, gone: set[int] | None = None) -> None:
        """Applies a record that was put into the rows. What is taken out by it is added to `gone`, if that is told."""
        transaction, kind = record.transaction, record.kind
        if kind == EVENT and transaction not in self._stories.known:
            if self._stories.index.claim(transaction, place):
                self.put(place, record)
            elif not self._stories.is_repeat(transaction, place):
                self._tell(transaction, place, gone)
        elif kind in (EVENT, WITHDRAWAL, CORRECTION):
            self._tell(transaction, place, gone)
        elif kind == LABEL and self._labels is not None:
            self._labels.take(place, record)

    def extend(self, data: bytes) -> None:
        """Takes records in order of arrival."""
        if len(data) > FEW * self._rows.layout.size:
            self._extend_by(data)
            return
        rows, size = self._rows, self._rows.layout.size
        for offset in range(0, len(data), size):
            place = rows.end
            rows.packed += data[offset : offset + size]
            self.apply(place, rows.record(place))

    def _extend_by(self, data: bytes) -> None:
        """Takes records many at a time, except those that need more than to be put into their streams."""
        rows = self._rows
        chunk = Chunk(rows.layout, data, rows.end)
        rows.packed += data
        single, passed, labels = self._stories.sift(chunk)
        passed |= labels
        begin, gone = 0, set[int]()
        for at in (*sorted(single), len(chunk.times)):
            run: Sequence[int] = range(begin, at)
            self._put_all(chunk, [each for each in run if each not in passed] if passed else run)
            if at < len(chunk.times):
                self.apply(chunk.start + at, rows.record(chunk.start + at), gone)
            begin = at + 1
        self.take_all(gone)
        for at in sorted(labels):
            self.apply(chunk.start + at, rows.record(chunk.start + at))

    def _put_all(self, chunk: Chunk, run: Sequence[int]) -> None:
        if len(run) <= FEW:
            for at in run:
                self.put(chunk.start + at, self._rows.record(chunk.start + at))
            return
        self._put_each(chunk, run)

    def _tell(self, transaction: int, place: int, gone: set[int] | None) -> None:
        """Adds a record to the story of its transaction, and puts what counts now in the place of what counted."""
        before, after = self._stories.tell(transaction, place)
        old, new = before.counting, after.counting
        if old == new:
            return
        if self._labels is not None:
            self._labels.stand(transaction, new)
        if old >= 0 and gone is not None:
            gone.add(old)
        elif old >= 0:
            self.take_all([old])
        if gone and new in gone:
            gone.remove(new)
        elif new >= 0:
            self.put(new, self._rows.record(new))

    def exchange(self, changes: Sequence[tuple[int, int]]) -> None:
        """Has records at some places count instead of those at others: pairs of an old and a new one, -1 is none."""
        changed = [(old, new) for old, new in changes if old != new]
        self.take_all([old for old, _ in changed if old >= 0])
        self._put_back(sorted(new for _, new in changed if new >= 0))
        for old, new in changed:
            if new < 0 and self._labels is not None:
                self._labels.stand(self._rows.transaction(old), new)

    def put(self, place: int, record: LogRecord) -> None:
        """Puts a record that counts into the streams it is in."""
        for stream in self.streams_of(record):
            stream.append(place, record)
        if self._labels is not None:
            self._labels.stand(record.transaction, place)

    def take_all(self, places: Collection[int]) -> None:
        """Takes records out of the streams they are in."""
        found: dict[int, tuple[Stream, list[tuple[int, LogRecord]]]] = {}
        for place in places:
            record = self._rows.record(place)
            for stream in self.streams_of(record):
                found.setdefault(id(stream), (stream, []))[1].append((place, record))
        for stream, records in found.values():
            stream.remove_all(records)

    def _put_back(self, places: Sequence[int]) -> None:
        """Puts records that came one after the other, or nearly so, into the streams they are in."""
        rows = self._rows
        if len(places) <= FEW or places[-1] - places[0] > SPARSE * len(places):
            for place in places:
                self.put(place, rows.record(place))
            return
        start, size = places[0], rows.layout.size
        data = bytes(rows.packed[(start - rows.base) * size : (places[-1] + 1 - rows.base) * size])
        self._put_each(Chunk(rows.layout, data, start), [place - start for place in places])

    def _put_each(self, chunk: Chunk, run: Sequence[int]) -> None:
        if self._labels is not None:
            self._labels.stand_all(chunk, run)
        for number, plan in enumerate(self._plans):
            for share in chunk.shares(plan, run):
                self._stream(number, share.currency).extend(share)

    def changed_since(self, start: int, until: int, arrival: int) -> Iterator[int]:
        """The places of the records in a window that came since an arrival, some of them several times."""
        rows = self._rows
        for stream in self:
            for place in stream.places_since(start, until, max(arrival, rows.base)):
                if arrival_of(rows, place) >= arrival:
                    yield place

    def streams_of(self, record: LogRecord) -> Iterator[Stream]:
        """Returns the streams that a record is in if it counts."""
        event_type, currency = record.type, record.currency
        for number, plan in enumerate(self._plans):
            if event_type not in plan.types or (plan.by_currency and not currency):
                continue
            if plan.filter >= 0 and not record.filters >> plan.filter & 1:
                continue
            if plan.number < 0 or record.numbers[plan.number] != MISSING:
                stream = self.of[number]
                yield self._stream(number, currency) if isinstance(stream, dict) else stream

    def _stream(self, number: int, currency: int) -> Stream:
        """The stream of a plan, and of a currency, which begins with its first record."""
        streams = self.of[number]
        if isinstance(streams, Stream):
            return streams
        found = streams.get(currency)
        if found is None:
            found = streams[currency] = Stream(self._rows, self._plans[number])
        return found
