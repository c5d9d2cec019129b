"""Scenarios as files: what is exported comes in again, and nothing else."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from services.fraud.domain.scenarios.file import LARGEST_FILE, FileFaultError, content_of, file_of
from services.fraud.domain.scenarios.rule import RuleOutcome, ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent
from services.fraud.domain.scenarios.starter import STARTER

SMALL = ScenarioContent(
    event_type="login",
    rules=(
        ScenarioRule(rule_id="a", code="A", words="{ü} “”", expression="true", contribution=1 / 3, habit=True),
        ScenarioRule(rule_id="b", code="B", words="b", expression="x", outcome=RuleOutcome.APPROVE_AT_ONCE),
    ),
    review_at=0.1 + 0.2,
)


@pytest.mark.parametrize("content", [STARTER, SMALL, ScenarioContent(event_type="claim")])
def test_a_file_holds_everything(content: ScenarioContent) -> None:
    assert content_of(file_of(content)) == content
    assert content_of(file_of(content).encode()) == content
    assert file_of(content_of(file_of(content))) == file_of(content)


def changed(**values: Any) -> str:
    return json.dumps(json.loads(file_of(SMALL)) | values)


def rule(**values: Any) -> str:
    whole = json.loads(file_of(SMALL))
    whole["rules"][1] |= values
    return json.dumps(whole)


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("", ""),
        ("{", ""),
        ("[]", ""),
        ("1", ""),
        (b"\xff\xfe\x00", ""),
        (b"\x80", ""),
        ("[" * 100_000, ""),
        ('{"a":' * 100_000, ""),
        ("{}", "format"),
        (changed(format="rampart.scenario.v2"), "format"),
        (changed(wieght=1), "wieght"),
        (changed(**{"x" * 1_000: 1}), "x" * 64),
        (changed(rules={}), "rules"),
        (changed(rules=[1]), "rules[0]"),
        (changed(rules=None), "rules"),
        (changed(review_at="0.5"), "review_at"),
        (changed(review_at=True), "review_at"),
        (changed(description=None), "description"),
        (changed(event_type=[]), "event_type"),
        (file_of(SMALL).replace('"event_type": "login",', ""), "event_type"),
        (file_of(SMALL).replace('"event_type"', '"event_type": "x", "event_type"'), "event_type"),
        (file_of(SMALL).replace('"code": "B"', '"code": "B", "code": "C"'), "rules[1].code"),
        (file_of(SMALL).replace('"code": "B",', ""), "rules[1].code"),
        (rule(weight=1), "rules[1].weight"),
        (rule(outcome="block"), "rules[1].outcome"),
        (rule(outcome=[]), "rules[1].outcome"),
        (rule(outcome={}), "rules[1].outcome"),
        (rule(habit=1), "rules[1].habit"),
        (rule(words=1), "rules[1].words"),
        (rule(contribution=10**400), "rules[1].contribution"),
        (changed().replace("0.30000000000000004", "NaN"), ""),
        (changed().replace("0.30000000000000004", "9" * 5_000), ""),
        (" " * (LARGEST_FILE + 1), ""),
    ],
)
def test_what_is_no_scenario_is_refused_with_its_place(file: str | bytes, place: str) -> None:
    with pytest.raises(FileFaultError) as caught:
        content_of(file)
    assert caught.value.place == place
    assert len(str(caught.value)) < 300


def test_the_largest_scenario_fits() -> None:
    most = ScenarioRule(
        rule_id="x", code="X", words="because " * 20, expression="amount > 1.0 && " * 25, contribution=1
    )
    rules = tuple(replace(most, rule_id=f"{index:064}", code=f"R{index:062}") for index in range(1_000))
    file = file_of(ScenarioContent(event_type="payment", rules=rules))
    assert 0.8 * LARGEST_FILE < len(file.encode()) < LARGEST_FILE
    started = time.process_time()
    assert content_of(file).rules == rules
    assert time.process_time() - started < 5
