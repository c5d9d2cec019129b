"""Components: how they are joined, and what they have grown by."""

from __future__ import annotations

import random

from services.fraud.domain.graph.components import join_components
from services.fraud.domain.graph.growth import GROWTH_DAYS, SizeHistory, lone


def test_the_smaller_is_joined_to_the_larger() -> None:
    found = join_components({1: 5, 2: 3, 3: 1}, [(1, 2), (3, 2)])
    assert (found.moved, found.sizes, found.full) == ({2: 1, 3: 1}, {1: 9}, frozenset())


def test_what_would_be_too_large_is_not_joined_and_says_so() -> None:
    found = join_components({1: 8, 2: 3, 3: 1}, [(1, 2), (1, 3)], most=10)
    assert (found.moved, found.sizes, set(found.full)) == ({3: 1}, {1: 9}, {1, 2})


def test_joining_agrees_with_a_search_however_links_come() -> None:
    dice = random.Random(5)
    for _ in range(50):
        links = [(dice.randrange(30), dice.randrange(30)) for _ in range(25)]
        found = join_components(dict.fromkeys(range(30), 1), links)
        for start in range(30):
            reached, fresh = {start}, [start]
            while fresh:
                one = fresh.pop()
                for pair in links:
                    if one in pair and not reached.issuperset(pair):
                        other = pair[1] if pair[0] == one else pair[0]
                        reached.add(other)
                        fresh.append(other)
            of = {found.moved.get(each, each) for each in reached}
            assert len(of) == 1
            assert found.sizes.get(of.pop(), 1) == len(reached)


def test_growth_is_what_came_within_a_week() -> None:
    history = lone(100).grown(4, 103).grown(9, 105)
    assert history.growth(105) == 9
    assert history.growth(100 + GROWTH_DAYS) == 8, "the first day is over a week ago at its end"
    assert history.growth(103 + GROWTH_DAYS) == 5
    assert history.growth(1_000) == 0


def test_a_day_that_is_over_changes_no_end_of_a_day() -> None:
    history = lone(100).grown(4, 103)
    assert history.grown(6, 101) == SizeHistory(6, 103, history.ends)
