"""From rules that fired to an outcome, by the order that is documented."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.fraud.domain.scenarios.judging import Fired, Judging, Ruling, Standing
from services.fraud.domain.scenarios.rule import RuleOutcome, ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent
from services.fraud.domain.verdict import APPROVE, DECLINE, REVIEW, Factor

NEVER = Standing(base_risk=0.0)
VALUES: dict[str, object] = {"amount": 12.5}
NOTHING = dict[str, object]().get


def rule(code: str, contribution: float = 0.0, outcome: str = "", *, habit: bool = False) -> ScenarioRule:
    return ScenarioRule(
        rule_id=code.lower(),
        code=code,
        words=f"{code} applies to {{amount:.2f}}.",
        expression="true",
        contribution=contribution,
        outcome=RuleOutcome(outcome),
        habit=habit,
    )


HEAVY, LIGHT = rule("HEAVY", 0.9), rule("LIGHT", 0.1)
AT_ONCE, LOOK, STOP = rule("AT_ONCE", 0, "approve_at_once"), rule("LOOK", 0, "review"), rule("STOP", 0, "decline")


def judging(*rules: ScenarioRule, **settings: Any) -> Judging:
    return Judging(replace(ScenarioContent(event_type="payment", rules=rules), **settings))


def all_of(rules: tuple[ScenarioRule, ...]) -> Fired:
    return Fired(range(len(rules)))


@pytest.mark.parametrize(
    ("fired", "floor", "outcome"),
    [
        ((), False, APPROVE),
        ((), True, REVIEW),
        ((LIGHT,), False, APPROVE),
        ((LOOK,), False, REVIEW),
        ((STOP,), False, DECLINE),
        ((HEAVY,), False, DECLINE),
        ((HEAVY, LOOK), True, DECLINE),
        ((HEAVY, AT_ONCE), False, APPROVE),
        ((HEAVY, LOOK, AT_ONCE), False, APPROVE),
        ((HEAVY, STOP, AT_ONCE), False, DECLINE),
        ((HEAVY, AT_ONCE), True, REVIEW),
    ],
)
def test_the_order_of_outcomes(fired: tuple[ScenarioRule, ...], floor: bool, outcome: str) -> None:
    judgement = judging(*fired).judge(all_of(fired), NOTHING, NEVER, review_floor=floor)
    assert judgement.verdict.outcome == outcome
    assert judgement.approved_at_once == ("AT_ONCE" if outcome == APPROVE and AT_ONCE in fired else "")
    assert {factor.code for factor in judgement.verdict.factors} == {each.code for each in fired}


@pytest.mark.parametrize(("allowed", "outcome", "score"), [(True, APPROVE, 0.0), (False, DECLINE, 1.0)])
def test_a_list_decides_without_rules(allowed: bool, outcome: str, score: float) -> None:
    factor = Factor("LISTED", "The address is on the list.", 0.0)
    verdict = judging(HEAVY, AT_ONCE).ruled(Ruling(allowed, factor)).verdict
    assert (verdict.outcome, verdict.score, list(verdict.factors)) == (outcome, score, [factor])


@pytest.mark.parametrize(("review_at", "decline_at", "outcome"), [(0.1, 0.9, DECLINE), (0.1, 0.91, REVIEW)])
def test_thresholds_are_those_of_the_version(review_at: float, decline_at: float, outcome: str) -> None:
    verdict = judging(HEAVY, review_at=review_at, decline_at=decline_at).judge(Fired([0]), NOTHING, NEVER).verdict
    assert (verdict.score, verdict.outcome) == (0.9, outcome)


def test_trust_lessens_the_prior_and_habits_as_the_version_says() -> None:
    rules = (rule("HABIT", 0.4, habit=True), rule("OTHER", 0.4))
    judge = judging(*rules, prior_share=0.5, trust_share=0.25).judge
    assert judge(all_of(rules), NOTHING, Standing(0.4, False)).verdict.score == round(1 - 0.8 * 0.6 * 0.6, 6)
    assert judge(all_of(rules), NOTHING, Standing(0.4, True)).verdict.score == round(1 - 0.95 * 0.6 * 0.9, 6)
    assert judge(Fired([]), NOTHING).verdict.score == 0.05


def test_factors_are_told_strongest_first_and_share_the_score() -> None:
    fired = (LIGHT, STOP, HEAVY)
    verdict = judging(*fired).judge(all_of(fired), VALUES.get, NEVER).verdict
    assert [factor.code for factor in verdict.factors] == ["HEAVY", "LIGHT", "STOP"]
    assert verdict.factors[0].message == "HEAVY applies to 12.50."
    assert sum(factor.contribution for factor in verdict.factors) == pytest.approx(verdict.score, abs=1e-5)
    assert judging(STOP).judge(Fired([0]), NOTHING, NEVER).verdict.factors[0].contribution == 0


def test_what_is_snoozed_or_failed_is_named_and_counts_for_nothing() -> None:
    rules = (HEAVY, STOP, LIGHT, LOOK, AT_ONCE)
    fired = Fired([0, 1, 2], errors=[3], not_enough_data=[4])
    judgement = judging(*rules).judge(fired, NOTHING, NEVER, snoozed={"heavy", "stop", "look", "elsewhere"})
    assert judgement.snoozed == ("heavy", "stop")
    assert (judgement.errors, judgement.not_enough_data) == (("look",), ("at_once",))
    assert judgement.verdict.outcome == APPROVE
    assert [factor.code for factor in judgement.verdict.factors] == ["LIGHT"]


def test_a_snoozed_rule_neither_declines_nor_approves_at_once() -> None:
    rules = (HEAVY, STOP, AT_ONCE)
    judge = judging(*rules).judge
    assert judge(all_of(rules), NOTHING, NEVER, snoozed=["stop"]).verdict.outcome == APPROVE
    assert judge(all_of(rules), NOTHING, NEVER, snoozed=["at_once", "stop", "heavy"]).verdict.score == 0
