"""Reads many packed records at once: columns instead of records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.fraud.domain.logs.records import EVENT, MISSING, RESTORED, Layout
from services.fraud.domain.logs.stream_plan import StreamPlan

__all__ = ["Chunk", "Share"]

KIND, TYPE, CURRENCY, FILTERS = 0xFF, 8, 16, 32
"""Where the parts of a head are."""


class Share(NamedTuple):
    """The part of a chunk that goes into one stream, in order of time."""

    currency: int
    places: list[int]
    times: list[int]
    values: list[int]
    counterparts: list[list[int]]


class Chunk:
    """Consecutive records of a log, of which the first has the place `start`."""

    __slots__ = ("_counterparts", "_layout", "_numbers", "heads", "start", "times", "transactions")

    def __init__(self, layout: Layout, data: bytes, start: int) -> None:
        self._layout, self.start = layout, start
        signed, unsigned = memoryview(data).cast("q"), memoryview(data).cast("Q")
        words = layout.words
        self.heads: list[int] = unsigned[::words].tolist()
        self.times: list[int] = signed[1::words].tolist()
        self.transactions: list[int] = unsigned[2::words].tolist()
        self._numbers = signed
        self._counterparts = unsigned

    def special(self) -> set[int]:
        """The numbers of the records that are no events."""
        return {at for at, head in enumerate(self.heads) if head & KIND & ~RESTORED != EVENT}

    def shares(self, plan: StreamPlan, run: Sequence[int]) -> Iterator[Share]:
        """What of a run of events goes into a stream, or into those of several currencies."""
        run = sorted(run, key=self.times.__getitem__)
        heads, words = self.heads, self._layout.words
        if len(plan.types) > 1 or 0 not in plan.types or any(heads[at] >> TYPE & 0xFF for at in run):
            run = [at for at in run if heads[at] >> TYPE & 0xFF in plan.types]
        if plan.filter >= 0:
            run = [at for at in run if heads[at] >> FILTERS + plan.filter & 1]
        values: list[int] = []
        if plan.number >= 0:
            values = self._numbers[self._layout.numbers_at + plan.number :: words].tolist()
            run = [at for at in run if values[at] != MISSING]
        columns = [
            self._counterparts[self._layout.counterparts_at + number :: words].tolist() for number in plan.counterparts
        ]
        for currency, part in self._by_currency(run) if plan.by_currency else ((0, run),):
            if part:
                yield Share(
                    currency,
                    [self.start + at for at in part],
                    [self.times[at] for at in part],
                    [values[at] for at in part] if values else values,
                    [[column[at] for at in part] for column in columns],
                )

    def _by_currency(self, run: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
        parts: dict[int, list[int]] = {}
        for at in run:
            parts.setdefault(self.heads[at] >> CURRENCY & 0xFFFF, []).append(at)
        parts.pop(0, None)
        yield from parts.items()
