"""What a version is trained by, and in which order its periods lie."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.fraud.domain.event_types import PAYMENT
from services.fraud.domain.scenarios.model_inputs import feature_faults, numeric_names
from services.fraud.domain.scenarios.scenario import ScenarioContent
from services.fraud.domain.scenarios.uses import asks_model
from services.fraud.domain.scoring.settings import TrainingTarget, settings_faults, settings_from_json, settings_to_json
from services.fraud.domain.scoring.version import ModelUse, outcome_from_json, outcome_to_json, use_faults
from tests.support.models import made_model, settings
from tests.support.scenarios import BuiltInNames

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def test_settings_and_outcomes_survive_their_text() -> None:
    asked = settings(NOW, target=TrainingTarget.CHARGEBACK, parameters={"depth": 4, "calibration": "beta"})
    assert settings_from_json(settings_to_json(asked)) == asked
    outcome = made_model(evaluation={"rows": 1}, validation={"rows": 2}, takes_missing=False).outcome
    assert outcome_from_json(outcome_to_json(outcome)) == outcome
    told = json.loads(outcome_to_json(outcome))
    assert told["features"] == ["amount", "user_count_1h", "user_new_device"]
    assert outcome_from_json(json.dumps(told | {"of_a_later_release": 1})) == outcome
    del told["validation"]
    assert outcome_from_json(json.dumps(told)) == replace(outcome, validation=None)


def test_periods_follow_each_other() -> None:
    asked = settings(NOW, since=NOW - timedelta(days=30), test_days=5, validation_days=3, delay_days=7)
    days = [asked.learned_until, asked.labels_until, asked.validation_since, asked.test_since, asked.until]
    assert [(NOW - each).days for each in days] == [15, 8, 8, 5, 0]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({}, None),
        ({"until": NOW + timedelta(minutes=1)}, "training.until"),
        ({"since": NOW - timedelta(days=401)}, "training.since"),
        ({"since": NOW - timedelta(days=6, hours=23)}, "training.since"),
        ({"since": NOW}, "training.since"),
        ({"test_days": 0, "parameters": {"calibration": "none"}}, "training.test_days"),
        ({"test_days": 1, "parameters": {"calibration": "none"}}, None),
        ({"test_days": 0, "parameters": {"calibration": "platt"}}, None),
        ({"test_days": 0}, None),
    ],
)
def test_a_period_leaves_days_to_learn_from_and_to_measure_on(changed: dict[str, Any], field: str | None) -> None:
    faults = settings_faults(replace(settings(NOW), **changed), NOW)
    assert [each.path for each in faults] == ([field] if field else [])


async def test_features_are_numbers_and_truth_values() -> None:
    variables = await BuiltInNames().variables("t", "payment")
    assert variables is not None
    names = numeric_names(variables)
    assert {"amount", "user_count_1h", "user_new_device"} <= set(names)
    assert not {"user_id", "amount_usd", "profile.base_risk"} & set(names)
    assert feature_faults([*names, "amount_usd", "profile.base_risk", "ip.tor"], variables, "features") == []
    wrong = feature_faults(["amount", "user_id", "nonsense"], variables, "features")
    assert [(each.path, each.rule) for each in wrong] == [
        ("features[1]", "features.kind"),
        ("features[2]", "features.known"),
    ]


def test_a_model_that_takes_no_missing_values_gets_none() -> None:
    outcome = made_model(takes_missing=False).outcome
    assert use_faults(ModelUse(None, 0.0), outcome) == []
    assert [each.path for each in use_faults(ModelUse(None, 0.1), outcome)] == ["most_missing"]


def test_a_scenario_that_names_no_model_asks_none() -> None:
    content = ScenarioContent(event_type=PAYMENT.name)
    assert not asks_model(content, "cards")
