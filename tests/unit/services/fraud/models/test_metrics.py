"""Measures of scores, compared with values found by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from services.fraud.models.dataset import Flags, Floats
from services.fraud.models.failures import TrainingTableError
from services.fraud.models.metrics import (
    area_under_roc,
    at_threshold,
    average_precision,
    card_precision,
    expected_calibration_error,
    recall_at_false_positive_rate,
    reliability,
)
from services.fraud.models.splits import DAY_MS


def ranked(*told: tuple[float, int]) -> tuple[Floats, Flags]:
    return np.array([score for score, _ in told]), np.array([bool(label) for _, label in told])


def test_area_under_roc_is_the_share_of_pairs_in_order() -> None:
    assert area_under_roc(*ranked((0.1, 0), (0.4, 0), (0.35, 1), (0.8, 1))) == pytest.approx(3 / 4)


def test_a_tie_counts_half_in_the_area() -> None:
    assert area_under_roc(*ranked((0.5, 0), (0.5, 1), (0.2, 0))) == pytest.approx((0.5 + 1) / 2)
    assert area_under_roc(*ranked((0.5, 0), (0.5, 1))) == pytest.approx(0.5)


def test_average_precision_adds_precision_at_each_gain_of_recall() -> None:
    # 0.8 (fraud): 1/1; 0.4 (good); 0.35 (fraud): 2/3.
    assert average_precision(*ranked((0.1, 0), (0.4, 0), (0.35, 1), (0.8, 1))) == pytest.approx((1 + 2 / 3) / 2)


def test_rows_of_one_score_enter_average_precision_at_once() -> None:
    # 0.9: one fraud of one; then 0.5: two frauds of four rows more, so 3/5 for both.
    told = ranked((0.9, 1), (0.5, 1), (0.5, 0), (0.5, 1), (0.5, 0), (0.1, 0))
    assert average_precision(*told) == pytest.approx((1 + 2 * 3 / 5) / 3)


def test_measures_of_a_ranking_need_both_kinds_and_finite_scores() -> None:
    with pytest.raises(TrainingTableError):
        area_under_roc(*ranked((0.5, 1), (0.6, 1)))
    with pytest.raises(TrainingTableError):
        average_precision(*ranked((0.5, 0)))
    with pytest.raises(TrainingTableError):
        average_precision(*ranked((float("nan"), 0), (0.5, 1)))


def test_recall_at_a_rate_takes_the_lowest_threshold_that_stays_within_it() -> None:
    good = [(0.5 + i / 1000, 0) for i in range(100)]
    told = ranked(*good, (0.9, 1), (0.5985, 1), (0.5975, 1), (0.1, 1))
    assert recall_at_false_positive_rate(*told, 0.01) == 0.5
    assert recall_at_false_positive_rate(*told, 0.02) == 0.75
    assert recall_at_false_positive_rate(*told, 0) == 0.25


def test_recall_at_a_rate_is_nothing_where_the_highest_scores_are_shared() -> None:
    assert recall_at_false_positive_rate(*ranked((0.9, 1), (0.9, 0), (0.1, 0)), 0.01) == 0


def test_a_threshold_acts_on_scores_from_itself_on() -> None:
    found = at_threshold(*ranked((0.5, 1), (0.5, 0), (0.8, 1), (0.49, 1)), 0.5)
    assert (found.acted, found.caught, found.precision, found.recall) == (3, 2, 2 / 3, 2 / 3)


def test_a_threshold_that_nothing_reaches_acts_on_nothing() -> None:
    found = at_threshold(*ranked((0.5, 1), (0.4, 0)), 0.9)
    assert (found.acted, found.precision, found.recall) == (0, 0, 0)


def cards(*told: tuple[int, int, float, int], most: int) -> float:
    days, entities, scores, labels = zip(*told, strict=True)
    return card_precision(
        np.array(scores),
        np.array(labels, bool),
        np.array(days) * DAY_MS + 5,
        np.array(entities, np.uint64),
        most,
    )


def test_card_precision_is_a_mean_of_days_over_the_capacity() -> None:
    # Day 0: cards 1 (bad) and 2; day 1: cards 4 and 5, both bad.
    told = [(0, 1, 0.9, 1), (0, 2, 0.8, 0), (0, 3, 0.1, 1), (1, 4, 0.9, 1), (1, 5, 0.8, 1), (1, 6, 0.7, 0)]
    assert cards(*told, most=2) == pytest.approx((1 / 2 + 2 / 2) / 2)


def test_a_card_counts_once_a_day_by_its_highest_score() -> None:
    told = [(0, 1, 0.2, 1), (0, 1, 0.9, 0), (0, 2, 0.8, 0), (0, 2, 0.7, 0), (0, 3, 0.1, 1)]
    assert cards(*told, most=1) == 1
    assert cards(*told, most=3) == pytest.approx(2 / 3)


def test_a_card_that_was_found_is_not_reviewed_again() -> None:
    told = [(0, 1, 0.9, 1), (0, 2, 0.8, 0), (1, 1, 0.9, 1), (1, 3, 0.5, 0)]
    assert cards(*told, most=1) == pytest.approx((1 + 0) / 2)


def test_a_card_beyond_the_capacity_of_one_day_is_reviewed_on_the_next() -> None:
    assert cards((0, 1, 0.1, 1), (0, 2, 0.8, 0), (1, 1, 0.9, 1), most=1) == pytest.approx((0 + 1) / 2)


def test_fewer_cards_than_the_capacity_are_measured_against_the_capacity() -> None:
    assert cards((0, 1, 0.9, 1), most=4) == 0.25


def test_bins_say_what_was_said_and_what_came_of_it() -> None:
    bins = reliability(*ranked((0.0, 0), (0.049, 1), (0.05, 0), (1.0, 1), (0.97, 0)))
    assert [each.count for each in bins if each.count] == [2, 1, 2]
    assert [bins[0].mean_score, bins[0].observed] == pytest.approx([0.0245, 0.5])
    assert (bins[1].start, bins[1].end, bins[1].count) == (0.05, 0.1, 1)
    assert [bins[19].mean_score, bins[19].observed] == pytest.approx([0.985, 0.5])


@pytest.mark.parametrize(
    ("told", "error"),
    [([(0.25, 0)] * 3 + [(0.25, 1)], 0.0), ([(0.1, 0), (0.1, 1), (0.9, 1), (0.9, 1)], (2 * 0.4 + 2 * 0.1) / 4)],
)
def test_the_calibration_error_is_a_mean_over_rows(told: Sequence[tuple[float, int]], error: float) -> None:
    assert expected_calibration_error(reliability(*ranked(*told))) == pytest.approx(error)
