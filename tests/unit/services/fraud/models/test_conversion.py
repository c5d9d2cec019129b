"""Boosters as ONNX."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xgboost

from services.fraud.models.artifact import ModelArtifact
from services.fraud.models.calibration import UNCALIBRATED, Calibration, CalibrationKind, probabilities
from services.fraud.models.conversion import convert
from services.fraud.models.dataset import Matrix, TrainingTable
from services.fraud.models.failures import ConversionError
from services.fraud.models.forest import forest_of
from services.fraud.models.golden import GoldenRows, check_golden
from services.fraud.models.sampling import golden_rows
from services.fraud.models.serving import ScoringModel
from services.fraud.models.signature import own_signature
from services.fraud.models.training import booster_margins
from services.fraud.models.ubjson import read_ubjson

CALIBRATIONS = [
    UNCALIBRATED,
    Calibration(CalibrationKind.PLATT, 1.3, 1.3, -0.4),
    Calibration(CalibrationKind.BETA, 0.7, 1.4, 0.3),
    Calibration(CalibrationKind.BETA, 0.0, 1.4, -2.0),
]


def grown(table: TrainingTable, **more: Any) -> xgboost.Booster:
    told = {
        "objective": "binary:logistic",
        "max_depth": 3,
        "tree_method": "exact",
        "nthread": 1,
        "verbosity": 0,
        **more,
    }
    rounds = told.pop("rounds", 20)
    names = told.pop("names", list(table.names))
    return xgboost.train(told, xgboost.DMatrix(table.values, table.labels(), feature_names=names), rounds)


def raw(booster: xgboost.Booster, form: str = "ubj") -> bytes:
    return bytes(booster.save_raw(form))


def served(booster: bytes, calibration: Calibration, table: TrainingTable) -> ScoringModel:
    return ScoringModel(convert(booster, calibration, table.names), own_signature(table.names))


def edges(booster: bytes, values: Matrix) -> Matrix:
    """Returns rows at every threshold of the trees, and at its neighbours of 32 bits, other values missing."""
    rows = []
    for tree in forest_of(booster).trees:
        for left, feature, value in zip(tree.left, tree.features, tree.values, strict=True):
            if left != -1:
                at = np.float32(value)
                for moved in (at, np.nextafter(at, np.float32(-np.inf)), np.nextafter(at, np.float32(np.inf))):
                    row = np.full(values.shape[1], np.nan, np.float32)
                    row[feature] = moved
                    rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("calibration", CALIBRATIONS)
def test_the_graph_gives_the_calibrated_probability(table: TrainingTable, calibration: Calibration) -> None:
    booster = raw(grown(table))
    rows = np.concatenate([table.values, edges(booster, table.values)])
    expected = probabilities(calibration, booster_margins(booster, rows))
    assert np.isnan(rows).any()
    assert served(booster, calibration, table).score(rows) == pytest.approx(expected, abs=1e-6)


def test_a_value_at_a_threshold_goes_where_the_trees_send_it(table: TrainingTable) -> None:
    """The leaves on either side lie far apart, so that a wrong turn shows."""
    booster = raw(grown(table, rounds=1, max_depth=1, eta=1.0, reg_lambda=0))
    rows = edges(booster, table.values)
    scores = served(booster, UNCALIBRATED, table).score(rows)
    assert scores[0] == scores[2] != scores[1]
    assert scores == pytest.approx(probabilities(UNCALIBRATED, booster_margins(booster, rows)), abs=1e-6)


def test_missing_values_go_to_the_side_that_the_trees_learned(table: TrainingTable) -> None:
    """Once to the left and once to the right."""
    sides: set[bool] = set()
    for fraud_is_missing in (True, False):
        values = np.where(table.labels() == fraud_is_missing, np.nan, table.values[:, 3]).astype(np.float32)
        values[::7] = table.values[::7, 3]
        known = replace(table, names=("a",), values=values[:, None])
        booster = raw(grown(known, rounds=3))
        sides.update(side for tree in forest_of(booster).trees for side in tree.missing_left[:1])
        rows = np.array([[np.nan], [0.0], [1.0]], np.float32)
        expected = probabilities(UNCALIBRATED, booster_margins(booster, rows))
        assert served(booster, UNCALIBRATED, known).score(rows) == pytest.approx(expected, abs=1e-6)
    assert sides == {True, False}


@pytest.mark.parametrize("form", ["ubj", "json"])
@pytest.mark.parametrize("base", [None, 0.5, 0.01])
def test_files_of_either_form_and_any_base_score_are_converted(
    table: TrainingTable, form: str, base: float | None
) -> None:
    booster = raw(grown(table, rounds=2, **({} if base is None else {"base_score": base})), form)
    expected = probabilities(UNCALIBRATED, booster_margins(booster, table.values))
    assert served(booster, UNCALIBRATED, table).score(table.values) == pytest.approx(expected, abs=1e-6)


def test_several_trees_a_round_and_pruned_ones_are_converted(table: TrainingTable) -> None:
    booster = raw(grown(table, num_parallel_tree=3, subsample=0.5, gamma=3.0, rounds=4, max_depth=5))
    expected = probabilities(UNCALIBRATED, booster_margins(booster, table.values))
    assert served(booster, UNCALIBRATED, table).score(table.values) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"objective": "reg:squarederror"}, "reg:squarederror"),
        ({"objective": "multi:softprob", "num_class": 2}, "multi:softprob"),
        ({"booster": "dart"}, "dart"),
        ({"booster": "gblinear", "tree_method": "auto"}, "gblinear"),
    ],
)
def test_what_gives_no_log_odds_of_plain_trees_is_refused(
    table: TrainingTable, told: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConversionError, match=words):
        convert(raw(grown(table, rounds=1, **told)), UNCALIBRATED, table.names)


def test_splits_by_categories_are_refused(table: TrainingTable) -> None:
    codes = np.random.default_rng(1).integers(0, 5, (len(table), 1)).astype(np.float32)
    matrix = xgboost.DMatrix(codes, codes[:, 0] % 2, feature_types=["c"], enable_categorical=True)
    booster = xgboost.train({"objective": "binary:logistic", "tree_method": "hist", "max_cat_to_onehot": 1}, matrix, 1)
    with pytest.raises(ConversionError, match="categories"):
        convert(raw(booster), UNCALIBRATED, ["a"])


def test_another_number_of_features_is_refused(table: TrainingTable) -> None:
    with pytest.raises(ConversionError, match="4 features, not 2"):
        convert(raw(grown(table, rounds=1)), UNCALIBRATED, ["a", "b"])


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{",
        b"{}",
        b"[]",
        b'{"learner": 3}',
        b"no model",
        b"{" * 500,
        b'{"a":' * 9_999,
        b"{L" + b"\xff" * 8,
        b"{i\x01a[" * 99,
    ],
)
def test_what_is_no_model_is_refused(broken: bytes) -> None:
    with pytest.raises(ConversionError):
        convert(broken, UNCALIBRATED, ["a"])


def test_a_model_that_is_cut_short_or_damaged_is_refused_or_read_and_never_ends_the_process(
    table: TrainingTable,
) -> None:
    """Given to XGBoost, some of these end the process."""
    whole, chance = raw(grown(table, rounds=1)), np.random.default_rng(2)
    for end in chance.integers(0, len(whole), 50).tolist():
        with pytest.raises(ConversionError):
            forest_of(whole[:end])
    for place, value in chance.integers(0, [len(whole), 256], (300, 2)).tolist():
        damaged = bytearray(whole)
        damaged[place] = value
        with suppress(ConversionError):
            forest_of(bytes(damaged))


def test_both_forms_of_a_file_hold_the_same_trees(table: TrainingTable) -> None:
    booster = grown(table)
    assert forest_of(raw(booster, "ubj")) == forest_of(raw(booster, "json"))
    assert read_ubjson(raw(booster)).keys() == json.loads(raw(booster, "json")).keys()


@pytest.mark.parametrize(
    ("column", "node", "value"),
    [("left_children", 0, 0), ("right_children", 0, 77), ("split_indices", 0, 9), ("split_conditions", 0, 1e39)],
)
def test_trees_that_do_not_fit_together_are_refused(table: TrainingTable, column: str, node: int, value: float) -> None:
    read = json.loads(raw(grown(table, rounds=1), "json"))
    read["learner"]["gradient_booster"]["model"]["trees"][0][column][node] = value
    with pytest.raises(ConversionError):
        convert(json.dumps(read).encode(), UNCALIBRATED, table.names)


def test_golden_rows_have_missing_values_and_stand_at_thresholds(artifact: ModelArtifact) -> None:
    thresholds = {
        (feature, np.float32(value))
        for tree in forest_of(artifact.booster).trees
        for left, feature, value in zip(tree.left, tree.features, tree.values, strict=True)
        if left != -1
    }
    rows = artifact.golden.values
    at = [(place, value) for row in rows for place, value in enumerate(row) if (place, value) in thresholds]
    assert len(at) >= min(100, len(thresholds))
    assert np.isnan(rows).all(axis=1).any()
    assert np.isnan(rows).any(axis=1).sum() > 50


def test_a_graph_that_answers_otherwise_is_found_out(artifact: ModelArtifact, table: TrainingTable) -> None:
    model = ScoringModel(artifact.onnx, artifact.signature)
    assert check_golden(model, artifact.golden) <= 1e-6
    with pytest.raises(ConversionError, match="differ by"):
        check_golden(model, GoldenRows(artifact.golden.values, artifact.golden.scores + 2e-6))
    other = replace(artifact.calibration, offset=artifact.calibration.offset + 0.01)
    with pytest.raises(ConversionError):
        check_golden(model, golden_rows(artifact.booster, other, table.values))
