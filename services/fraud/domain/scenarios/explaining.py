"""Explains a judgement: what became of every rule, and by which steps the outcome was reached."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from services.fraud.domain.scenarios.facts import EventFacts
from services.fraud.domain.scenarios.judging import NO_RULES_CONTENT, Judgement, prior_of, standing_of
from services.fraud.domain.scenarios.rule import RuleOutcome, ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent
from services.fraud.domain.scenarios.words import Words
from services.fraud.domain.verdict import APPROVE, DECLINE, REVIEW

__all__ = ["ExplainedRule", "OutcomeStep", "RuleState", "StepKind", "explained_rules", "outcome_steps"]

_RAISES = {RuleOutcome.REVIEW: REVIEW, RuleOutcome.DECLINE: DECLINE}


class RuleState(Enum):
    """What became of a rule in one decision."""

    FIRED = "fired"
    NOT_FIRED = "not_fired"
    SNOOZED = "snoozed"
    """It applied, and did not count."""
    NOT_ENOUGH_DATA = "not_enough_data"
    ERROR = "error"
    NOT_ASKED = "not_asked"
    """A list decided before."""


class ExplainedRule(NamedTuple):
    """A rule in one decision."""

    rule: ScenarioRule
    state: RuleState
    weight: float
    """After what trust leaves of it."""
    contribution: float
    """Its share of the score; 0 if it did not count."""
    message: str
    """Its words with their values; empty if it did not apply."""


class StepKind(Enum):
    """Which part of the order of outcomes a step is."""

    LIST = "list"
    APPROVE_AT_ONCE = "approve_at_once"
    SCORE = "score"
    RULE = "rule"
    """A rule that says an outcome at least."""
    REVIEW_FLOOR = "review_floor"


class OutcomeStep(NamedTuple):
    """A step on the way to an outcome."""

    kind: StepKind
    outcome: str
    """After it; empty if it led to none."""
    message: str
    rule_id: str = ""


def explained_rules(
    content: ScenarioContent, judgement: Judgement, facts: EventFacts, values: Mapping[str, object]
) -> Sequence[ExplainedRule]:
    """Tells of every rule what became of it. `values` are those that rules and words saw, by name."""
    factors = {factor.code: factor for factor in judgement.verdict.factors}
    standing = standing_of(facts.profile)
    trusted = standing is not None and standing.trusted
    told = {
        **dict.fromkeys(judgement.not_enough_data, RuleState.NOT_ENOUGH_DATA),
        **dict.fromkeys(judgement.errors, RuleState.ERROR),
        **dict.fromkeys(judgement.snoozed, RuleState.SNOOZED),
    }

    def explained(rule: ScenarioRule) -> ExplainedRule:
        weight = rule.contribution * (content.trust_share if rule.habit and trusted else 1.0)
        if facts.ruling is not None:
            return ExplainedRule(rule, RuleState.NOT_ASKED, weight, 0.0, "")
        if factor := factors.get(rule.code):
            return ExplainedRule(rule, RuleState.FIRED, weight, factor.contribution, factor.message)
        state = told.get(rule.rule_id, RuleState.NOT_FIRED)
        message = Words(rule.words).fill(values.get) if state is RuleState.SNOOZED else ""
        return ExplainedRule(rule, state, weight, 0.0, message)

    return [explained(rule) for rule in content.rules]


def outcome_steps(
    content: ScenarioContent | None, judgement: Judgement, facts: EventFacts, required: Collection[str]
) -> Sequence[OutcomeStep]:
    """Tells how the outcome of a judgement was reached. `required` is what was missing that approves nothing."""
    if facts.ruling is not None:
        verdict = judgement.verdict
        return [OutcomeStep(StepKind.LIST, verdict.outcome, verdict.factors[0].message)]
    codes = {factor.code for factor in judgement.verdict.factors}
    fired = [rule for rule in content.rules if rule.code in codes] if content is not None else []
    steps = list(_at_once(fired)) or list(_scored(content, judgement.verdict.score, facts, fired))
    if required and steps[-1].outcome == APPROVE:
        message = f"Nothing is approved without {', '.join(required)}."
        steps.append(OutcomeStep(StepKind.REVIEW_FLOOR, REVIEW, message))
    return steps


def _at_once(fired: Sequence[ScenarioRule]) -> Iterator[OutcomeStep]:
    says = [rule for rule in fired if rule.outcome is RuleOutcome.APPROVE_AT_ONCE]
    if says and not _declining(fired):
        first = min(says, key=lambda rule: rule.code)
        yield OutcomeStep(StepKind.APPROVE_AT_ONCE, APPROVE, f"Rule {first.rule_id} approves at once.", first.rule_id)


def _scored(
    content: ScenarioContent | None, score: float, facts: EventFacts, fired: Sequence[ScenarioRule]
) -> Iterator[OutcomeStep]:
    declining = _declining(fired)
    for rule in fired:
        if rule.outcome is RuleOutcome.APPROVE_AT_ONCE:
            message = f"Rule {rule.rule_id} would approve at once, but {declining[0].rule_id} declines."
            yield OutcomeStep(StepKind.APPROVE_AT_ONCE, "", message, rule.rule_id)
    by = content or NO_RULES_CONTENT
    outcome = DECLINE if score >= by.decline_at else REVIEW if score >= by.review_at else APPROVE
    prior = round(prior_of(by, standing_of(facts.profile)), 6)
    begun = f"The prior {prior:g}" if facts.model is None else f"What {facts.model.ref} says, {facts.model.score:g},"
    made = f"{begun} and what fired make {score:g}"
    said = made if content is not None else f"No scenario decides, so the prior {prior:g} does"
    message = f"{said}: review from {by.review_at:g}, decline from {by.decline_at:g}."
    yield OutcomeStep(StepKind.SCORE, outcome, message)
    for rule in fired:
        if least := _RAISES.get(rule.outcome):
            outcome = DECLINE if DECLINE in (outcome, least) else REVIEW
            yield OutcomeStep(StepKind.RULE, outcome, f"Rule {rule.rule_id} says {least} at least.", rule.rule_id)


def _declining(fired: Sequence[ScenarioRule]) -> Sequence[ScenarioRule]:
    return [rule for rule in fired if rule.outcome is RuleOutcome.DECLINE]
