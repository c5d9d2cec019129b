"""Declares features: what is counted by which key, over which window."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = [
    "DAY_MS",
    "EXACT_WINDOW_MS",
    "LONGEST_DELAY_MS",
    "LONGEST_WINDOW_MS",
    "SHORTEST_WINDOW_MS",
    "Aggregate",
    "Boundary",
    "Feature",
]

SHORTEST_WINDOW_MS = 1_000
DAY_MS = 86_400_000
EXACT_WINDOW_MS = 30 * DAY_MS
"""The longest window that is read of logs alone."""
LONGEST_WINDOW_MS = 400 * DAY_MS
LONGEST_DELAY_MS = 30 * DAY_MS


class Aggregate(Enum):
    """What is computed of the events in a window."""

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    STDDEV = "stddev"
    """Of the population."""
    DISTINCT = "distinct"
    """Different values of a field, of events that have one."""
    FIRST_SEEN = "first_seen"
    """Seconds from the first event of the window to the current one; missing without any."""
    LAST_SEEN = "last_seen"
    """Seconds from the last event of the window to the current one; missing without any."""
    IS_NEW = "is_new"
    """True if the window has no event with the value that the current event has in the field; missing without one."""
    TRAVEL_SPEED = "travel_speed"
    """Least speed in km/h from the place of the last event of the window that has one to that of the current event.

    Missing without either. Of several last events at one time the southernmost and the northernmost are asked, and the
    greater speed counts: whatever the order in which they came.
    """
    COUNT_FRAUD = "count_fraud"
    """Events of the window whose label says fraud: the newest one that was known at the current event's time."""
    SHARE_FRAUD = "share_fraud"
    """The part of the window's events that `count_fraud` counts; 0.0 without any event."""
    KNOWN_FRAUD = "known_fraud"
    """True if `count_fraud` counts any."""


class Boundary(Enum):
    """Which ends of a window belong to it: t is the current event's time, d the delay, w the window's length."""

    AFTER_START = "(]"
    """(t - d - w, t - d]."""
    FROM_START = "[)"
    """[t - d - w, t - d)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """An aggregate over the events that had the same key before the current one.

    Of the events in the window those count that arrived before the current one, in whatever order. Aggregates of a
    field of money are over events in the current event's currency, except where `converted` says otherwise.
    """

    name: str
    event_type: str
    """Whose checks compute it."""
    key: tuple[str, ...]
    """Fields that the events have in common with the current one, in any order."""
    aggregate: Aggregate
    window_ms: int
    counts: tuple[str, ...] = ()
    """Event types that are counted; none means that of `event_type`."""
    field: str = ""
    """What is aggregated; empty for count, first_seen and last_seen."""
    delay_ms: int = 0
    boundary: Boundary = Boundary.AFTER_START
    include_current: bool = False
    """Only where the current event lies in the window: with `(]` and no delay."""
    same_currency: bool = False
    """For a count: only events in the current event's currency."""
    converted: bool = False
    """For a sum of money: over events in all currencies, one sum for each, to be converted later."""
    where: str = ""
    """An expression over the fields of the counted event; empty counts every one."""

    @property
    def counted(self) -> tuple[str, ...]:
        """The event types that are counted."""
        return self.counts or (self.event_type,)

    @property
    def by_day(self) -> bool:
        """Tells whether a part of the window comes from daily totals (see `daily`)."""
        return self.window_ms > EXACT_WINDOW_MS

    @property
    def reach_ms(self) -> int:
        """How long before the current event a record of its log counts."""
        return min(self.window_ms, EXACT_WINDOW_MS) + self.delay_ms

    @property
    def kind(self) -> str:
        """The kind of key whose log it reads: the fields of the key, sorted, joined with "+"."""
        return "+".join(sorted(self.key))
