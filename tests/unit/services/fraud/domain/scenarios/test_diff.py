"""What leads from one version to another."""

from __future__ import annotations

from dataclasses import replace

from services.fraud.domain.scenarios.diff import FieldChange, compare
from services.fraud.domain.scenarios.rule import RuleOutcome
from services.fraud.domain.scenarios.starter import STARTER


def test_equal_contents_do_not_differ_whatever_the_order_of_rules() -> None:
    assert not compare(STARTER, STARTER)
    assert not compare(STARTER, replace(STARTER, rules=STARTER.rules[::-1]))


def test_rules_are_followed_by_identifier_and_fields_by_name() -> None:
    first, second, *rest = STARTER.rules
    changed = replace(first, code="OTHER", contribution=0.25, outcome=RuleOutcome.REVIEW, habit=True)
    added = replace(second, rule_id="new", code="NEW")
    difference = compare(STARTER, replace(STARTER, rules=(added, *rest, changed), decline_at=0.9))
    assert (difference.added, difference.removed) == ([added], [second])
    (change,) = difference.changed
    assert (change.rule_id, change.code) == (first.rule_id, "OTHER")
    assert change.fields == [
        FieldChange("code", "PROFILE_BLOCKED", "OTHER"),
        FieldChange("contribution", "0.99", "0.25"),
        FieldChange("outcome", "decline", "review"),
        FieldChange("habit", "false", "true"),
    ]
    assert difference.settings == [FieldChange("decline_at", "0.8", "0.9")]
    assert difference
