"""Scores facts and chooses the outcome. Pure: the same facts give the same verdict, now and when computed again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from services.fraud.domain.rules import APPROVE, DECLINE, REVIEW, RULES, Facts, Rule

__all__ = ["APPROVE", "DECLINE", "REVIEW", "Factor", "Verdict", "judge"]

REVIEW_AT = 0.5
DECLINE_AT = 0.8
# Weight of the tenant's prior, and what trust leaves of it and of what is a matter of habit.
PRIOR_SHARE = 0.5
TRUSTED_SHARE = 0.5
DEFAULT_PRIOR = 0.1


class Factor(NamedTuple):
    """A rule that fired, with its share of the score."""

    code: str
    message: str
    contribution: float


class Verdict(NamedTuple):
    """An outcome, its score from 0 to 1, and the factors, strongest first."""

    outcome: str
    score: float
    factors: Sequence[Factor]


def judge(facts: Facts, review_floor: bool = False, rules: Collection[Rule] = RULES) -> Verdict:
    """Combines the rules that apply as independent evidence: 1 - (1 - prior) * (1 - w1) * (1 - w2)...

    The outcome follows from the score, and is never below the floor of a rule that applies. With `review_floor` it is
    review at least, because an input that matters could not be read.
    """
    profile = facts.profile
    trust = TRUSTED_SHARE if profile and profile.tier == "trusted" else 1.0
    found = [rule for rule in rules if rule.applies(facts)]
    fired = _weighed(found, trust) if found else ()
    safe = 1.0 - (profile.base_risk if profile else DEFAULT_PRIOR) * PRIOR_SHARE * trust
    for weight, _ in fired:
        safe *= 1.0 - weight
    score = round(1.0 - safe, 6)
    outcome = _outcome(score, [rule.floor for rule in found], review_floor)
    return Verdict(outcome, score, _factors(fired, facts, score) if fired else [])


def _weighed(fired: Sequence[Rule], trust: float) -> Sequence[tuple[float, Rule]]:
    """Returns rules with what they weigh, the heaviest first."""
    weighed = [(rule.weight * trust if rule.habit else rule.weight, rule) for rule in fired]
    return sorted(weighed, key=lambda each: (-each[0], each[1].code)) if len(weighed) > 1 else weighed


def _outcome(score: float, floors: Collection[str], review_floor: bool) -> str:
    if score >= DECLINE_AT or DECLINE in floors:
        return DECLINE
    return REVIEW if score >= REVIEW_AT or review_floor or REVIEW in floors else APPROVE


def _factors(fired: Sequence[tuple[float, Rule]], facts: Facts, score: float) -> Sequence[Factor]:
    total = sum(weight for weight, _ in fired)
    return [Factor(rule.code, rule.explain(facts), round(score * weight / total, 6)) for weight, rule in fired]
