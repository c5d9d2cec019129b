"""Chooses the rows on which a model and its ONNX form are compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.fraud.models.calibration import Calibration, probabilities
from services.fraud.models.dataset import Matrix
from services.fraud.models.forest import forest_of
from services.fraud.models.golden import GoldenRows
from services.fraud.models.training import booster_margins

__all__ = ["golden_rows"]

SAMPLE = 50
THRESHOLDS = 100


def golden_rows(booster: bytes, calibration: Calibration, values: Matrix, seed: int = 7) -> GoldenRows:
    """Returns some of the rows, some with values left out, one with none, and rows on either side of thresholds."""
    chance = np.random.default_rng(seed)
    sample = values[chance.permutation(len(values))[:SAMPLE]]
    holes = np.where(chance.random(sample.shape) < 0.3, np.float32(np.nan), sample)
    edges = _on_thresholds(_thresholds(booster, chance), sample, chance)
    none = np.full((1, values.shape[1]), np.nan, np.float32)
    rows = np.concatenate([sample, holes, none, np.zeros_like(none), edges])
    return GoldenRows(rows, probabilities(calibration, booster_margins(booster, rows)))


def _thresholds(booster: bytes, chance: np.random.Generator) -> Sequence[tuple[int, float]]:
    """Returns features with thresholds of theirs, a choice if there are many."""
    found = {
        (feature, value)
        for tree in forest_of(booster).trees
        for left, feature, value in zip(tree.left, tree.features, tree.values, strict=True)
        if left != -1
    }
    ordered = sorted(found)
    return [ordered[place] for place in chance.permutation(len(ordered))[:THRESHOLDS]]


def _on_thresholds(thresholds: Sequence[tuple[int, float]], sample: Matrix, chance: np.random.Generator) -> Matrix:
    """Returns rows of the sample with one value moved to a threshold, and to its neighbours of 32 bits."""
    rows = []
    for feature, value in thresholds:
        threshold = np.float32(value)
        below, above = (np.nextafter(threshold, np.float32(end)) for end in (-np.inf, np.inf))
        for moved in (below, threshold, above):
            row = sample[chance.integers(len(sample))].copy()
            row[feature] = moved
            rows.append(row)
    return np.array(rows, np.float32).reshape(-1, sample.shape[1])
