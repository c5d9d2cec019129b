from __future__ import annotations

import math
import random

import pytest

from console.metrics import auc, detection, percentile


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
