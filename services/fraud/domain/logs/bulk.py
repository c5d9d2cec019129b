"""Reads many packed records at once: columns instead of records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import le
from typing import NamedTuple

from services.fraud.domain.declared.records import EVENT, LABEL, MISSING, RESTORED, RecordLayout
from services.fraud.domain.logs.stream_plan import StreamPlan

__all__ = ["Chunk", "Share"]

KIND, TYPE, CURRENCY, FILTERS = 0xFF, 8, 16, 32
"""Where the parts of a head are."""
WITHOUT_ATTEMPT = 2**48 - 1


class Share(NamedTuple):
    """The part of a chunk that goes into one stream, in order of time."""

    currency: int
    places: Sequence[int]
    times: list[int]
    values: list[int]
    counterparts: list[list[int]]

    def part(self, start: int, end: int) -> Share:
        """Returns the records from one number to before another."""
        run = slice(start, end)
        columns = [column[run] for column in self.counterparts]
        return Share(self.currency, self.places[run], self.times[run], self.values[run], columns)


class Chunk:
    """Consecutive records of a log, of which the first has the place `start`."""

    __slots__ = ("_columns", "_layout", "_uniform", "_words", "heads", "start", "times", "transactions")

    def __init__(self, layout: RecordLayout, data: bytes, start: int) -> None:
        self._layout, self.start = layout, start
        view = memoryview(data)
        self._words = {"q": view.cast("q"), "Q": view.cast("Q")}
        self._columns: dict[int, list[int]] = {}
        self.heads = [head & WITHOUT_ATTEMPT for head in self._column(2, "Q")]
        self.times = self._column(0, "q")
        self.transactions = self._column(1, "Q")
        self._uniform = self.heads.count(self.heads[0]) == len(self.heads)

    def special(self) -> list[int]:
        """The numbers of the records that are no events."""
        if self._uniform and self.heads[0] & KIND & ~RESTORED == EVENT:
            return []
        return [at for at, head in enumerate(self.heads) if head & KIND & ~RESTORED != EVENT]

    def is_label(self, at: int) -> bool:
        return self.heads[at] & KIND & ~RESTORED == LABEL

    def shares(self, plan: StreamPlan, run: Sequence[int]) -> Iterator[Share]:
        """What of a run of events goes into a stream, or into those of several currencies."""
        numbers = self._column(self._layout.numbers_at + plan.number, "q") if plan.number >= 0 else []
        chosen = self._chosen(plan, run)
        if numbers and MISSING in numbers:
            chosen = [at for at in chosen if numbers[at] != MISSING]
        for currency, part in self._by_currency(chosen) if plan.by_currency else ((0, chosen),):
            if part:
                yield self._share(currency, part, plan, numbers)

    def _share(self, currency: int, part: Sequence[int], plan: StreamPlan, numbers: list[int]) -> Share:
        times = [self.times[at] for at in part] if len(part) < len(self.times) else self.times
        columns = [self._column(self._layout.counterparts_at + number, "Q") for number in plan.counterparts]
        in_order = all(map(le, times, times[1:]))
        if in_order and times is self.times:
            places = range(self.start, self.start + len(times))
            return Share(currency, places, times, numbers, columns)
        part = part if in_order else sorted(part, key=self.times.__getitem__)
        return Share(
            currency,
            [self.start + at for at in part],
            [self.times[at] for at in part],
            [numbers[at] for at in part] if numbers else numbers,
            [[column[at] for at in part] for column in columns],
        )

    def _chosen(self, plan: StreamPlan, run: Sequence[int]) -> Sequence[int]:
        heads = self.heads
        if self._uniform:
            head = heads[0]
            fits = (head >> TYPE & 0xFF) in plan.types and (plan.filter < 0 or head >> FILTERS + plan.filter & 1)
            return run if fits else ()
        run = [at for at in run if heads[at] >> TYPE & 0xFF in plan.types]
        return run if plan.filter < 0 else [at for at in run if heads[at] >> FILTERS + plan.filter & 1]

    def _by_currency(self, run: Sequence[int]) -> Iterator[tuple[int, Sequence[int]]]:
        if self._uniform:
            parts: dict[int, Sequence[int]] = {self.heads[0] >> CURRENCY & 0xFFFF: run}
        else:
            lists: dict[int, list[int]] = {}
            for at in run:
                lists.setdefault(self.heads[at] >> CURRENCY & 0xFFFF, []).append(at)
            parts = dict(lists)
        parts.pop(0, None)
        yield from parts.items()

    def _column(self, word: int, code: str) -> list[int]:
        column = self._columns.get(word)
        if column is None:
            column = self._columns[word] = self._words[code][word :: self._layout.words].tolist()
        return column
