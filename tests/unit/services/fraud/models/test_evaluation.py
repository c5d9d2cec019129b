"""What is shown of a model before it goes live."""

from __future__ import annotations

import json

import numpy as np
import pytest

from services.fraud.models.dataset import TrainingTable
from services.fraud.models.evaluation import ModelEvaluation, evaluate
from services.fraud.models.metrics import area_under_roc, average_precision, card_precision


def scores_of(table: TrainingTable) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    chance = np.random.default_rng(9)
    return np.clip(0.6 * table.labels() + 0.45 * chance.random(len(table)), 0, 1)


def test_it_has_every_measure_of_the_same_rows(table: TrainingTable) -> None:
    scores, labels = scores_of(table), table.labels()
    found = evaluate(table, scores)
    assert (found.rows, found.frauds) == (len(table), labels.sum())
    assert found.auc_roc == area_under_roc(scores, labels)
    assert found.average_precision == average_precision(scores, labels)
    assert found.card_precision == card_precision(scores, labels, table.times_ms, table.entities, 100)
    assert sum(each.count for each in found.reliability) == len(table)


def test_what_was_certain_is_what_had_95_percent(table: TrainingTable) -> None:
    scores = scores_of(table)
    certain = evaluate(table, scores).certain
    assert certain.acted == (scores >= 0.95).sum() > 0
    assert certain.acted < (scores >= 0.9).sum()


def test_it_comes_back_from_json(table: TrainingTable) -> None:
    found = evaluate(table, scores_of(table))
    assert ModelEvaluation.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_labels_that_came_later_count(table: TrainingTable) -> None:
    scores = scores_of(table)
    assert evaluate(table, scores).frauds == pytest.approx((table.known_ms < 2**62).sum())
