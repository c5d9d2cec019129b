"""Trees grown of a table."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xgboost

from services.fraud.models.calibration import CalibrationKind, probabilities
from services.fraud.models.dataset import TrainingTable
from services.fraud.models.failures import (
    CalibrationError,
    ModelParameterError,
    TrainingCancelledError,
    TrainingTableError,
)
from services.fraud.models.metrics import area_under_roc
from services.fraud.models.parameters import RANGES, TrainingParameters
from services.fraud.models.splits import DAY_MS, day_folds
from services.fraud.models.training import booster_margins, train

FEW = TrainingParameters(trees=8, folds=3)


def test_the_same_rows_and_parameters_give_the_same_trees(table: TrainingTable) -> None:
    drawn = replace(FEW, row_share=0.7, feature_share=0.5)
    one, other = (train(table, table.labels(), drawn) for _ in range(2))
    assert (one.booster, one.calibration) == (other.booster, other.calibration)
    assert train(table, table.labels(), replace(drawn, seed=8)).booster != one.booster


def test_the_trees_rank_fraud_higher(table: TrainingTable) -> None:
    labels = table.labels()
    trained = train(table, labels, FEW)
    assert area_under_roc(trained.unseen, labels) > 0.7
    assert area_under_roc(booster_margins(trained.booster, table.values), labels) > 0.75


def test_margins_for_calibration_come_from_trees_that_have_not_seen_the_day(table: TrainingTable) -> None:
    labels = table.labels()
    trained = train(table, labels, FEW)
    seen = day_folds(table.times_ms, 3) != 1
    others = train(table.taken(seen), labels[seen], replace(FEW, calibration=CalibrationKind.NONE))
    assert trained.unseen[~seen] == pytest.approx(booster_margins(others.booster, table.values[~seen]))


@pytest.mark.parametrize("kind", [CalibrationKind.PLATT, CalibrationKind.BETA])
def test_calibrated_scores_of_unseen_days_are_true_on_the_whole(table: TrainingTable, kind: CalibrationKind) -> None:
    labels = table.labels()
    trained = train(table, labels, replace(FEW, calibration=kind))
    said = probabilities(trained.calibration, trained.unseen)
    assert said.sum() == pytest.approx(labels.sum(), rel=0.03)
    assert 0.5 * labels.sum() > probabilities(replace(trained.calibration, offset=-3), trained.unseen).sum()


def test_every_value_may_be_a_threshold_up_to_a_number_of_rows() -> None:
    """Fraud of one value of thousands: bins would put it together with its neighbours."""
    values = np.arange(12_000.0)
    rare = (values >= 7_000) & (values < 7_025)
    many = TrainingTable.of(
        ["a"],
        values[:, None],
        known_ms=np.where(rare, 0, 2**62),
        times_ms=np.arange(12_000),
        entities=np.zeros(12_000, np.uint64),
        amounts=values,
    )
    grown = TrainingParameters(trees=1, depth=2, calibration=CalibrationKind.NONE, least_child_weight=0, ridge=0)
    labels = many.labels(1)
    exact = booster_margins(train(many, labels, grown).booster, many.values)
    assert set(exact[rare]) == {exact.max()}
    assert (exact[~rare] < exact.max()).all()
    binned = booster_margins(train(many, labels, grown, rows_exact=11_999).booster, many.values)
    assert area_under_roc(binned, labels) > 0.99


def test_many_rows_are_put_into_many_bins(table: TrainingTable, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []
    grow = xgboost.train

    def listening(parameters: dict[str, Any], *more: Any, **others: Any) -> xgboost.Booster:
        told.append(parameters)
        return grow(parameters, *more, **others)

    monkeypatch.setattr(xgboost, "train", listening)
    quick = replace(FEW, trees=1, calibration=CalibrationKind.NONE)
    train(table, table.labels(), quick, rows_exact=len(table))
    train(table, table.labels(), quick, rows_exact=len(table) - 1, threads=2)
    assert [each["tree_method"] for each in told] == ["exact", "hist"]
    assert told[1]["max_bin"] == 4_096
    assert [each["nthread"] for each in told] == [1, 2]


def test_progress_counts_the_trees_of_the_folds_as_well(table: TrainingTable) -> None:
    told: list[tuple[int, int]] = []

    def listen(done: int, of: int) -> bool:
        told.append((done, of))
        return True

    train(table, table.labels(), FEW, progress=listen)
    assert told == [(done, 32) for done in range(1, 33)]


@pytest.mark.parametrize("last", [1, 10, 30])
def test_a_training_that_is_told_to_stop_ends_at_once(table: TrainingTable, last: int) -> None:
    told: list[int] = []

    def listen(done: int, _: int) -> bool:
        told.append(done)
        return done < last

    with pytest.raises(TrainingCancelledError):
        train(table, table.labels(), FEW, progress=listen)
    assert told[-1] == last


def test_too_few_rows_of_a_kind_are_refused(table: TrainingTable) -> None:
    labels = np.zeros(len(table), bool)
    labels[:19] = True
    with pytest.raises(TrainingTableError, match="19 are known to be fraud"):
        train(table, labels, FEW)
    with pytest.raises(TrainingTableError):
        train(table, ~labels, FEW)


def test_fraud_of_a_single_day_cannot_be_calibrated(table: TrainingTable) -> None:
    labels = (table.times_ms < DAY_MS) & (np.arange(len(table)) % 3 == 0)
    with pytest.raises(TrainingTableError, match="the same days"):
        train(table, labels, FEW)


def test_features_that_say_nothing_are_refused(table: TrainingTable) -> None:
    nothing = replace(table, values=np.zeros_like(table.values))
    with pytest.raises((CalibrationError, TrainingTableError)):
        train(nothing, table.labels(), FEW)


@pytest.mark.parametrize("name", RANGES)
def test_a_parameter_outside_of_its_range_is_refused_by_name(name: str) -> None:
    least, most = RANGES[name]
    for allowed in (least, most):
        assert getattr(TrainingParameters(**{name: allowed}), name) == allowed  # type: ignore[arg-type]
    for wrong in (least - 1, most + 1, float("nan"), "3", True):
        with pytest.raises(ModelParameterError, match=f"^{name}: "):
            TrainingParameters(**{name: wrong})  # type: ignore[arg-type]


def test_all_wrong_parameters_are_named_at_once() -> None:
    with pytest.raises(ModelParameterError, match=r"trees: .*; depth: "):
        TrainingParameters(trees=0, depth=99)


def test_parameters_come_back_from_json() -> None:
    told = TrainingParameters(trees=7, learning_rate=0.3, calibration=CalibrationKind.BETA)
    assert TrainingParameters.from_dict(json.loads(json.dumps(told.to_dict()))) == told
    with pytest.raises(ModelParameterError, match="no such parameter: leaves"):
        TrainingParameters.from_dict({"leaves": 3})
    with pytest.raises(ModelParameterError, match="isotonic"):
        TrainingParameters.from_dict({"calibration": "isotonic"})
