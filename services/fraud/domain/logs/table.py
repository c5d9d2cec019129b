"""The whole of a small log as one table in order of time, which all streams are read from.

It holds events that are alike: of one type, in one currency, for which the same filters hold, with every number and a
transaction of its own each. A log that is otherwise, or longer, is divided into streams. Labels are beside it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from string import ascii_lowercase
from typing import NamedTuple, TypeAlias

from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.declared.records import EVENT, LABEL, MISSING, RESTORED, LogRecord, RecordLayout
from services.fraud.domain.logs.stream_plan import StreamPlan

__all__ = ["LIKENESS", "NOTHING_ALIKE", "Likeness", "Table", "TablePlan", "has_many_labels", "labels_in"]

Table: TypeAlias = "list[array[int]]"
"""The columns, in the order of `TablePlan.columns`."""
LIKENESS = slice(17, 22)
"""The bytes of a packed record in which those of a table are alike: type, currency, filters."""
KIND_AT = 16
EVENTS, LABELS = bytes((EVENT, EVENT | RESTORED)), bytes((LABEL, LABEL | RESTORED))
ALIKE = 4_096
"""Likenesses that are known of a plan."""


class Likeness(NamedTuple):
    """What the records of a table have in common."""

    head: bytes
    currency: int
    streams: int
    """A bit for each stream that they are in, or that of their currency."""


NOTHING_ALIKE = Likeness(b"", 0, 0)


class TablePlan:
    """The columns of a table: times, then running sums of numbers and of their squares, numbers, counterparts."""

    __slots__ = ("_layout", "_likenesses", "_streams", "columns", "take")

    def __init__(self, plan: KindPlan, streams: Sequence[StreamPlan]) -> None:
        self._layout, self._streams = RecordLayout(plan), streams
        self._likenesses: dict[bytes, Likeness] = {}
        numbers = range(len(plan.numbers))
        read = {at: [each for each in streams if each.number == at] for at in numbers}
        self.columns = [
            "times",
            *(f"sums{at}" for at in numbers),
            *(f"squares{at}" for at in numbers if any(each.squares for each in read[at])),
            *(f"values{at}" for at in numbers if any(each.values for each in read[at])),
            *(f"others{at}" for at in range(len(plan.counterparts))),
        ]
        """Their names, as generated readers call them."""
        self.take: Callable[[Table, LogRecord], bool] = self._generate(len(plan.numbers))
        """Adds a record. False, and nothing is added, if it is late or lacks a number. Raises OverflowError midway."""

    def empty(self) -> Table:
        return [self._column(name, ()) for name in self.columns]

    def insert(self, table: Table, record: LogRecord) -> bool:
        """Adds a record that is late, as `take` does."""
        if MISSING in record.numbers:
            return False
        place = bisect_right(table[0], record.time)
        for name, column in zip(self.columns, table, strict=True):
            number = int(name.strip(ascii_lowercase) or 0)
            if name == "times":
                column.insert(place, record.time)
            elif name.startswith("others"):
                column.insert(place, record.counterparts[number])
            elif name.startswith("values"):
                column.insert(place, record.numbers[number])
            else:
                more = record.numbers[number] ** (2 if name.startswith("squares") else 1)
                column[place + 1 :] = array("q", [each + more for each in column[place:]])
        return True

    def tabulate(self, packed: bytearray) -> tuple[Likeness, Table, bytearray] | None:
        """Makes a table of the events of a log, with two bytes of each transaction.

        Returns None if they do not all belong in one.
        """
        size = self._layout.size
        if labels_in(packed, size):
            packed = _without_labels(packed, size)
        heads = [packed[at::size] for at in range(LIKENESS.start, LIKENESS.stop)]
        if packed[KIND_AT::size].translate(None, EVENTS) or any(each.count(each[:1]) < len(each) for each in heads):
            return None
        words = self._layout.words
        with memoryview(packed) as view, view.cast("q") as signed, view.cast("Q") as unsigned:
            times = signed[::words].tolist()
            if len(set(unsigned[1::words].tolist())) < len(times):
                return None
            numbers = [signed[at::words].tolist() for at in range(3, self._layout.counterparts_at)]
            others = [unsigned[at::words].tolist() for at in range(self._layout.counterparts_at, words)]
            with view.cast("H") as halves:
                marks = bytearray(array("H", halves[4 :: 4 * words].tolist()).tobytes())
        if any(MISSING in each for each in numbers):
            return None
        if times != sorted(times):
            order = sorted(range(len(times)), key=times.__getitem__)
            times = [times[at] for at in order]
            numbers, others = ([[each[at] for at in order] for each in columns] for columns in (numbers, others))
        given = {"times": times} | {f"others{at}": each for at, each in enumerate(others)}
        for at, each in enumerate(numbers):
            given |= {f"sums{at}": each, f"squares{at}": [number * number for number in each], f"values{at}": each}
        try:
            table = [self._column(name, given[name]) for name in self.columns]
            return self.likeness(bytes(packed[LIKENESS])), table, marks
        except OverflowError:
            return None

    def likeness(self, head: bytes) -> Likeness:
        """What records with these bytes have in common; none for no bytes."""
        known = self._likenesses.get(head) if head else NOTHING_ALIKE
        if known is None:
            event_type, currency, filters = (
                head[0],
                int.from_bytes(head[1:3], "little"),
                int.from_bytes(head[3:], "little"),
            )
            streams = 0
            for number, plan in enumerate(self._streams):
                fits = event_type in plan.types and (plan.filter < 0 or filters >> plan.filter & 1)
                if fits and (currency or not plan.by_currency):
                    streams |= 1 << number
            if len(self._likenesses) >= ALIKE:
                self._likenesses.clear()
            known = self._likenesses[head] = Likeness(head, currency, streams)
        return known

    @staticmethod
    def _column(name: str, values: Sequence[int]) -> array[int]:
        if name.startswith(("sums", "squares")):
            return array("q", accumulate(values, initial=0))
        return array("Q" if name.startswith("others") else "q", values)

    def _generate(self, numbers: int) -> Callable[[Table, LogRecord], bool]:
        lines = ["def take(table, record):", f" {', '.join(self.columns)}, = table", " time = record.time"]
        late = "times and time < times[-1]"
        lines += [f" x{at} = record.numbers[{at}]" for at in range(numbers)]
        lines.append(f" if {' or '.join([late, *(f'x{at} == {MISSING}' for at in range(numbers))])}: return False")
        for name in self.columns[1:]:
            at = name.strip(ascii_lowercase)
            if name.startswith("others"):
                lines.append(f" {name}.append(record.counterparts[{at}])")
            elif name.startswith("values"):
                lines.append(f" {name}.append(x{at})")
            else:
                lines.append(f" {name}.append({name}[-1] + x{at}{f' * x{at}' if name.startswith('squares') else ''})")
        text = "\n".join([*lines, " times.append(time)", " return True"])
        scope: dict[str, object] = {}
        exec(text, scope)  # noqa: S102 # The text is our own.
        return scope["take"]  # type: ignore[return-value]


def labels_in(packed: bytes | bytearray, size: int) -> int:
    """Counts the labels among packed records of a size."""
    kinds = packed[KIND_AT::size]
    return len(kinds) - len(kinds.translate(None, LABELS))


def has_many_labels(packed: bytes, size: int) -> bool:
    """Tells whether more than an eighth of packed records of a size are labels, which are taken one by one."""
    return 8 * labels_in(packed, size) * size > len(packed)


def _without_labels(packed: bytearray, size: int) -> bytearray:
    records = (packed[at : at + size] for at in range(0, len(packed), size))
    return bytearray().join(each for each in records if each[KIND_AT] not in LABELS)
