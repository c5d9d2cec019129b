"""Splits in time: what is learned was known before what is measured, and nobody is caught twice.

The protocol is that of the Fraud Detection Handbook: between the period that is learned from and the one that is
measured lies the delay after which fraud is known; whoever is known to be compromised by the day of an event is left
out of the measure, since a known card is blocked and needs no model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.fraud.models.dataset import Flags, Integers, TrainingTable
from services.fraud.models.failures import TrainingTableError

__all__ = ["DAY_MS", "Period", "TimeSplit", "day_folds"]

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Period:
    """From `start_ms`, up to `end_ms` and without it."""

    start_ms: int
    end_ms: int

    @property
    def is_empty(self) -> bool:
        return self.start_ms >= self.end_ms

    def holds(self, times_ms: Integers) -> Flags:
        return (times_ms >= self.start_ms) & (times_ms < self.end_ms)


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """What is learned from, chosen by and measured on, in this order; the delay lies after the first."""

    train: Period
    validation: Period
    """Empty if nothing is chosen."""
    test: Period
    delay_ms: int
    known_since_ms: int
    """Fraud before is forgotten: an entity that had some is measured again."""

    @property
    def labels_known_ms(self) -> int:
        """The time by which fraud of the period that is learned from had to be known to be learned."""
        return self.train.end_ms + self.delay_ms

    def training_rows(self, table: TrainingTable) -> TrainingTable:
        """Returns the rows to learn from. Use their `labels(split.labels_known_ms)`."""
        return table.taken(self.train.holds(table.times_ms))

    def validation_rows(self, table: TrainingTable) -> TrainingTable:
        """Returns the rows to choose by, without entities that were known to be compromised."""
        return self._measured(table, self.validation)

    def test_rows(self, table: TrainingTable) -> TrainingTable:
        """Returns the rows to measure on, without entities that were known to be compromised."""
        return self._measured(table, self.test)

    def _measured(self, table: TrainingTable, period: Period) -> TrainingTable:
        """Leaves out rows of entities with fraud known by the start of the row's day, and older than the delay.

        Days count from the start of the period.
        """
        inside = period.holds(table.times_ms)
        is_fraud = table.labels() & (table.times_ms >= self.known_since_ms)
        known_ms = np.maximum(table.known_ms[is_fraud], table.times_ms[is_fraud] + self.delay_ms)
        order = np.argsort(known_ms, kind="stable")
        entities, first = np.unique(table.entities[is_fraud][order], return_index=True)
        if not len(entities):
            return table.taken(inside)
        place = np.minimum(np.searchsorted(entities, table.entities), len(entities) - 1)
        has_fraud = entities[place] == table.entities
        day_ms = period.start_ms + (table.times_ms - period.start_ms) // DAY_MS * DAY_MS
        return table.taken(inside & ~(has_fraud & (known_ms[order][first][place] < day_ms)))


def day_folds(times_ms: Integers, count: int) -> Integers:
    """Returns a fold for each row, all rows of a day in one: 0 to `count` - 1, fewer if there are fewer days.

    Events of one day resemble each other, so a model that has learned from a day is not asked about it. Raises
    TrainingTableError if all rows are of one day.
    """
    _, days = np.unique(times_ms // DAY_MS, return_inverse=True)
    if not len(days) or days.max() == 0:
        raise TrainingTableError("calibration needs rows of two days at least")
    return np.asarray(days % count, np.int64)
