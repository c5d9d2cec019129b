"""A small world in which fraud can be learned, and a model of it."""

from __future__ import annotations

import numpy as np
import pytest

from services.fraud.models.artifact import ModelArtifact
from services.fraud.models.calibration import CalibrationKind
from services.fraud.models.dataset import NEVER, TrainingTable
from services.fraud.models.making import make_model
from services.fraud.models.parameters import TrainingParameters
from services.fraud.models.splits import DAY_MS
from tests.support.splits import split_before

NAMES = ("amount", "ratio", "risk", "noise")
DAYS = 21
A_DAY = 200
DELAY_DAYS = 7


def world(seed: int = 3, a_day: int = A_DAY) -> TrainingTable:
    """Returns three weeks of events: much fraud where ratio is high or risk is not zero, and values missing."""
    chance = np.random.default_rng(seed)
    rows = DAYS * a_day
    amount, ratio = chance.lognormal(3, 1, rows), chance.lognormal(0, 0.6, rows)
    risk = np.where(chance.random(rows) < 0.05, chance.random(rows), 0.0)
    odds = -4.5 + 2.5 * (ratio > 2.5) + 6 * risk + 1.5 * (amount > 80)
    is_fraud = chance.random(rows) < 1 / (1 + np.exp(-odds))
    values = np.column_stack([amount, ratio, risk, chance.normal(size=rows)])
    values[chance.random(values.shape) < 0.1] = np.nan
    times = np.sort(chance.integers(0, DAYS * DAY_MS, rows))
    return TrainingTable.of(
        NAMES,
        values,
        known_ms=np.where(is_fraud, times + DELAY_DAYS * DAY_MS, NEVER),
        times_ms=times,
        entities=chance.integers(0, 2_000, rows).astype(np.uint64),
        amounts=amount,
    )


SPLIT = split_before(DAYS * DAY_MS, train_days=9, delay_days=DELAY_DAYS, test_days=5)


@pytest.fixture(scope="session")
def table() -> TrainingTable:
    return world()


@pytest.fixture(scope="session")
def artifact(table: TrainingTable) -> ModelArtifact:
    parameters = TrainingParameters(trees=30, folds=3, calibration=CalibrationKind.BETA)
    return make_model(table, SPLIT, parameters)
