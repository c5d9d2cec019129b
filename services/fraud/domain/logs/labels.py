"""Keeps the labels of a log beside its table or its streams: which events of a window were known to be fraud at a time.

Of the labels of a transaction the one counts that became known last, among those that were known by then. A label waits
for its event if that is not here yet, and stays with its transaction whatever becomes of the event.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from services.fraud.domain.declared.records import LABEL, RESTORED, LogRecord
from services.fraud.domain.logs.blocks import NEVER
from services.fraud.domain.logs.bulk import Chunk
from services.fraud.domain.logs.rows import Rows
from services.fraud.domain.logs.stories import Stories, arrival_of
from services.fraud.domain.logs.stream_plan import StreamPlan

__all__ = ["FraudTimes", "Labels"]

LABELLED_BYTES = 550
"""Of a transaction with a label or two."""
_Known: TypeAlias = "list[tuple[int, int, bool]]"
"""Labels of one transaction in order: when each became known, its number, and whether it says fraud."""


class FraudTimes:
    """The events of one stream that are fraud by their labels, in order of time, and when that became known."""

    __slots__ = ("changes", "times")

    def __init__(self) -> None:
        self.times: list[int] = []
        """Of the events that are fraud by all labels that there are."""
        self.changes: list[tuple[int, int, int]] = []
        """When it became known that an event is fraud or is not any more, the event's time, and 1 or -1 for it."""

    def count(self, now: int, start: int, until: int) -> int:
        """How many events from `start` to before `until` are fraud by the labels that were known at a time."""
        times, changes = self.times, self.changes
        found = bisect_left(times, until) - bisect_left(times, start)
        if changes and changes[-1][0] > now:
            later = changes[bisect_left(changes, (now + 1,)) :]
            found -= sum(change for _, time, change in later if start <= time < until)
        return found

    def enter(self, time: int, labels: _Known) -> None:
        """Adds an event with its labels."""
        if labels[-1][-1]:
            insort(self.times, time)
        for change in _changes(time, labels):
            insort(self.changes, change)

    def leave(self, time: int, labels: _Known) -> None:
        """Removes an event that was added with these labels."""
        if labels[-1][-1]:
            del self.times[bisect_left(self.times, time)]
        for change in _changes(time, labels):
            del self.changes[bisect_left(self.changes, change)]

    def forget_before(self, time: int) -> None:
        del self.times[: bisect_left(self.times, time)]
        self.changes = [each for each in self.changes if each[1] >= time]


class _Labelled:
    """A transaction that has labels."""

    __slots__ = ("inside", "labels", "time")

    def __init__(self, label: tuple[int, int, bool]) -> None:
        self.labels: _Known = [label]
        self.time: int | None = None
        """Of the record that counts; None while none does."""
        self.inside: Sequence[FraudTimes] = ()
        """The streams that it is in."""

    def stand(self, time: int | None, inside: Sequence[FraudTimes], labels: _Known) -> None:
        """Has a record and labels count instead of those that counted."""
        if self.time is not None:
            for each in self.inside:
                each.leave(self.time, self.labels)
        self.time, self.inside, self.labels = time, inside, labels
        if time is not None:
            for each in inside:
                each.enter(time, labels)

    def is_before(self, time: int) -> bool:
        """Tells whether its event is before a time, or while that is not here, what became known of it last."""
        return (self.labels[-1][0] if self.time is None else self.time) < time


class Labels:
    """The labels of a log."""

    __slots__ = ("_plans", "_rows", "_stories", "newest", "of", "streams")

    def __init__(self, rows: Rows, stories: Stories, plans: Sequence[StreamPlan]) -> None:
        self._rows, self._stories = rows, stories
        self._plans = {number: plan for number, plan in enumerate(plans) if plan.labels}
        self.of: dict[int, _Labelled] = {}
        """What is known of each transaction that has a label, whether its event is here or not."""
        self.streams: Mapping[int, FraudTimes] = {number: FraudTimes() for number in self._plans}
        """By the numbers of their plans."""
        self.newest = NEVER
        """No label arrived after this."""

    def take(self, place: int, label: LogRecord) -> None:
        """Takes a label that was put into the rows. Changes nothing if the same one is here."""
        transaction, number = label.transaction, label.attempt
        told = label.time, number, bool(label.filters & 1)
        found = self.of.get(transaction)
        if found is None:
            self.of[transaction] = _Labelled(told)
            self.stand(transaction, self._stories.state(transaction).counting)
        elif any(each == number for _, each, _ in found.labels):
            return
        else:
            found.stand(found.time, found.inside, sorted([*found.labels, told]))
        self.newest = max(self.newest, arrival_of(self._rows, place))

    def take_in(self, places: Sequence[int]) -> None:
        """Takes labels, and notes which events count, of records that were put into the rows."""
        for place in places:
            if self._rows.kind(place) & ~RESTORED == LABEL:
                self.take(place, self._rows.record(place))
            elif self.of:
                self.stand(self._rows.transaction(place), place)

    def stand(self, transaction: int, place: int) -> None:
        """Takes note of the record that counts of a transaction from now on, if it has labels. -1 is none."""
        found = self.of.get(transaction)
        if found is None:
            return
        if place < 0:
            found.stand(None, (), found.labels)
            return
        record = self._rows.record(place)
        streams = [self.streams[number] for number, plan in self._plans.items() if plan.holds(record)]
        found.stand(record.time, streams, found.labels)

    def stand_all(self, chunk: Chunk, run: Sequence[int]) -> None:
        """Takes note of records of a chunk that count from now on."""
        if not self.of.keys().isdisjoint(chunk.transactions):
            for at in run:
                self.stand(chunk.transactions[at], chunk.start + at)

    def forget_before(self, time: int) -> None:
        """Drops the labels of events before the time, which no window reaches."""
        self.of = {transaction: each for transaction, each in self.of.items() if not each.is_before(time)}
        for stream in self.streams.values():
            stream.forget_before(time)

    def size_bytes(self) -> int:
        """About how much memory it takes."""
        return LABELLED_BYTES * len(self.of)


def _changes(time: int, labels: _Known) -> Iterator[tuple[int, int, int]]:
    """When it became known, and in which way, that an event of a time is fraud or is not."""
    was = False
    for known, _, fraud in labels:
        if fraud is not was:
            yield known, time, 1 if fraud else -1
        was = fraud
