"""Makes a model of made-up rows: what it says does not matter, but how long it takes.

Its scores are low, so that it raises no alerts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.fraud.models.artifact import ModelArtifact
from services.fraud.models.dataset import NEVER, TrainingTable
from services.fraud.models.making import make_model
from services.fraud.models.parameters import TrainingParameters
from services.fraud.models.splits import DAY_MS
from tests.support.splits import split_before

__all__ = ["TREES", "a_forest"]

TREES, DEPTH = 300, 4
ROWS, DAYS = 6_000, 20


def a_forest(names: Sequence[str]) -> ModelArtifact:
    """Returns a model of features of these names."""
    chance = np.random.default_rng(1)
    values = chance.lognormal(1, 1, (ROWS, len(names)))
    times = np.sort(chance.integers(0, DAYS * DAY_MS, ROWS))
    is_fraud = chance.random(ROWS) < np.where(values[:, 0] > np.median(values[:, 0]), 0.12, 0.04)
    table = TrainingTable.of(
        names, values, known_ms=np.where(is_fraud, times, NEVER), times_ms=times,
        entities=np.arange(ROWS).astype(np.uint64), amounts=values[:, 0],
    )  # fmt: skip
    split = split_before(DAYS * DAY_MS, train_days=14, delay_days=1, test_days=5)
    return make_model(table, split, TrainingParameters(trees=TREES, depth=DEPTH, folds=2))
