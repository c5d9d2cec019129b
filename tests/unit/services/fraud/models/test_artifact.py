"""Models as they are kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from services.fraud.domain.scoring.drift import SCORE, stability_index
from services.fraud.models import making
from services.fraud.models.artifact import ModelArtifact, artifact_of
from services.fraud.models.calibration import Calibration, CalibrationKind
from services.fraud.models.conversion import convert
from services.fraud.models.dataset import TrainingTable
from services.fraud.models.failures import ArtifactError, ConversionError
from services.fraud.models.golden import GoldenRows, check_golden
from services.fraud.models.parameters import TrainingParameters
from services.fraud.models.reasons import ModelExplainer
from services.fraud.models.serving import ScoringModel
from services.fraud.models.splits import DAY_MS, Period
from tests.unit.services.fraud.models.conftest import NAMES, SPLIT


def kept(artifact: ModelArtifact) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(artifact.to_dict(), allow_nan=False))
    return read


def test_a_model_comes_back_from_json_whole(artifact: ModelArtifact) -> None:
    back = ModelArtifact.from_dict(kept(artifact))
    assert back.fingerprint() == artifact.fingerprint()
    assert (back.onnx, back.booster) == (artifact.onnx, artifact.booster)
    assert (back.parameters, back.evaluation) == (artifact.parameters, artifact.evaluation)
    assert (back.calibration, back.reference) == (artifact.calibration, artifact.reference)
    check_golden(ScoringModel(back.onnx, back.signature), back.golden)
    ModelExplainer(back.booster, back.signature.features)


def test_its_bytes_may_be_kept_apart(artifact: ModelArtifact) -> None:
    described = json.loads(json.dumps(artifact.described()))
    assert artifact_of(described, artifact.onnx, artifact.booster).fingerprint() == artifact.fingerprint()


def test_another_value_of_anything_is_another_fingerprint(artifact: ModelArtifact) -> None:
    assert artifact.parameters
    assert artifact.evaluation
    golden = artifact.golden
    changed: dict[str, object] = {
        "onnx": artifact.onnx + b"\x00",
        "booster": artifact.booster[:-1],
        "signature": replace(artifact.signature, features=NAMES[::-1]),
        "calibration": replace(artifact.calibration, offset=0.123),
        "parameters": replace(artifact.parameters, seed=8),
        "libraries": {**artifact.libraries, "numpy": "9"},
        "data_fingerprint": "0",
        "evaluation": replace(artifact.evaluation, frauds=0),
        "validation": artifact.evaluation,
        "reference": {**artifact.reference, SCORE: artifact.reference["amount"]},
        "golden": GoldenRows(golden.values, golden.scores + 1e-9),
    }
    assert set(changed) == {each.name for each in fields(ModelArtifact)}
    prints = {replace(artifact, **{name: value}).fingerprint() for name, value in changed.items()}  # type: ignore[arg-type]
    assert len(prints | {artifact.fingerprint()}) == len(changed) + 1


def test_bytes_do_not_pass_from_one_blob_to_the_other_unseen(artifact: ModelArtifact) -> None:
    moved = replace(artifact, onnx=artifact.onnx + artifact.booster[:1], booster=artifact.booster[1:])
    assert moved.fingerprint() != artifact.fingerprint()


def test_a_model_that_was_changed_where_it_is_kept_is_found_out(artifact: ModelArtifact) -> None:
    for change in ({"data_fingerprint": "0"}, {"onnx": "AAAA"}, {"fingerprint": "0"}):
        with pytest.raises(ArtifactError, match="not the one"):
            ModelArtifact.from_dict(kept(artifact) | change)
    for broken in ({}, {"form": 99}, {"booster": "%"}, {"signature": None}):
        with pytest.raises(ArtifactError):
            ModelArtifact.from_dict((kept(artifact) | broken) if broken else {})


def test_a_model_that_was_brought_along_has_no_trees_or_parameters(artifact: ModelArtifact) -> None:
    brought = replace(artifact, booster=b"", parameters=None, evaluation=None)
    back = ModelArtifact.from_dict(kept(brought))
    assert (back.booster, back.parameters, back.evaluation) == (b"", None, None)


def test_the_evaluation_is_of_what_is_served_on_rows_that_were_not_learned(
    artifact: ModelArtifact, table: TrainingTable
) -> None:
    found = artifact.evaluation
    assert found
    test = SPLIT.test_rows(table)
    scores = np.array(ScoringModel(artifact.onnx, artifact.signature).score(test.values))
    assert (found.rows, found.frauds) == (len(test), int(test.labels().sum()))
    assert sum(each.count for each in found.reliability) == found.rows
    assert found.certain.acted == int((scores >= 0.95).sum())
    assert found.auc_roc > 0.65
    assert found.calibration_error < 0.05


def test_days_of_validation_are_measured_for_themselves(artifact: ModelArtifact, table: TrainingTable) -> None:
    split = replace(SPLIT, validation=Period(SPLIT.test.start_ms - DAY_MS, SPLIT.test.start_ms))
    made = making.make_model(table, split, TrainingParameters(trees=5, folds=2))
    rows = split.validation_rows(table)
    assert made.validation and made.evaluation
    assert (made.validation.rows, made.validation.frauds) == (len(rows), int(rows.labels().sum()))
    assert made.evaluation.rows == len(split.test_rows(table))
    assert ModelArtifact.from_dict(kept(made)).validation == made.validation
    assert (artifact.validation, "validation" in artifact.described()) == (None, False)


def test_the_data_learned_from_has_its_fingerprint(artifact: ModelArtifact, table: TrainingTable) -> None:
    assert artifact.data_fingerprint == SPLIT.training_rows(table).fingerprint()
    assert artifact.data_fingerprint != table.fingerprint()


def test_bins_of_every_feature_and_of_the_score_are_kept(artifact: ModelArtifact, table: TrainingTable) -> None:
    assert set(artifact.reference) == {*NAMES, SCORE}
    amounts = SPLIT.training_rows(table).values[:, 0].astype(float)
    bins = artifact.reference["amount"]
    assert stability_index(bins.shares, bins.counts(amounts).tolist()) == 0


def test_a_model_whose_graph_answers_otherwise_is_not_made(
    table: TrainingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(booster: bytes, calibration: Calibration, names: Sequence[str]) -> bytes:
        return convert(booster, replace(calibration, offset=calibration.offset + 0.01), names)

    monkeypatch.setattr(making, "convert", wrong)
    with pytest.raises(ConversionError, match="differ by"):
        making.make_model(table, SPLIT, TrainingParameters(trees=2, folds=2))


def test_it_says_with_what_it_was_made(artifact: ModelArtifact) -> None:
    assert artifact.parameters == TrainingParameters(trees=30, folds=3, calibration=CalibrationKind.BETA)
    assert set(artifact.libraries) == {"numpy", "onnx", "onnxruntime", "xgboost-cpu"}
