from __future__ import annotations

import math
import random

import pytest

from console.metrics import (
    DayScores,
    auc,
    average_precision,
    calibration_error,
    card_precision,
    detection,
    percentile,
)


def pairwise_auc(scores: list[float], fraud: list[bool]) -> float:
    pairs = [
        (p, n) for p, f in zip(scores, fraud, strict=True) if f for n, g in zip(scores, fraud, strict=True) if not g
    ]
    return sum((p > n) + (p == n) / 2 for p, n in pairs) / len(pairs)


@pytest.mark.parametrize("seed", range(20))
def test_auc_equals_the_share_of_pairs_in_the_right_order_with_ties_as_halves(seed: int) -> None:
    source = random.Random(seed)
    scores = [source.randrange(6) / 5 for _ in range(60)]
    fraud = [source.random() < 0.3 for _ in range(59)] + [True]
    assert auc(scores, fraud) == pytest.approx(pairwise_auc(scores, fraud), abs=1e-12)


def test_auc_of_one_kind_only_is_not_a_number() -> None:
    assert math.isnan(auc([0.1, 0.2], [False, False]))
    assert math.isnan(auc([], []))


def test_percentile_is_the_nearest_rank() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.9, 0.99, 1.0)] == [50, 90, 99, 100]
    assert percentile([7.0], 0.5) == 7
    assert math.isnan(percentile([], 0.5))


def test_detection_counts_hits_against_flagged_and_against_fraud() -> None:
    found = detection([True, True, True, False], [True, False, False, True])
    assert found.precision == pytest.approx(1 / 3)
    assert found.recall == 0.5
    assert math.isnan(detection([False], [True]).precision)


def stepwise_precision(scores: list[float], fraud: list[bool]) -> float:
    """Average precision by its definition: for each score as a threshold, precision times what it adds to recall."""
    total, before, area = sum(fraud), 0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        flagged = [truth for score, truth in zip(scores, fraud, strict=True) if score >= threshold]
        area += (sum(flagged) - before) / total * sum(flagged) / len(flagged)
        before = sum(flagged)
    return area


@pytest.mark.parametrize("seed", range(20))
def test_average_precision_is_the_area_under_precision_over_recall_with_ties_as_one_step(seed: int) -> None:
    source = random.Random(seed)
    scores = [source.randrange(8) / 7 for _ in range(60)]
    fraud = [source.random() < 0.3 for _ in range(59)] + [True]
    assert average_precision(scores, fraud) == pytest.approx(stepwise_precision(scores, fraud), abs=1e-12)


def test_average_precision_without_fraud_is_not_a_number() -> None:
    assert math.isnan(average_precision([0.1, 0.2], [False, False]))


def test_calibration_error_is_what_scores_say_against_what_came_of_them() -> None:
    scores, fraud = [0.1] * 10 + [0.9] * 10, [True] + [False] * 9 + [True] * 5 + [False] * 5
    assert calibration_error(scores, fraud) == pytest.approx(0.5 * 0.0 + 0.5 * 0.4)
    assert calibration_error([1.0], [True]) == 0.0


def test_card_precision_counts_a_compromised_customer_on_the_first_day_that_shows_it() -> None:
    first = DayScores(["a", "a", "b", "c"], [0.2, 0.9, 0.8, 0.1], [True, False, False, False])
    second = DayScores(["a", "b", "c"], [1.0, 0.3, 0.9], [True, False, True])
    # On the first day a and b are looked at, on the second b and c: a is known by then.
    assert card_precision([first, second], most=2) == pytest.approx((0.5 + 0.5) / 2)
    assert card_precision([second], most=2) == pytest.approx(1.0)
