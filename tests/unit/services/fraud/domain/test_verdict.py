"""From facts to an outcome."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.rules import Facts, Profile, Rule
from services.fraud.domain.verdict import APPROVE, DECLINE, REVIEW, judge
from tests.support.fraud import facts


def random_facts(choice: random.Random) -> Facts:
    profile = Profile(
        choice.random() < 0.5,
        round(choice.random(), 3),
        choice.choice(["trusted", "standard", "elevated", "blocked"]),
        choice.choice([0, 0, 0, 1, 7]),
    )
    return facts(
        choice.choice([None, profile]),
        choice.randrange(10 ** choice.randrange(1, 9)),
        choice.choice([0, 2, 3, 4]),
        **{name: int(choice.expovariate(1 / choice.choice([1, 10, 100]))) for name in STARTER.names},
    )


def test_scores_are_probabilities_and_outcomes_follow_from_them() -> None:
    choice = random.Random(3)
    for _ in range(5_000):
        made = random_facts(choice)
        verdict = judge(made)
        assert 0 <= verdict.score <= 1
        expected = DECLINE if verdict.score >= 0.8 else REVIEW if verdict.score >= 0.5 else APPROVE
        assert verdict.outcome == expected
        floored = judge(made, review_floor=True)
        assert floored.score == verdict.score
        assert floored.outcome == (REVIEW if expected == APPROVE else expected)
        assert judge(made) == verdict


def test_one_more_rule_never_lowers_the_score() -> None:
    choice = random.Random(4)
    always = Rule("ALWAYS", 0.2, lambda _: True, lambda _: "Always.")
    for _ in range(500):
        made = random_facts(choice)
        assert judge(made, rules=[always]).score >= judge(made, rules=[]).score


def rule(code: str, weight: float) -> Rule:
    return Rule(code, weight, lambda _: True, lambda _: f"{code} applies.")


@pytest.mark.parametrize(("weight", "outcome"), [(0.79999, REVIEW), (0.8, DECLINE), (0.5, REVIEW), (0.49999, APPROVE)])
def test_thresholds_belong_to_the_stricter_outcome(weight: float, outcome: str) -> None:
    assert judge(facts(Profile(base_risk=0.0)), rules=[rule("R", weight)]).outcome == outcome


def test_rules_combine_as_independent_evidence_on_top_of_the_prior() -> None:
    verdict = judge(facts(Profile(base_risk=0.2)), rules=[rule("A", 0.5), rule("B", 0.4)])
    assert verdict.score == pytest.approx(1 - 0.9 * 0.5 * 0.6)


def test_trust_halves_the_prior_and_habits_and_nothing_else() -> None:
    rules = [replace(rule("HABIT", 0.4), habit=True), rule("FACT", 0.5)]
    verdict = judge(facts(Profile(base_risk=0.2, tier="trusted")), rules=rules)
    assert verdict.score == pytest.approx(1 - 0.95 * 0.8 * 0.5)
    assert [factor.code for factor in verdict.factors] == ["FACT", "HABIT"]
    shares = [verdict.score * 5 / 7, verdict.score * 2 / 7]
    assert [factor.contribution for factor in verdict.factors] == pytest.approx(shares, abs=1e-6)


@pytest.mark.parametrize(("floor", "outcome"), [(APPROVE, APPROVE), (REVIEW, REVIEW), (DECLINE, DECLINE)])
def test_outcome_is_never_below_the_floor_of_a_rule_that_applies(floor: str, outcome: str) -> None:
    small = replace(rule("R", 0.01), floor=floor)
    verdict = judge(facts(Profile(base_risk=0.0, tier="trusted")), rules=[small, rule("OTHER", 0.02)])
    assert verdict.outcome == outcome
    assert verdict.score == pytest.approx(1 - 0.99 * 0.98)


def test_no_tier_takes_a_hard_fact_below_review() -> None:
    """What any engine that replaces these rules must hold as well; see tests/steelthread/test_score.py."""
    for tier in ("trusted", "standard", "elevated"):
        assert judge(facts(Profile(base_risk=0.0, tier=tier, chargeback_count=50))).outcome != APPROVE
        assert judge(facts(Profile(base_risk=0.0, tier=tier), amount_minor=25_000_000)).outcome != APPROVE


def test_worse_facts_never_lower_the_score_of_a_trusted_user() -> None:
    choice = random.Random(5)
    for _ in range(2_000):
        made = random_facts(choice)
        profile = replace(made.profile or Profile(), tier="trusted")
        worse = replace(profile, chargeback_count=profile.chargeback_count + 3)
        standard = replace(profile, tier="standard")
        scores = [judge(made._replace(profile=each)).score for each in (profile, worse, standard)]
        assert scores[0] <= min(scores[1:])


def test_factors_are_the_strongest_first_and_share_the_score() -> None:
    verdict = judge(facts(), rules=[rule("B", 0.1), rule("C", 0.6), rule("A", 0.1)])
    assert [factor.code for factor in verdict.factors] == ["C", "A", "B"]
    assert sum(factor.contribution for factor in verdict.factors) == pytest.approx(verdict.score, abs=1e-5)


def test_without_rules_that_apply_there_are_no_factors() -> None:
    assert judge(facts(), rules=[]).factors == []
