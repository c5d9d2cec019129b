"""When a version declines or reviews too much."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from services.fraud.domain.scenarios.breaker import (
    FEWEST,
    NOTHING_COUNTED,
    WINDOW_DECISIONS,
    BreakerLimits,
    OutcomeCounts,
    merged,
    recent,
    tripped,
)

LIMITS = BreakerLimits(declines=0.3, reviews=0.5, times=3.0, above=0.05)
NOW = 1_000_000


def seconds(*counts: tuple[int, int, int, int]) -> Mapping[int, OutcomeCounts]:
    """Of each: how many seconds ago, decisions, declines, reviews."""
    return {NOW - ago: OutcomeCounts(*rest) for ago, *rest in counts}


@pytest.mark.parametrize(
    ("counts", "usual", "outcome", "against"),
    [
        # 200 decisions, within a minute or not.
        (seconds((0, 200, 61, 0)), NOTHING_COUNTED, "decline", "absolute"),
        (seconds((0, 200, 60, 0)), NOTHING_COUNTED, "", ""),
        (seconds((0, 200, 0, 101)), NOTHING_COUNTED, "review", "absolute"),
        (seconds((0, 200, 0, 100)), NOTHING_COUNTED, "", ""),
        (seconds((3_000, 100, 31, 0), (5, 100, 30, 0)), NOTHING_COUNTED, "decline", "absolute"),
        (seconds((3_000, 99, 99, 0), (61, 100, 100, 0)), NOTHING_COUNTED, "", ""),
        # A minute with enough decisions need not wait for 200.
        (seconds((59, FEWEST, FEWEST, 0)), NOTHING_COUNTED, "decline", "absolute"),
        (seconds((0, FEWEST - 1, FEWEST - 1, 0)), NOTHING_COUNTED, "", ""),
        (seconds((60, FEWEST, FEWEST, 0)), NOTHING_COUNTED, "", ""),
        # Old sins are forgotten once 200 good decisions follow.
        (seconds((100, 1_000, 1_000, 0), (1, 200, 0, 0)), NOTHING_COUNTED, "", ""),
        # What the version before does: three times as much and 5 % more.
        (seconds((0, 200, 20, 0)), OutcomeCounts(200, 4, 0), "decline", "before"),
        (seconds((0, 200, 14, 0)), OutcomeCounts(200, 4, 0), "", ""),
        (seconds((0, 200, 10, 0)), OutcomeCounts(200, 0, 0), "", ""),
        (seconds((0, 200, 11, 0)), OutcomeCounts(200, 0, 0), "decline", "before"),
        (seconds((0, 200, 0, 90)), OutcomeCounts(100, 0, 10), "review", "before"),
        (seconds((0, 200, 11, 0)), OutcomeCounts(FEWEST - 1, 0, 0), "", ""),
        (seconds((0, 200, 11, 0)), OutcomeCounts(FEWEST, 0, 0), "decline", "before"),
        ({}, NOTHING_COUNTED, "", ""),
    ],
)
def test_a_version_trips(counts: Mapping[int, OutcomeCounts], usual: OutcomeCounts, outcome: str, against: str) -> None:
    trip = tripped(counts, usual, LIMITS, NOW)
    assert (trip.outcome, trip.against) == (outcome, against) if trip else outcome == ""


def test_limits_of_one_are_none() -> None:
    none = BreakerLimits(declines=1.0, reviews=1.0, times=1.0, above=1.0)
    assert tripped(seconds((0, 500, 500, 0)), OutcomeCounts(500, 0, 0), none, NOW) is None


def test_a_trip_says_why() -> None:
    trip = tripped(seconds((0, 200, 100, 0)), NOTHING_COUNTED, LIMITS, NOW)
    assert str(trip) == "50.0% of 200 decisions were decline, above the limit, 30.0%"


def test_the_latest_window_ends_with_the_second_that_fills_it() -> None:
    counts = {NOW - ago: OutcomeCounts(30, 1, 0) for ago in range(1_000)}
    latest, minute = recent(counts, NOW)
    assert latest == OutcomeCounts(210, 7, 0)
    assert minute == OutcomeCounts(1_800, 60, 0)
    assert latest.decisions >= WINDOW_DECISIONS


def test_counts_of_processes_add_up_whoever_counted() -> None:
    choice = random.Random(5)
    parts: list[dict[int, OutcomeCounts]] = [{} for _ in range(4)]
    whole: dict[int, OutcomeCounts] = {}
    for _ in range(5_000):
        second, one = NOW - choice.randrange(90), OutcomeCounts(1, choice.randrange(2), 0)
        for counts in (whole, choice.choice(parts)):
            counts[second] = counts.get(second, NOTHING_COUNTED).plus(one)
    assert merged(parts) == whole
    assert recent(merged(parts), NOW) == recent(whole, NOW)
