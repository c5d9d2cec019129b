"""Cycles of transfers: what is one, and within which bounds they are searched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from services.fraud.domain.graph.cycles import CYCLE_WINDOW, LONGEST_CYCLE, MOST_VISITED, CycleSearch, KnownTransfers
from tests.support.graph import START

Edge = tuple[int, int, float]
"""Source, target, and hours after `START`."""


def search(edges: Sequence[Edge], closing: Edge) -> CycleSearch:
    """Searches among transfers for a cycle that one closes."""
    by_target: dict[int, dict[int, list[float]]] = {}
    for source, target, hours in edges:
        by_target.setdefault(target, {}).setdefault(source, []).append(hours)
    found = CycleSearch(closing[0], closing[1], START + timedelta(hours=closing[2]))
    while wanted := found.wanted:
        found.step(
            {
                target: [
                    KnownTransfers(source, *(START + timedelta(hours=end(hours)) for end in (min, max)))
                    for source, hours in by_target.get(target, {}).items()
                ]
                for target in wanted
            }
        )
    return found


def ring(length: int) -> list[Edge]:
    """Returns the transfers of a cycle of 0, 1, 2 and so on, but for the one that closes it."""
    return [(each, each + 1, float(each)) for each in range(length - 1)]


@pytest.mark.parametrize("length", range(3, LONGEST_CYCLE + 1))
def test_money_that_comes_back_is_found(length: int) -> None:
    found = search(ring(length), (length - 1, 0, length))
    assert set(found.found) == set(range(length))


@pytest.mark.parametrize("length", [2, LONGEST_CYCLE + 1])
def test_a_refund_and_a_longer_way_are_none(length: int) -> None:
    assert not search(ring(length), (length - 1, 0, length)).found


def test_steps_out_of_their_order_are_none() -> None:
    assert not search([(0, 1, 2.0), (1, 2, 1.0)], (2, 0, 3.0)).found
    assert not search([(0, 1, 1.0), (1, 2, 1.0)], (2, 0, 3.0)).found, "not one after the other"


def test_what_is_further_apart_than_the_window_is_none() -> None:
    hours = CYCLE_WINDOW / timedelta(hours=1)
    assert search([(0, 1, 0.0), (1, 2, 1.0)], (2, 0, hours)).found
    assert not search([(0, 1, 0.0), (1, 2, 1.0)], (2, 0, hours + 1)).found


def test_an_earlier_transfer_between_two_counts_where_the_latest_is_too_late() -> None:
    edges = [(0, 1, 0.0), (1, 2, 1.0), (1, 2, 9.0)]
    assert search(edges, (2, 0, 5.0)).found


def test_a_way_that_meets_itself_is_not_followed() -> None:
    assert not search([(1, 2, 1.0), (2, 3, 2.0), (3, 2, 3.0)], (2, 0, 4.0)).found


def test_a_search_is_cut_where_it_meets_too_many_and_goes_on_with_the_latest() -> None:
    many = [(10 + each, 1, each / 10_000) for each in range(MOST_VISITED + 50)]
    found = search([*many, (0, 10 + MOST_VISITED + 49, 0.0), (0, 10, -1.0)], (1, 0, 2.0))
    assert found.is_cut
    assert set(found.found) == {0, 1, 10 + MOST_VISITED + 49}
