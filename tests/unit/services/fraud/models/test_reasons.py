"""What features add to a score."""

from __future__ import annotations

import numpy as np
import pytest

from services.fraud.models.artifact import ModelArtifact
from services.fraud.models.dataset import TrainingTable
from services.fraud.models.failures import ScoringError
from services.fraud.models.reasons import ModelExplainer
from services.fraud.models.training import booster_margins
from tests.support.scorers import matrix_of


@pytest.fixture(scope="module")
def explainer(artifact: ModelArtifact) -> ModelExplainer:
    return ModelExplainer(artifact.booster, artifact.signature.features)


def test_contributions_add_up_to_the_margin(
    explainer: ModelExplainer, artifact: ModelArtifact, table: TrainingTable
) -> None:
    rows = table.values[:300]
    assert np.isnan(rows).any()
    assert explainer.contributions(rows).sum(axis=1) == pytest.approx(booster_margins(artifact.booster, rows), abs=1e-4)


def test_reasons_are_the_features_that_did_most_either_way(explainer: ModelExplainer) -> None:
    told = [{"amount": 20, "ratio": 1, "risk": 0.95, "noise": 0}, {"amount": 5, "ratio": 0.5, "risk": 0, "noise": 0}]
    rows = matrix_of(told, explainer.names)
    first, second = explainer.reasons(rows, 2)
    assert (first[0].feature, len(first)) == ("risk", 2)
    assert first[0].value == pytest.approx(0.95)
    assert first[0].added > 0
    assert second[0].added < 0
    assert abs(first[0].added) >= abs(first[1].added)


def test_reasons_come_by_their_strength_whichever_way_they_go(explainer: ModelExplainer, table: TrainingTable) -> None:
    rows = table.values[:200]
    ways = set()
    for found, added in zip(explainer.reasons(rows, 2), explainer.contributions(rows)[:, :-1], strict=True):
        assert [abs(each.added) for each in found] == pytest.approx(sorted(abs(added), reverse=True)[: len(found)])
        ways.add(found[0].added > 0)
    assert ways == {True, False}


def test_a_reason_says_that_a_value_was_missing(explainer: ModelExplainer) -> None:
    (found,) = explainer.reasons(matrix_of([{"risk": 0.9}], explainer.names), 4)
    values = {each.feature: each.value for each in found}
    assert values["ratio"] is None
    assert values["risk"] == pytest.approx(0.9)


def test_a_feature_that_does_nothing_is_no_reason(table: TrainingTable, explainer: ModelExplainer) -> None:
    contributions = explainer.contributions(table.values[:50])[:, :-1]
    reasons = explainer.reasons(table.values[:50], 4)
    assert [len(each) for each in reasons] == [int((row != 0).sum()) for row in contributions]


def test_another_number_of_names_is_refused(artifact: ModelArtifact) -> None:
    with pytest.raises(ScoringError):
        ModelExplainer(artifact.booster, ["a", "b"])
