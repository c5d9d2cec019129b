"""Memory is divided so that whoever wants little gets it, and the others get the same."""

from __future__ import annotations

import random
from math import inf

import pytest

from services.fraud.domain.logs.shares import (
    LEAST_SECONDS,
    MOST_SECONDS,
    UsageEstimate,
    fair_level,
    first_seconds,
    most_over,
    next_seconds,
    room_of,
)

A, B, C = b"a", b"b", b"c"


@pytest.mark.parametrize(
    ("usage", "capacity", "level"),
    [
        ([], 10, inf),
        ([3, 4], 10, inf),
        ([5, 5], 10, inf),
        ([20], 10, 10),
        ([1, 20], 10, 9),
        ([1, 20, 30], 10, 4.5),
        ([4, 4, 4], 10, 10 / 3),
        ([0, 0, 7], 5, 5),
        ([1, 1], 0, 0),
        ([1, 1], -5, 0),
    ],
)
def test_the_level_is_where_all_together_take_the_capacity(usage: list[float], capacity: float, level: float) -> None:
    assert fair_level(usage, capacity) == pytest.approx(level)


@pytest.mark.parametrize("seed", range(50))
def test_at_the_level_nobody_can_get_more_without_another_getting_less(seed: int) -> None:
    choice = random.Random(seed)
    usage = [choice.expovariate(1.0) for _ in range(choice.randrange(1, 40))]
    capacity = choice.uniform(0.05, 1.2) * sum(usage)
    level = fair_level(usage, capacity)
    given = sum(min(each, level) for each in usage)
    assert given == pytest.approx(min(capacity, sum(usage)))
    assert (level == inf) == (sum(usage) <= capacity)


def test_a_tenant_alone_may_take_all_and_one_beside_others_what_they_leave() -> None:
    assert room_of(A, {}, 100) == 100
    assert room_of(A, {B: 30.0}, 100) == 70
    assert room_of(A, {A: 95.0, B: 30.0}, 100) == 70
    assert room_of(A, {B: 80.0}, 100) == 50
    assert room_of(B, {A: 95.0, B: 30.0}, 100) == 50


def test_who_takes_the_most_of_those_over_their_share_is_over_first_and_who_takes_little_never() -> None:
    usage = {A: 90.0, B: 5.0, C: 60.0}
    assert most_over(usage, 100, ()) == A
    assert most_over(usage, 100, {A}) == C
    assert most_over(usage, 100, {A, C}) is None
    assert most_over({A: 50.0, B: 50.0}, 100, ()) is None
    assert most_over({A: 51.0, B: 51.0}, 100, ()) is None, "samples differ by more"
    assert most_over({}, 100, ()) is None


def test_logs_stay_longer_while_there_is_room_and_less_long_when_there_is_none() -> None:
    def after(seconds: int, usage: float, waited: float = 1e6, *, urgent: bool = False) -> int:
        return next_seconds(seconds, usage, 100.0, waited, urgent=urgent)

    assert after(100, 90) == 125
    assert after(100, 90, waited=99) == 100, "what is given longer shows its effect later"
    assert after(100, 104) == 100
    assert after(1_000, 110) == 700
    assert after(1_000, 110, waited=5) == 1_000
    assert after(1_000, 50, waited=0, urgent=True) == 500
    assert after(LEAST_SECONDS, 200, urgent=True) == after(LEAST_SECONDS, 200) == LEAST_SECONDS
    assert after(MOST_SECONDS, 0) == MOST_SECONDS


def test_at_first_they_stay_for_as_long_as_there_is_room_for_what_comes() -> None:
    assert first_seconds(1_000.0, 4.0) == 250
    assert first_seconds(1_000.0, 1e9) == LEAST_SECONDS
    assert first_seconds(1_000.0, 0.0) == first_seconds(1_000.0, -4.0) == MOST_SECONDS


def test_an_estimate_is_of_all_keys_and_follows_what_changes() -> None:
    estimate = UsageEstimate()
    assert estimate.usage(1_000) == {}
    estimate.add([(A, 100)] * 30 + [(B, 200)] * 10 + [(b"", 5_000)] * 10)
    assert estimate.usage(1_000) == pytest.approx({A: 60_000, B: 40_000})
    for _ in range(20):
        estimate.age()
        estimate.add([(B, 100)] * 50)
    assert estimate.usage(1_000)[B] == pytest.approx(100_000, rel=0.01)
    assert estimate.usage(1_000).get(A, 0) < 100
    for _ in range(60):
        estimate.age()
        estimate.add([(B, 100)])
    assert set(estimate.usage(1_000)) == {B}, "whoever is gone is forgotten"
