"""Grows boosted trees, and fits their calibration to days that the trees have not seen.

Splits are looked for among all values. XGBoost's own choice is 256 bins a feature, into which the rare values that
tell of fraud fall together: on the handbook's data that costs 4 to 10 points of average precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost

from services.fraud.models.calibration import Calibration, CalibrationKind, fit_calibration
from services.fraud.models.dataset import Flags, Floats, Matrix, TrainingTable
from services.fraud.models.failures import TrainingCancelledError, TrainingTableError
from services.fraud.models.parameters import TrainingParameters
from services.fraud.models.splits import day_folds

__all__ = ["MOST_ROWS_EXACT", "NEXT_BINS", "Progress", "TrainedModel", "booster_margins", "train"]

MOST_ROWS_EXACT = 100_000
"""Above it, splits are looked for among so many bins of a feature: a sixth of the time, and as good there."""
NEXT_BINS = 4_096
LEAST_FRAUDS = 20
OUT_OF_MEMORY = "bad_alloc"
"""What the library says then."""

Progress = Callable[[int, int], bool]
"""Is told how many trees of how many are grown, and tells whether to go on."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """Trees, and what makes probabilities of their sums."""

    booster: bytes
    """XGBoost's own form (UBJSON)."""
    calibration: Calibration
    unseen: Floats
    """The margin of each row by trees that have not seen its day; empty without calibration."""


def train(
    table: TrainingTable,
    labels: Flags,
    parameters: TrainingParameters,
    *,
    threads: int = 1,
    progress: Progress = lambda _done, _all: True,
    rows_exact: int = MOST_ROWS_EXACT,
) -> TrainedModel:
    """Learns from all rows. The same rows and parameters give the same trees.

    Raises TrainingTableError for too few rows of either kind, TrainingCancelledError once `progress` says so,
    CalibrationError if scores of unseen days say nothing, and MemoryError.
    """
    frauds = int(labels.sum())
    if min(frauds, len(labels) - frauds) < LEAST_FRAUDS:
        words = f"of {len(labels):,} rows {frauds:,} are known to be fraud: {LEAST_FRAUDS} of each kind are needed"
        raise TrainingTableError(words)
    grower = _Grower(table.names, parameters, threads, progress, rows_exact)
    unseen = _unseen_margins(grower, table, labels)
    calibration = fit_calibration(parameters.calibration, unseen, labels)
    return TrainedModel(bytes(grower.grow(table.values, labels).save_raw("ubj")), calibration, unseen)


def booster_margins(booster: bytes, values: Matrix) -> Floats:
    """Returns what the trees add up to for each row: the log-odds that it is fraud."""
    return _margins(xgboost.Booster(model_file=bytearray(booster)), values)


def _unseen_margins(grower: _Grower, table: TrainingTable, labels: Flags) -> Floats:
    parameters = grower.parameters
    if parameters.calibration is CalibrationKind.NONE:
        return np.zeros(0)
    folds = day_folds(table.times_ms, parameters.folds)
    margins = np.zeros(len(table))
    for fold in np.unique(folds):
        seen = folds != fold
        if not labels[seen].any():
            raise TrainingTableError("all fraud is of the same days: calibration needs more")
        margins[~seen] = _margins(grower.grow(table.values[seen], labels[seen]), table.values[~seen])
    return margins


def _margins(booster: xgboost.Booster, values: Matrix) -> Floats:
    # Whoever stored the trees may have named their features; these are in order.
    booster.feature_names = None
    return np.asarray(booster.predict(xgboost.DMatrix(values, nthread=1), output_margin=True), np.float64)


class _Grower:
    """Grows one forest after another, and counts the trees of all."""

    def __init__(
        self, names: tuple[str, ...], parameters: TrainingParameters, threads: int, progress: Progress, rows_exact: int
    ) -> None:
        self.parameters = parameters
        self._names, self._threads, self._progress, self._rows_exact = names, threads, progress, rows_exact
        self._grown = 0

    def grow(self, values: Matrix, labels: Flags) -> xgboost.Booster:
        report = _Report(self._tree_grown)
        try:
            matrix = xgboost.DMatrix(values, labels, feature_names=list(self._names), nthread=self._threads)
            booster = xgboost.train(self._told(len(labels)), matrix, self.parameters.trees, callbacks=[report])
        except xgboost.core.XGBoostError as error:
            if OUT_OF_MEMORY in str(error):
                raise MemoryError from error
            raise
        if report.stopped:
            raise TrainingCancelledError
        return booster

    def _tree_grown(self) -> bool:
        self._grown += 1
        return self._progress(self._grown, self.parameters.rounds)

    def _told(self, rows: int) -> dict[str, Any]:
        parameters = self.parameters
        exact = {"tree_method": "exact"} if rows <= self._rows_exact else {"tree_method": "hist", "max_bin": NEXT_BINS}
        return {
            "objective": "binary:logistic",
            "base_score": 0.5,
            "max_depth": parameters.depth,
            "eta": parameters.learning_rate,
            "subsample": parameters.row_share,
            "colsample_bytree": parameters.feature_share,
            "min_child_weight": parameters.least_child_weight,
            "gamma": parameters.least_gain,
            "lambda": parameters.ridge,
            "seed": parameters.seed,
            "nthread": self._threads,
            "verbosity": 0,
            **exact,
        }


class _Report(xgboost.callback.TrainingCallback):
    """Tells of each tree, and ends the training when told to."""

    def __init__(self, grown: Callable[[], bool]) -> None:
        self._grown, self.stopped = grown, False

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self.stopped = not self._grown()
        return self.stopped
