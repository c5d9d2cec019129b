"""Scores by a loaded model."""

from __future__ import annotations

import numpy as np
import pytest

from services.fraud.models.artifact import ModelArtifact
from services.fraud.models.calibration import probabilities
from services.fraud.models.dataset import TrainingTable
from services.fraud.models.failures import ScoringError
from services.fraud.models.serving import ScoringModel
from services.fraud.models.signature import InputForm, ModelSignature
from services.fraud.models.training import booster_margins
from tests.support.scorers import matrix_of
from tests.unit.services.fraud.models import graphs
from tests.unit.services.fraud.models.graphs import NAMES, graph, node

SIGNATURE = ModelSignature(InputForm.MATRIX, NAMES, "x", "p", 0)


@pytest.fixture
def model(artifact: ModelArtifact) -> ScoringModel:
    return ScoringModel(artifact.onnx, artifact.signature)


def test_a_batch_is_scored_as_its_rows_are_each_alone(model: ScoringModel, table: TrainingTable) -> None:
    rows = table.values[:70]
    alone = [model.score(rows[place : place + 1])[0] for place in range(len(rows))]
    assert model.score(rows) == pytest.approx(alone, abs=1e-7)


def test_scores_are_the_calibrated_ones_of_the_trees(
    model: ScoringModel, artifact: ModelArtifact, table: TrainingTable
) -> None:
    expected = probabilities(artifact.calibration, booster_margins(artifact.booster, table.values))
    assert model.score(table.values) == pytest.approx(expected, abs=1e-6)


def test_rows_are_taken_by_name_and_what_is_not_there_is_missing(model: ScoringModel) -> None:
    told: list[dict[str, float | None]] = [{"risk": 0.9, "amount": 5.0, "other": 1.0}, {"ratio": None}, {}]
    nan = np.nan
    values = np.array([[5, nan, 0.9, nan], [nan] * 4, [nan] * 4], np.float32)
    assert model.score(matrix_of(told, model.signature.features)) == model.score(values)


def test_no_rows_have_no_scores(model: ScoringModel) -> None:
    assert model.score(np.zeros((0, 4), np.float32)) == []


@pytest.mark.parametrize("content", [b"", b"no model", graphs.external("none").SerializeToString()])
def test_what_cannot_be_loaded_is_a_defined_error(content: bytes) -> None:
    with pytest.raises(ScoringError):
        ScoringModel(content, SIGNATURE)


@pytest.mark.parametrize(
    ("operator", "value"),
    [("Sqrt", -3.0), ("Exp", 200.0), ("Tanh", -3.0), ("Identity", 1.01)],
    ids=["no number", "infinite", "below", "above"],
)
def test_an_answer_that_is_no_probability_is_a_defined_error(operator: str, value: float) -> None:
    answering = graph([node("ReduceMin", ["x"], ["m"], axes=[1]), node(operator, ["m"], ["p"])])
    model = ScoringModel(answering.SerializeToString(), SIGNATURE)
    with pytest.raises(ScoringError, match="no probability"):
        model.score(np.array([[0, 0, 0], [value] * 3], np.float32))


def test_a_model_that_fails_on_some_rows_is_a_defined_error() -> None:
    """An index that the rows themselves name."""
    picking = graph(
        [
            node("Cast", ["x"], ["places"], to=7),
            node("Gather", ["table", "places"], ["found"]),
            node("ReduceMax", ["found"], ["p"], axes=[1]),
        ],
        weights=[graphs.floats("table", [0.1, 0.2])],
    )
    model = ScoringModel(picking.SerializeToString(), SIGNATURE)
    assert model.score(np.zeros((1, 3), np.float32)) == pytest.approx([0.1])
    with pytest.raises(ScoringError, match="failed"):
        model.score(np.full((1, 3), 9.0, np.float32))


def test_a_number_of_answers_that_is_not_that_of_the_rows_is_a_defined_error() -> None:
    with pytest.raises(ScoringError):
        ScoringModel(graph([node("ReduceMax", ["x"], ["p"])]).SerializeToString(), SIGNATURE)
