"""Makes probabilities of margins by a rising curve of two or three numbers, so that the ranking stays as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from services.fraud.models.dataset import Flags, Floats
from services.fraud.models.failures import CalibrationError

__all__ = ["UNCALIBRATED", "Calibration", "CalibrationKind", "fit_calibration", "probabilities"]

STEPS = 100
CLOSE = 1e-9
"""A step that moves no number by more than this share is the last."""
LEAST_RIDGE = 1e-9
"""Holds the numbers of scores that part the two kinds without an error."""


class CalibrationKind(Enum):
    """Which curve is fitted."""

    NONE = "none"
    PLATT = "platt"
    """A logistic curve over the margin (Platt 1999)."""
    BETA = "beta"
    """What the logarithms of p and of 1 - p are worth, each by itself (Kull and others 2017)."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """log-odds = `low` · ln p - `high` · ln(1 - p) + `offset`, where p is what the model says; no slope is negative."""

    kind: CalibrationKind
    low: float
    """Slope where p is near 0."""
    high: float
    """Slope where p is near 1."""
    offset: float


UNCALIBRATED = Calibration(CalibrationKind.NONE, 1.0, 1.0, 0.0)


def probabilities(calibration: Calibration, margins: Floats) -> Floats:
    """Returns the probabilities that the margins (log-odds of the model) stand for."""
    odds = calibration.low * -_softplus(-margins) + calibration.high * _softplus(margins) + calibration.offset
    return _sigmoid(odds)


def fit_calibration(kind: CalibrationKind, margins: Floats, labels: Flags) -> Calibration:
    """Fits the curve to margins of rows that the model has not learned from.

    A slope that would be negative is left out, and the rest fitted again. Raises CalibrationError if none is left, or
    if the rows are of one kind.
    """
    if kind is CalibrationKind.NONE:
        return UNCALIBRATED
    if not 0 < int(labels.sum()) < len(labels):
        raise CalibrationError("calibration needs rows of both kinds")
    towards, against = _softplus(margins), -_softplus(-margins)
    if kind is CalibrationKind.PLATT:
        slope, offset = _fitted([margins], labels)
        low = high = slope
    else:
        low, high, offset = _fitted([against, towards], labels)
        if low < 0:
            (high, offset), low = _fitted([towards], labels), 0.0
        elif high < 0:
            (low, offset), high = _fitted([against], labels), 0.0
    if min(low, high) < 0 or max(low, high) <= 0:
        raise CalibrationError("higher scores do not mean more fraud")
    return Calibration(kind, low, high, offset)


def _fitted(columns: Sequence[Floats], labels: Flags) -> list[float]:
    """Returns the weights of the columns, and a constant, of greatest likelihood: Newton's steps, halved if too wide.

    The targets are Platt's, a little inside of 0 and 1, so that rows that are parted exactly give finite weights.
    """
    frauds = int(labels.sum())
    targets = np.where(labels, (frauds + 1) / (frauds + 2), 1 / (len(labels) - frauds + 2))
    rows = np.column_stack([*columns, np.ones(len(labels))])
    weights = np.zeros(rows.shape[1])
    weights[-1] = np.log(frauds / (len(labels) - frauds))
    loss = _loss(rows @ weights, targets)
    for _ in range(STEPS):
        said = _sigmoid(rows @ weights)
        slopes = rows.T @ (said - targets)
        curvature = (rows * (said * (1 - said))[:, None]).T @ rows + LEAST_RIDGE * np.eye(len(weights))
        step = np.linalg.solve(curvature, slopes)
        while (found := _loss(rows @ (weights - step), targets)) > loss and np.abs(step).max() > CLOSE:
            step /= 2
        if found > loss:
            break
        weights, loss = weights - step, found
        if np.abs(step).max() <= CLOSE * (1 + np.abs(weights).max()):
            break
    found_weights: list[float] = weights.tolist()
    return found_weights


def _loss(odds: Floats, targets: Floats) -> float:
    return float(np.sum(_softplus(odds) - targets * odds))


def _softplus(values: Floats) -> Floats:
    return np.logaddexp(0.0, values)


def _sigmoid(values: Floats) -> Floats:
    return np.exp(-np.logaddexp(0.0, -values))
