"""Features over more than 30 days: which days their totals are of, and what is totalled by day.

Such a window is whole days of UTC, from the first that begins in it, and after them an exact part of 29 days and what
there is of the newest, which is read of logs.
"""

from __future__ import annotations

import hashlib
import json
from typing import NamedTuple

from services.fraud.domain.declared.feature import (
    DAY_MS,
    LONGEST_DELAY_MS,
    LONGEST_WINDOW_MS,
    Aggregate,
    Boundary,
    Feature,
)
from services.fraud.domain.declared.plan import MEASURES, KindPlan, filter_of

__all__ = ["BY_DAY", "EXACT_DAYS", "KEPT_DAYS", "DailyStream", "daily_days", "daily_stream", "end_of", "first_kept"]

FORMAT = 1
"""Of what is totalled. A change makes every stream another one."""
EXACT_DAYS = 29
"""Before the day of the window's end: together with that day no more than 30 days, which logs have."""
LATEST_DAYS = 30
"""No event that comes later than this has values of such windows."""
KEPT_DAYS = (LONGEST_WINDOW_MS + LONGEST_DELAY_MS) // DAY_MS + LATEST_DAYS + 2
BY_DAY = frozenset(
    {
        Aggregate.COUNT, Aggregate.SUM, Aggregate.MEAN, Aggregate.MIN, Aggregate.MAX, Aggregate.STDDEV,
        Aggregate.FIRST_SEEN, Aggregate.LAST_SEEN,
    }
)  # fmt: skip
"""The aggregates that follow from totals of days."""


class DailyStream(NamedTuple):
    """What is totalled by day, for each value of a key."""

    number: int
    """Names key, counted event types, condition, field and whether there is a total for each currency (64 bits)."""
    by_currency: bool


def daily_stream(plan: KindPlan, feature: Feature) -> DailyStream:
    """Returns what is totalled for a feature, whose kind is planned like this or in another way."""
    measured = feature.aggregate in MEASURES
    by_currency = feature.same_currency or (
        measured and any(column.field == feature.field and column.money for column in plan.numbers)
    )
    named = [
        FORMAT,
        sorted(feature.key),
        sorted(feature.counted),
        filter_of(feature).where,
        feature.field if measured else "",
        by_currency,
    ]
    hashed = hashlib.sha256(json.dumps(named).encode()).digest()
    return DailyStream(int.from_bytes(hashed[:8], signed=True), by_currency)


def end_of(feature: Feature) -> int:
    """Returns what is added to the current event's time for the first moment after the window, in milliseconds."""
    return (feature.boundary is Boundary.AFTER_START) - feature.delay_ms


def daily_days(feature: Feature, time: int) -> tuple[int, int]:
    """Returns the days of which an event of a time sees totals: from one to before another, since 1970."""
    end = time + end_of(feature)
    return -((feature.window_ms - end) // DAY_MS), end // DAY_MS - EXACT_DAYS


def first_kept(now: int) -> int:
    """Returns the first day of which totals are kept at a time."""
    return now // DAY_MS - KEPT_DAYS
