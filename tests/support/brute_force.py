"""A twin of folds that scans a plain list for every value: slow, and written without a look at how folds do it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import filterfalse
from operator import attrgetter

from services.fraud.domain.declared.feature import Aggregate, Boundary, Feature
from services.fraud.domain.declared.plan import KindPlan, filter_of
from services.fraud.domain.declared.records import (
    CORRECTION,
    EVENT,
    LABEL,
    MISSING,
    NOBODY,
    WITHDRAWAL,
    LogRecord,
    currency_letters,
)

__all__ = ["BruteForce"]

DAY_MS = 86_400_000
_restored = attrgetter("restored")
MEASURES = ("sum", "mean", "min", "max", "stddev")


@dataclass
class BruteForce:
    """Every record that came, in order of arrival."""

    plan: KindPlan
    records: list[LogRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        types, filters = self.plan.types, self.plan.filters
        self._counted = {
            each.name: (
                {place for place, name in enumerate(types) if name in each.counted},
                1 << filters.index(filter_of(each)) if each.where else 0,
            )
            for each in self.plan.features
        }

    def present(self, arrived: int | None = None) -> dict[int, LogRecord]:
        """What counts of each transaction, by what came before a record (by its number), or by everything."""
        stories: dict[int, list[LogRecord]] = {}
        for each in self._before(arrived):
            stories.setdefault(each.transaction, []).append(each)
        counting = {transaction: _counting(story) for transaction, story in stories.items()}
        return {transaction: record for transaction, record in counting.items() if record is not None}

    def holds(self, transaction: int) -> bool:
        """Tells whether a transaction is in `present()`."""
        story = [each for each in self.records if each.transaction == transaction]
        return _counting([*filter(_restored, story), *filterfalse(_restored, story)]) is not None

    def read(self, record: LogRecord, arrived: int | None = None) -> list[object]:
        """What a new event sees, or one that arrived as a record did: of its own transaction nothing."""
        own = None if arrived is None else record.transaction
        present = [each for transaction, each in self.present(arrived).items() if transaction != own]
        fraud = self.fraud(record.time, arrived)
        name = (self.plan.types + self.plan.readers)[record.type]
        return [
            self._value(feature, record, present, fraud) if feature.event_type == name else None
            for feature in self.plan.features
        ]

    def fraud(self, time: int, arrived: int | None = None) -> Collection[int]:
        """The transactions that are fraud by what was known at a time, of what came before a record."""
        newest: dict[int, LogRecord] = {}
        for label in self._before(arrived):
            before = newest.get(label.transaction)
            is_newer = before is None or (before.time, before.attempt) < (label.time, label.attempt)
            if label.kind == LABEL and label.time <= time and is_newer:
                newest[label.transaction] = label
        return {transaction for transaction, label in newest.items() if label.filters == 1}

    def _before(self, arrived: int | None) -> Sequence[LogRecord]:
        """What came before a record (by its number), or everything, in order of arrival."""
        order = [at for at, each in enumerate(self.records) if each.restored]
        order += [at for at, each in enumerate(self.records) if not each.restored]
        return [self.records[at] for at in (order if arrived is None else order[: order.index(arrived)])]

    def _value(
        self, feature: Feature, current: LogRecord, present: Sequence[LogRecord], fraud: Collection[int]
    ) -> object:
        window, (types, mask) = _window(feature, current.time), self._counted[feature.name]
        rows = [
            each for each in present if each.time in window and each.type in types and (not mask or each.filters & mask)
        ]
        if feature.include_current and self._counts(feature, current):
            rows = [*rows, current]
        kind = feature.aggregate.value
        if kind in MEASURES:
            return self._measure(feature, current, rows)
        if feature.same_currency:
            if not current.currency:
                return None
            rows = [each for each in rows if each.currency == current.currency]
        times = [each.time for each in rows]
        if kind == "count":
            return len(rows)
        if kind.endswith("_fraud"):
            known = sum(each.transaction in fraud for each in rows)
            share = float(Fraction(known, len(rows))) if rows else 0.0
            return {"count_fraud": known, "share_fraud": share, "known_fraud": known > 0}[kind]
        if kind in ("first_seen", "last_seen"):
            edge = min(times, default=None) if kind == "first_seen" else max(times, default=None)
            return None if edge is None else (current.time - edge) / 1000
        if kind == "travel_speed":
            return self._speed(feature, current, rows)
        column = self.plan.counterparts.index(feature.field)
        seen = {each.counterparts[column] for each in rows} - {NOBODY}
        if kind == "distinct":
            return len(seen)
        own = current.counterparts[column]
        return None if own == NOBODY else own not in seen

    def _measure(self, feature: Feature, current: LogRecord, rows: Sequence[LogRecord]) -> object:
        column = [each.field for each in self.plan.numbers].index(feature.field)
        rows = [each for each in rows if each.numbers[column] != MISSING]
        if feature.converted:
            sums: dict[str, int] = {}
            for each in rows:
                if each.currency:
                    letters = currency_letters(each.currency)
                    sums[letters] = sums.get(letters, 0) + each.numbers[column]
            return sums
        if self.plan.numbers[column].money:
            if not current.currency:
                return None
            rows = [each for each in rows if each.currency == current.currency]
        values = [each.numbers[column] for each in rows]
        if feature.aggregate is Aggregate.SUM:
            return sum(values)
        if not values:
            return None
        if feature.aggregate is Aggregate.MEAN:
            return float(Fraction(sum(values), len(values)))
        if feature.aggregate is Aggregate.STDDEV:
            return statistics.pstdev(map(Fraction, values))
        return min(values) if feature.aggregate is Aggregate.MIN else max(values)

    def _speed(self, feature: Feature, current: LogRecord, rows: Sequence[LogRecord]) -> float | None:
        column = [each.field for each in self.plan.numbers].index(feature.field)
        known = [each for each in rows if each.numbers[column] != MISSING]
        if not known or current.numbers[column] == MISSING:
            return None
        last = max(each.time for each in known)
        places = sorted(_place(each.numbers[column]) for each in known if each.time == last)
        apart = max((current.time - last) / 1000, 1.0)
        return max(_speed(each, _place(current.numbers[column]), apart) for each in (places[0], places[-1]))

    def _counts(self, feature: Feature, record: LogRecord) -> bool:
        types, mask = self._counted[feature.name]
        return record.type in types and (not mask or bool(record.filters & mask))


def _counting(story: Sequence[LogRecord]) -> LogRecord | None:
    """Which record of a transaction counts: its attempts that are left, the first of them unless it was corrected."""
    left: list[LogRecord] = []
    corrected: LogRecord | None = None
    for record in story:
        if record.kind == WITHDRAWAL:
            left = [each for each in left if each.attempt != record.attempt]
        elif record.kind == EVENT and all(each.attempt != record.attempt for each in left):
            left.append(record)
        elif record.kind == CORRECTION and left:
            corrected = record
        corrected = corrected if left else None
    return corrected or (left[0] if left else None)


def _window(feature: Feature, now: int) -> range:
    """The times that are inside."""
    end = now - feature.delay_ms
    start = end - feature.window_ms
    if feature.boundary is Boundary.AFTER_START:
        start, end = start + 1, end + 1
    if feature.window_ms > 30 * DAY_MS:
        # Such a window holds whole days: those that begin in it.
        start = -(-start // DAY_MS) * DAY_MS
    return range(start, end)


def _place(packed: int) -> tuple[float, float, int]:
    """Degrees north and east and a radius, of 18, 19 and 15 bits."""
    rest, radius = divmod(packed, 2**15)
    north, east = divmod(rest, 2**19)
    return (north - 90_000) / 1_000, (east - 180_000) / 1_000, radius


def _speed(one: tuple[float, float, int], other: tuple[float, float, int], seconds: float) -> float:
    """By the angle between two vectors from the centre of the earth."""
    (x1, y1, z1), (x2, y2, z2) = _vector(one), _vector(other)
    across = math.hypot(y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2)
    apart = 6371.0088 * math.atan2(across, x1 * x2 + y1 * y2 + z1 * z2)
    sure = apart - one[2] - other[2]
    return round(sure / seconds * 3600, 1) if apart > 100 and sure > 0 else 0.0


def _vector(place: tuple[float, float, int]) -> tuple[float, float, float]:
    north, east = math.radians(place[0]), math.radians(place[1])
    return math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)
