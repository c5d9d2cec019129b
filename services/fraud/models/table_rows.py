"""Gathers the rows of a table page by page, and parts them in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from services.fraud.models.dataset import NEVER, Matrix, TrainingTable, tamed
from services.fraud.models.splits import Period, TimeSplit

__all__ = ["TableCounts", "TableRows", "counted", "split_of"]


class _Row(Protocol):
    """What a row is."""

    @property
    def values(self) -> Sequence[float]: ...

    @property
    def known_ms(self) -> int | None: ...

    @property
    def time_ms(self) -> int: ...

    @property
    def entity(self) -> int: ...

    @property
    def amount(self) -> float: ...


class TableRows:
    """Rows in the order in which they come. Holds four bytes for each value."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._values: list[Matrix] = []
        self._known: list[int] = []
        self._times: list[int] = []
        self._entities: list[int] = []
        self._amounts: list[float] = []

    def add(self, rows: Sequence[_Row]) -> None:
        if not rows:
            return
        self._values.append(tamed(np.array([row.values for row in rows], np.float64)))
        self._known += [NEVER if row.known_ms is None else row.known_ms for row in rows]
        self._times += [row.time_ms for row in rows]
        self._entities += [row.entity for row in rows]
        self._amounts += [row.amount for row in rows]

    def table(self) -> TrainingTable:
        """Returns all rows in the order of their times, and lets go of them."""
        values, self._values = self._values, []
        return TrainingTable.of(
            self._names,
            np.concatenate(values) if values else np.zeros((0, len(self._names)), np.float32),
            known_ms=np.array(self._known, np.int64),
            times_ms=np.array(self._times, np.int64),
            entities=np.array(self._entities, np.uint64),
            amounts=np.array(self._amounts, np.float64),
        )


class TableCounts(NamedTuple):
    """What of a table is learned from."""

    rows: int
    frauds: int


def split_of(since_ms: int, learned_until_ms: int, validation_ms: int, test_ms: int, until_ms: int) -> TimeSplit:
    """Returns the split of a period by its borders, in their order; the delay lies before the validation."""
    train = Period(since_ms, learned_until_ms)
    return TimeSplit(
        train, Period(validation_ms, test_ms), Period(test_ms, until_ms), validation_ms - learned_until_ms, since_ms
    )


def counted(table: TrainingTable, split: TimeSplit) -> TableCounts:
    """Counts the rows that are learned from, and the frauds that were known of them by the end of the delay."""
    learned = split.train.holds(table.times_ms)
    frauds = learned & table.labels(split.labels_known_ms)
    return TableCounts(int(learned.sum()), int(frauds.sum()))
