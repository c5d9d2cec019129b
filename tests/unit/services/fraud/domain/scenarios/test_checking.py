"""The form of a scenario: every fault is told with its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.scenarios.checking import MOST_RULES, content_faults
from services.fraud.domain.scenarios.rule import RuleOutcome, ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent

RULE = ScenarioRule(rule_id="r", code="R", words="Because of {amount}.", expression="amount > 1.0", contribution=0.5)
CONTENT = ScenarioContent(event_type="payment", rules=(RULE,))
AT_ONCE = RuleOutcome.APPROVE_AT_ONCE


def places(content: ScenarioContent) -> list[tuple[str, str]]:
    return [(fault.place, fault.reason) for fault in content_faults(content, {"amount": ValueKind.DOUBLE})]


@pytest.mark.parametrize(
    ("changed", "place", "reason"),
    [
        ({"rule_id": ""}, "rule_id", "rule_id.form"),
        ({"rule_id": "a b"}, "rule_id", "rule_id.form"),
        ({"rule_id": "x" * 65}, "rule_id", "rule_id.form"),
        ({"rule_id": "r\n"}, "rule_id", "rule_id.form"),
        ({"code": "lower"}, "code", "code.form"),
        ({"code": "9"}, "code", "code.form"),
        ({"code": "A" * 64}, "code", "code.form"),
        ({"words": "  "}, "words", "words.required"),
        ({"words": "{amuont}"}, "words", "words.form"),
        ({"words": "a\x00b"}, "words", "words.characters"),
        ({"words": "a\ud800b"}, "words", "words.characters"),
        ({"words": "a\u202eb"}, "words", "words.characters"),
        ({"expression": ""}, "expression", "expression.length"),
        ({"expression": "x" * 2_001}, "expression", "expression.length"),
        ({"expression": "amount\x00"}, "expression", "expression.characters"),
        ({"contribution": -0.1}, "contribution", "contribution.range"),
        ({"contribution": 1.1}, "contribution", "contribution.range"),
        ({"contribution": float("nan")}, "contribution", "contribution.range"),
        ({"contribution": 0.0}, "contribution", "contribution.required"),
        ({"outcome": AT_ONCE}, "contribution", "contribution.contradicts"),
        ({"contribution": 0.0, "outcome": RuleOutcome.REVIEW, "habit": True}, "habit", "habit.contradicts"),
    ],
)
def test_a_rule_is_refused_where_it_is_wrong(changed: dict[str, Any], place: str, reason: str) -> None:
    assert places(replace(CONTENT, rules=(RULE, replace(RULE, **{"rule_id": "s", "code": "S"} | changed)))) == [
        (f"rules[1].{place}", reason)
    ]


@pytest.mark.parametrize(
    ("changed", "place", "reason"),
    [
        ({"event_type": "Payment"}, "event_type", "event_type.form"),
        ({"description": "x" * 2_001}, "description", "description.length"),
        ({"review_at": -0.1}, "review_at", "review_at.range"),
        ({"decline_at": float("nan")}, "decline_at", "decline_at.range"),
        ({"review_at": 0.9}, "review_at", "review_at.order"),
        ({"prior_share": 1.1}, "prior_share", "prior_share.range"),
        ({"trust_share": -1.0}, "trust_share", "trust_share.range"),
        ({"rules": (RULE, replace(RULE, code="S"))}, "rules[1].rule_id", "rule_id.unique"),
        ({"rules": (RULE, replace(RULE, rule_id="s"))}, "rules[1].code", "code.unique"),
    ],
)
def test_a_scenario_is_refused_where_it_is_wrong(changed: dict[str, Any], place: str, reason: str) -> None:
    assert places(replace(CONTENT, **changed)) == [(place, reason)]


def test_a_thousand_rules_are_enough() -> None:
    rules = tuple(replace(RULE, rule_id=f"r{index}", code=f"R{index}") for index in range(MOST_RULES + 1))
    assert not places(replace(CONTENT, rules=rules[:-1]))
    assert places(replace(CONTENT, rules=rules)) == [("rules", "rules.count")]
    large = tuple(replace(rule, expression="x" * 1_000) for rule in rules[:-1])
    assert places(replace(CONTENT, rules=large)) == [("", "scenario.size")]


def test_a_character_that_nobody_sees_is_told_by_line_and_column() -> None:
    rule = replace(RULE, expression="amount > 1.0\n  &&\u200b amount < 2.0")
    (fault,) = content_faults(replace(CONTENT, rules=(rule,)), {"amount": ValueKind.DOUBLE})
    assert (fault.line, fault.column) == (2, 5)
    assert "U+200B" in fault.message
