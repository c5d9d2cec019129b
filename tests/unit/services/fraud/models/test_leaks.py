"""A model learns nothing that was not known: neither from labels that say nothing, nor from those that came later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.fraud.models.artifact import ModelArtifact
from services.fraud.models.dataset import NEVER, Flags, TrainingTable
from services.fraud.models.making import make_model
from services.fraud.models.parameters import TrainingParameters
from services.fraud.models.splits import DAY_MS
from tests.unit.services.fraud.models.conftest import DELAY_DAYS, SPLIT, world

PARAMETERS = TrainingParameters(trees=20, folds=2)


def labelled(table: TrainingTable, is_fraud: Flags) -> TrainingTable:
    return replace(table, known_ms=np.where(is_fraud, table.times_ms + DELAY_DAYS * DAY_MS, NEVER))


def auc(made: ModelArtifact) -> float:
    assert made.evaluation is not None
    return made.evaluation.auc_roc


@pytest.mark.parametrize("seed", [1, 2])
def test_shuffled_labels_teach_nothing(seed: int) -> None:
    # 10,000 measured rows with 1,000 frauds: of labels that say nothing an AUC lies within 0.02 of 0.5.
    table = world(a_day=2_000)
    shuffled = labelled(table, np.random.default_rng(seed).permutation(table.labels()))
    assert auc(make_model(shuffled, SPLIT, PARAMETERS)) == pytest.approx(0.5, abs=0.02)
    assert auc(make_model(table, SPLIT, PARAMETERS)) > 0.65


def test_labels_that_came_after_the_delay_change_no_score(table: TrainingTable) -> None:
    learned = SPLIT.train.holds(table.times_ms)
    is_late = learned & table.labels() & (np.arange(len(table)) % 3 == 0)
    late = replace(table, known_ms=np.where(is_late, SPLIT.labels_known_ms + 1, table.known_ms))
    never = replace(table, known_ms=np.where(is_late, NEVER, table.known_ms))
    one, other = (make_model(each, SPLIT, PARAMETERS) for each in (late, never))
    assert (one.onnx, one.booster, one.calibration) == (other.onnx, other.booster, other.calibration)
    assert one.booster != make_model(table, SPLIT, PARAMETERS).booster
