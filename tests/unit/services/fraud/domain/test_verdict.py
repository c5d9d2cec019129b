"""From facts to an outcome, by the starter scenario."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.profile import Profile
from services.fraud.domain.scenarios.facts import EventFacts
from services.fraud.domain.verdict import APPROVE, DECLINE, REVIEW
from tests.support.fraud import facts, judged


def random_facts(choice: random.Random) -> EventFacts:
    profile = Profile(
        choice.random() < 0.5,
        round(choice.random(), 3),
        choice.choice(["trusted", "standard", "elevated", "blocked"]),
        choice.choice([0, 0, 0, 1, 7]),
    )
    values: dict[str, Any] = {name: int(choice.expovariate(1 / choice.choice([1, 10, 100]))) for name in STARTER.names}
    return facts(
        choice.choice([None, profile]),
        choice.randrange(10 ** choice.randrange(1, 9)),
        choice.choice(["JPY", "USD", "KWD", "CLF"]),
        **values,
    )


def test_scores_are_probabilities_and_outcomes_are_never_milder() -> None:
    choice = random.Random(3)
    for _ in range(3_000):
        made = random_facts(choice)
        verdict = judged(made).verdict
        assert 0 <= verdict.score <= 1
        at_least = DECLINE if verdict.score >= 0.8 else REVIEW if verdict.score >= 0.5 else APPROVE
        strictness = (APPROVE, REVIEW, DECLINE)
        assert strictness.index(verdict.outcome) >= strictness.index(at_least)
        floored = judged(made, review_floor=True).verdict
        assert floored.score == verdict.score
        assert floored.outcome == (REVIEW if verdict.outcome == APPROVE else verdict.outcome)
        assert judged(made).verdict == verdict


def test_no_tier_takes_a_hard_fact_below_review() -> None:
    """What any engine that replaces these rules must hold as well; see tests/steelthread/test_score.py."""
    for tier in ("trusted", "standard", "elevated"):
        for made in (
            facts(Profile(base_risk=0.0, tier=tier, chargeback_count=50)),
            facts(Profile(base_risk=0.0, tier=tier), amount_minor=25_000_000),
        ):
            assert judged(made).verdict.outcome != APPROVE


def test_worse_facts_never_lower_the_score_of_a_trusted_user() -> None:
    choice = random.Random(5)
    for _ in range(1_000):
        made = random_facts(choice)
        profile = replace(made.profile or Profile(), tier="trusted")
        worse = replace(profile, chargeback_count=profile.chargeback_count + 3)
        standard = replace(profile, tier="standard")
        scores = [judged(made._replace(profile=each)).verdict.score for each in (profile, worse, standard)]
        assert scores[0] <= min(scores[1:])


def test_factors_are_the_strongest_first_and_share_the_score() -> None:
    made = facts(Profile(tier="elevated", chargeback_count=3), amount_minor=600_000, user_count_1m=9)
    verdict = judged(made).verdict
    shares = [factor.contribution for factor in verdict.factors]
    assert len(shares) > 3 and shares == sorted(shares, reverse=True)
    assert abs(sum(shares) - verdict.score) < 1e-5
