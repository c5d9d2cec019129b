"""Scores facts and chooses the outcome. Pure: the same facts give the same verdict, now and when computed again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.fraud.domain.rules import RULES, Facts, Rule

__all__ = ["APPROVE", "DECLINE", "REVIEW", "Factor", "Verdict", "judge"]

APPROVE, REVIEW, DECLINE = "approve", "review", "decline"
REVIEW_AT = 0.5
DECLINE_AT = 0.8
# Weight of the tenant's prior, and what a trusted user's risk is worth.
PRIOR_SHARE = 0.5
TRUSTED_SHARE = 0.5
DEFAULT_PRIOR = 0.1


@dataclass(frozen=True, slots=True)
class Factor:
    """A rule that fired, with its share of the score."""

    code: str
    message: str
    contribution: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome, its score from 0 to 1, and the factors, strongest first."""

    outcome: str
    score: float
    factors: Sequence[Factor]


def judge(facts: Facts, review_floor: bool = False, rules: Collection[Rule] = RULES) -> Verdict:
    """Combines the rules that apply as independent evidence: 1 - (1 - prior) * (1 - w1) * (1 - w2)...

    With `review_floor` the outcome is review at least, because an input that matters could not be read.
    """
    fired = sorted((rule for rule in rules if rule.applies(facts)), key=lambda rule: (-rule.weight, rule.code))
    profile = facts.profile
    prior = (profile.base_risk if profile else DEFAULT_PRIOR) * PRIOR_SHARE
    safe = 1.0 - prior
    for rule in fired:
        safe *= 1.0 - rule.weight
    score = round((1.0 - safe) * (TRUSTED_SHARE if profile and profile.tier == "trusted" else 1.0), 6)
    return Verdict(_outcome(score, review_floor), score, _factors(fired, facts, score))


def _outcome(score: float, review_floor: bool) -> str:
    if score >= DECLINE_AT:
        return DECLINE
    return REVIEW if score >= REVIEW_AT or review_floor else APPROVE


def _factors(fired: Sequence[Rule], facts: Facts, score: float) -> Sequence[Factor]:
    weights = sum(rule.weight for rule in fired)
    return [Factor(rule.code, rule.explain(facts), round(score * rule.weight / weights, 6)) for rule in fired]
