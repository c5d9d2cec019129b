"""How far today's values lie from those learned from."""

from __future__ import annotations

import json

import numpy as np
import pytest

from services.fraud.domain.scoring.drift import DRIFTED, stability_index
from services.fraud.models.drift import ReferenceBins, SeenValues, reference_bins
from services.fraud.models.failures import TrainingTableError


def index(bins: ReferenceBins, values: object) -> float:
    return stability_index(bins.shares, bins.counts(np.array(values, float)).tolist())


def test_deciles_hold_a_tenth_each_and_the_last_bin_what_is_missing() -> None:
    bins = reference_bins(np.concatenate([np.arange(1, 91.0), np.full(10, np.nan)]))
    assert bins.edges == (9, 18, 27, 36, 45, 54, 63, 72, 81)
    assert bins.shares == pytest.approx([0.09] * 10 + [0.1])


def test_the_same_values_have_not_drifted() -> None:
    values = np.random.default_rng(1).lognormal(size=5_000)
    assert index(reference_bins(values), values) == 0
    assert index(reference_bins(values), np.random.default_rng(2).lognormal(size=5_000)) < 0.01


def test_the_index_is_that_of_the_formula() -> None:
    bins = ReferenceBins((0.0,), (0.5, 0.5, 0.0))
    expected = 0.3 * np.log(0.8 / 0.5) + (0.2 - 0.5) * np.log(0.2 / 0.5)
    assert index(bins, [-1] * 8 + [1] * 2) == pytest.approx(expected)


def test_values_that_moved_have_drifted() -> None:
    values = np.random.default_rng(1).normal(size=2_000)
    assert index(reference_bins(values), values + 1) > DRIFTED


def test_values_that_went_missing_have_drifted() -> None:
    values = np.arange(1_000.0)
    assert index(reference_bins(values), np.where(values % 2 == 0, np.nan, values)) > DRIFTED


def test_equal_values_fall_together() -> None:
    bins = reference_bins(np.concatenate([np.zeros(950), np.arange(1, 51.0)]))
    assert bins.edges == (0,)
    assert bins.shares == pytest.approx([0.95, 0.05, 0.0])
    assert index(bins, [0.0] * 700 + [3.0] * 300) > DRIFTED


def test_a_feature_that_was_never_there_has_a_bin_for_values_that_come() -> None:
    bins = reference_bins(np.full(100, np.nan))
    assert bins.shares == (0, 1)
    assert index(bins, [1.0] * 50 + [np.nan] * 50) > DRIFTED


def test_counts_of_hours_add_up_to_those_of_the_day() -> None:
    values = np.random.default_rng(3).normal(size=900)
    bins = reference_bins(values)
    parts = sum((bins.counts(each) for each in np.split(values, 3)), np.zeros(len(bins.shares), np.int64))
    assert (parts == bins.counts(values)).all()


def test_bins_come_back_from_json() -> None:
    bins = reference_bins(np.random.default_rng(4).normal(size=100))
    assert ReferenceBins.from_dict(json.loads(json.dumps(bins.to_dict()))) == bins


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(TrainingTableError):
        reference_bins(np.zeros(0))
    shares = reference_bins(np.arange(20.0)).shares
    for counts in ([0] * len(shares), [1] * 3):
        with pytest.raises(ValueError, match="other bins"):
            stability_index(shares, counts)


def seen_values(clock: list[float], reference: dict[str, ReferenceBins]) -> SeenValues:
    return SeenValues(["amount", "count"], "score", reference, 0.95, lambda: clock[0])


REFERENCE = {"amount": ReferenceBins((10.0,), (0.5, 0.5, 0.0)), "score": ReferenceBins((0.5,), (0.9, 0.1, 0.0))}


def test_what_a_model_sees_is_counted_by_feature_and_score() -> None:
    clock = [5.0]
    seen = seen_values(clock, REFERENCE)
    seen.add(np.array([[5, 1], [20, 1], [np.nan, 1]], np.float32), [0.1, 0.2, 0.97])
    clock[0] = 6.0
    seen.add(np.array([[5, 1]], np.float32), [0.95])
    told = seen.told()
    assert (told.rows, told.certain) == (4, 2)
    assert told.counts == {"amount": [2, 1, 1], "score": [2, 2, 0]}


def test_of_many_batches_a_sample_is_counted() -> None:
    clock = [5.0]
    seen = seen_values(clock, REFERENCE)
    for _ in range(50):
        seen.add(np.array([[5, 1]], np.float32), [0.1])
        clock[0] += 0.01
    assert 4 <= seen.told().rows <= 6


def test_a_model_without_a_reference_tells_how_often_it_is_certain() -> None:
    seen = seen_values([5.0], {})
    seen.add(np.array([[5, 1], [5, 1]], np.float32), [0.1, 0.99])
    assert seen.told() == (2, 1, {})
