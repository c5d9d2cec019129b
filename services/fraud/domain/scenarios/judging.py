"""Reaches an outcome from what fired. Pure: the same rules, values and hits give the same judgement.

The order, each step ending it:

1. a list allows the event: approve, and no rule is asked;
2. a list blocks it: decline;
3. a rule that fires says `approve_at_once`: approve, unless a rule that fires says `decline`;
4. the score against the thresholds, and no less than what rules that fire say.

The score is that of the model, or the prior where there is none, with what fired as further evidence.

Whatever approves under 3 or 4 is review at least if an input is missing without which the operator approves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.fraud.domain.profile import Profile
from services.fraud.domain.scenarios.reason_codes import ReasonCodes
from services.fraud.domain.scenarios.rule import RuleOutcome
from services.fraud.domain.scenarios.scenario import DEFAULT_PRIOR, ScenarioContent
from services.fraud.domain.scenarios.words import Words
from services.fraud.domain.scoring.model import ModelScore
from services.fraud.domain.verdict import APPROVE, DECLINE, REVIEW, Factor, Verdict

__all__ = [
    "NOTHING_FIRED",
    "NO_RULES",
    "NO_RULES_CONTENT",
    "Fired",
    "JudgedRule",
    "Judgement",
    "Judging",
    "Ruling",
    "Standing",
    "prior_of",
    "standing_of",
]

_NONE: tuple[str, ...] = ()
TRUSTED = "trusted"


class Standing(NamedTuple):
    """What the tenant thinks of the person behind an event."""

    base_risk: float = DEFAULT_PRIOR
    trusted: bool = False


UNKNOWN_STANDING = Standing()


def standing_of(profile: Profile | None) -> Standing | None:
    return Standing(profile.base_risk, profile.tier == TRUSTED) if profile is not None else None


class Fired(NamedTuple):
    """What evaluation found, as places in `ScenarioContent.rules`."""

    hits: Sequence[int]
    errors: Sequence[int] = ()
    """Rules that could not be evaluated, besides those for want of values."""
    not_enough_data: Sequence[int] = ()


class Ruling(NamedTuple):
    """What a list of the tenant says of an event."""

    allowed: bool
    """False for blocked."""
    factor: Factor


class Judgement(NamedTuple):
    """A verdict, and what did not take part in it. Rules are told by their identifiers."""

    verdict: Verdict
    approved_at_once: str = ""
    """Code of the rule that did."""
    snoozed: tuple[str, ...] = _NONE
    errors: tuple[str, ...] = _NONE
    not_enough_data: tuple[str, ...] = _NONE
    alerts: tuple[str, ...] = _NONE
    """Rules that fired and ask for an alert."""


@dataclass(frozen=True, slots=True)
class JudgedRule:
    """A rule as far as it takes part in judging."""

    rule_id: str
    code: str
    words: Words
    outcome: RuleOutcome
    weight: float
    trusted_weight: float
    """Its weight for somebody who is trusted."""
    alert: bool
    """True if it asks for an alert."""


class Judging:
    """The judge of one scenario."""

    __slots__ = ("_asked", "_content", "_decline_at", "_reasons", "_review_at", "_rules")

    def __init__(self, content: ScenarioContent) -> None:
        self._content = content
        self._review_at = content.review_at
        self._decline_at = content.decline_at
        self._reasons = ReasonCodes(content.model.reasons if content.model is not None else ())
        self._rules = tuple(
            JudgedRule(
                rule.rule_id,
                rule.code,
                Words(rule.words),
                rule.outcome,
                rule.contribution,
                rule.contribution * (content.trust_share if rule.habit else 1.0),
                rule.alert,
            )
            for rule in content.rules
        )
        self._asked = any(rule.alert for rule in content.rules)

    def judge(
        self,
        fired: Fired,
        value_of: Callable[[str], object],
        standing: Standing | None = None,
        *,
        model: ModelScore | None = None,
        snoozed: Collection[str] = (),
        review_floor: bool = False,
    ) -> Judgement:
        """Combines what fired as independent evidence: 1 - (1 - p) * (1 - w1) * (1 - w2)...

        Where p is what the model says, or the prior without one. `value_of` gives the values that words tell;
        `standing` is None for somebody of whom nothing is known; `snoozed` are identifiers of rules that are left out
        if they fire. With `review_floor` the outcome is review at least.
        """
        standing = standing or UNKNOWN_STANDING
        rules = self._rules
        found = [rules[index] for index in fired.hits]
        asleep = _NONE
        if snoozed:
            asleep = tuple(rule.rule_id for rule in found if rule.rule_id in snoozed)
            found = [rule for rule in found if rule.rule_id not in snoozed]
        weighed = _weighed(found, standing.trusted) if found else ()
        score = _combined(prior_of(self._content, standing) if model is None else model.score, weighed)
        at_once = _approves(found) if found else ""
        outcome = APPROVE if at_once else self._outcome(score, found)
        if review_floor and outcome == APPROVE:
            outcome, at_once = REVIEW, ""
        told = _factors(weighed, value_of, score, model.score if model is not None else 0.0) if weighed else []
        if model is not None and model.reasons:
            told = self._with_reasons(told, model, value_of, score)
        verdict = Verdict(outcome, score, told)
        alerts = tuple([rule.rule_id for rule in found if rule.alert]) if self._asked else _NONE
        if not fired.errors and not fired.not_enough_data:
            return Judgement(verdict, at_once, asleep, alerts=alerts)
        errors, no_data = (tuple([rules[at].rule_id for at in failed]) for failed in fired[1:])
        return Judgement(verdict, at_once, asleep, errors, no_data, alerts)

    def _with_reasons(
        self, factors: Sequence[Factor], model: ModelScore, value_of: Callable[[str], object], score: float
    ) -> Sequence[Factor]:
        """Adds what did most to the model's score, by the share of the score that no rule has."""
        own = score - sum(factor.contribution for factor in factors)
        found = [*factors, *self._reasons.factors(model.reasons, own, value_of)]
        return sorted(found, key=lambda each: (-each.contribution, each.code))

    def ruled(self, ruling: Ruling) -> Judgement:
        """Returns what a list has decided: before rules for one that allows, whatever they say for one that blocks."""
        outcome, score = (APPROVE, 0.0) if ruling.allowed else (DECLINE, 1.0)
        return Judgement(Verdict(outcome, score, [ruling.factor]))

    def _outcome(self, score: float, found: Sequence[JudgedRule]) -> str:
        outcomes = [rule.outcome for rule in found]
        if score >= self._decline_at or RuleOutcome.DECLINE in outcomes:
            return DECLINE
        return REVIEW if score >= self._review_at or RuleOutcome.REVIEW in outcomes else APPROVE


def _combined(prior: float, weighed: Sequence[tuple[float, JudgedRule]]) -> float:
    safe = 1.0 - prior
    for weight, _ in weighed:
        safe *= 1.0 - weight
    return round(1.0 - safe, 6)


def prior_of(content: ScenarioContent, standing: Standing | None) -> float:
    """Returns the score of somebody before any rule; `standing` is None for somebody of whom nothing is known."""
    standing = standing or UNKNOWN_STANDING
    return standing.base_risk * content.prior_share * (content.trust_share if standing.trusted else 1.0)


def _approves(found: Sequence[JudgedRule]) -> str:
    """Returns the code of the first rule that approves at once, empty if there is none or one that declines."""
    codes = sorted(rule.code for rule in found if rule.outcome is RuleOutcome.APPROVE_AT_ONCE)
    return codes[0] if codes and all(rule.outcome is not RuleOutcome.DECLINE for rule in found) else ""


def _weighed(found: Sequence[JudgedRule], trusted: bool) -> Sequence[tuple[float, JudgedRule]]:
    """Returns rules with what they weigh, the heaviest first."""
    weighed = [(rule.trusted_weight if trusted else rule.weight, rule) for rule in found]
    return sorted(weighed, key=lambda each: (-each[0], each[1].code)) if len(weighed) > 1 else weighed


def _factors(
    weighed: Sequence[tuple[float, JudgedRule]], value_of: Callable[[str], object], score: float, model: float
) -> Sequence[Factor]:
    # Rules that only raise an outcome weigh nothing, and may be alone.
    total = sum([weight for weight, _ in weighed]) + model or 1.0
    return [Factor(rule.code, rule.words.fill(value_of), round(score * weight / total, 6)) for weight, rule in weighed]


NOTHING_FIRED = Fired(())
NO_RULES_CONTENT = ScenarioContent(event_type="")
NO_RULES = Judging(NO_RULES_CONTENT)
"""Judges by the prior alone, where no scenario decides."""
