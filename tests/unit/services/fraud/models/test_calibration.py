"""Probabilities made of margins."""

from __future__ import annotations

import numpy as np
import pytest

from services.fraud.models.calibration import (
    UNCALIBRATED,
    Calibration,
    CalibrationKind,
    fit_calibration,
    probabilities,
)
from services.fraud.models.dataset import Flags, Floats
from services.fraud.models.failures import CalibrationError

FITTED = [CalibrationKind.PLATT, CalibrationKind.BETA]


def drawn(slope: float, offset: float, rows: int = 40_000) -> tuple[Floats, Flags]:
    """Returns margins, and labels whose log-odds are a line over them."""
    chance = np.random.default_rng(5)
    margins = chance.normal(-2, 2, rows)
    return margins, chance.random(rows) < 1 / (1 + np.exp(-(slope * margins + offset)))


def log_likelihood(calibration: Calibration, margins: Floats, labels: Flags) -> float:
    said = probabilities(calibration, margins)
    return float(np.sum(np.log(np.where(labels, said, 1 - said))))


@pytest.mark.parametrize("kind", FITTED)
@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (0.5, -1.0), (1.7, 1.2)])
def test_the_line_that_drew_the_labels_is_found(kind: CalibrationKind, slope: float, offset: float) -> None:
    found = fit_calibration(kind, *drawn(slope, offset))
    margins = np.linspace(-4, 2, 20)
    assert probabilities(found, margins) == pytest.approx(1 / (1 + np.exp(-(slope * margins + offset))), abs=0.03)


@pytest.mark.parametrize("kind", FITTED)
def test_nothing_close_is_more_likely(kind: CalibrationKind) -> None:
    margins, labels = drawn(0.7, -0.5)
    found = fit_calibration(kind, margins, labels)
    best = log_likelihood(found, margins, labels)
    for step in (-0.05, 0.05):
        others = [Calibration(kind, found.low + step, found.high + step, found.offset)]
        others += [Calibration(kind, found.low, found.high, found.offset + step)]
        assert all(log_likelihood(other, margins, labels) < best for other in others)


def test_beta_bends_where_platt_cannot() -> None:
    chance = np.random.default_rng(6)
    margins = chance.normal(0, 3, 40_000)
    curve = Calibration(CalibrationKind.BETA, 0.4, 1.5, -0.3)
    labels = chance.random(len(margins)) < probabilities(curve, margins)
    found = fit_calibration(CalibrationKind.BETA, margins, labels)
    assert probabilities(found, margins) == pytest.approx(probabilities(curve, margins), abs=0.02)
    assert log_likelihood(found, margins, labels) > log_likelihood(curve, margins, labels)
    platt = fit_calibration(CalibrationKind.PLATT, margins, labels)
    assert log_likelihood(found, margins, labels) > log_likelihood(platt, margins, labels) + 100


@pytest.mark.parametrize("kind", FITTED)
def test_the_ranking_stays_as_it_was(kind: CalibrationKind) -> None:
    found = fit_calibration(kind, *drawn(0.6, -1))
    assert (np.diff(probabilities(found, np.linspace(-15, 15, 3_000))) > 0).all()


def test_a_slope_that_would_fall_is_left_out() -> None:
    """Fraud grows from the middle on; below it the lowest scores are the worse ones."""
    margins = np.repeat([-6.0, -1.0, 4.0], [1_000, 1_000, 1_000])
    labels = np.concatenate([np.arange(1_000) < 60, np.arange(1_000) < 20, np.arange(1_000) < 800])
    found = fit_calibration(CalibrationKind.BETA, margins, labels)
    assert found.low == 0
    assert found.high > 0


@pytest.mark.parametrize("kind", FITTED)
def test_scores_that_say_the_opposite_are_refused(kind: CalibrationKind) -> None:
    margins, labels = drawn(1, 0)
    with pytest.raises(CalibrationError):
        fit_calibration(kind, -margins, labels)


@pytest.mark.parametrize("kind", FITTED)
def test_rows_of_one_kind_are_refused(kind: CalibrationKind) -> None:
    with pytest.raises(CalibrationError):
        fit_calibration(kind, np.arange(5.0), np.zeros(5, bool))


@pytest.mark.parametrize("kind", FITTED)
def test_scores_that_part_the_kinds_without_an_error_give_finite_numbers(kind: CalibrationKind) -> None:
    margins = np.concatenate([np.linspace(-9, -5, 50), np.linspace(5, 9, 50)])
    found = fit_calibration(kind, margins, margins > 0)
    said = probabilities(found, margins)
    assert np.isfinite([found.low, found.high, found.offset]).all()
    assert (said[:50].mean(), said[50:].mean()) == pytest.approx((1 / 52, 51 / 52), abs=5e-3)


def test_extreme_margins_give_probabilities() -> None:
    said = probabilities(Calibration(CalibrationKind.BETA, 1.5, 0.5, -1), np.array([-1e4, -800, 0, 800, 1e4]))
    assert (np.isfinite(said) & (said >= 0) & (said <= 1)).all()


def test_without_calibration_a_margin_is_log_odds() -> None:
    assert fit_calibration(CalibrationKind.NONE, np.zeros(0), np.zeros(0, bool)) is UNCALIBRATED
    assert probabilities(UNCALIBRATED, np.array([0.0, np.log(3)])).tolist() == pytest.approx([0.5, 0.75])
