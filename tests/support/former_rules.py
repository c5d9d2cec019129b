"""The starter rules as they were before they became a scenario, to hold its answers against."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.fraud.domain.profile import Profile
from services.fraud.domain.rates import PAR, RULE_CURRENCY, Rate, Spend
from services.fraud.domain.verdict import APPROVE, DECLINE, REVIEW, Factor, Verdict

__all__ = ["FormerFacts", "FormerRule", "judge_as_before"]

REVIEW_AT = 0.5
DECLINE_AT = 0.8
PRIOR_SHARE = 0.5
TRUSTED_SHARE = 0.5
DEFAULT_PRIOR = 0.1


class FormerFacts(NamedTuple):
    """Everything that a decision is computed from. Stored with it, so that it can be computed again."""

    amount_minor: int
    currency_digits: int
    channel: str
    features: Mapping[str, float]
    profile: Profile | None
    """None if it could not be read."""
    currency: str = RULE_CURRENCY
    rate: Rate | None = PAR
    """None if the tenant has given none that holds: no rule can then say what an amount is worth."""
    elsewhere: Sequence[Spend] = ()
    """What the user spent in the last 24 hours in other currencies."""

    @property
    def amount(self) -> float:
        """The amount in units of the currency."""
        found: float = self.amount_minor / 10**self.currency_digits
        return found

    @property
    def dollars(self) -> float:
        """What the amount is worth in dollars: not a number, and so below and above nothing, without a rate."""
        return self.amount * self.rate.usd_per_unit if self.rate else math.nan

    @property
    def told(self) -> str:
        """The amount in words, with its worth and the day of the rate if it is not in dollars."""
        own = f"{self.amount:.{self.currency_digits}f} {self.currency}"
        if self.rate is None or self.currency == RULE_CURRENCY:
            return own
        return f"{own}, {self.dollars:.2f} {RULE_CURRENCY} at the rate of {self.rate.since},"

    @property
    def spent(self) -> float:
        """What the user spent in the last 24 hours, in dollars, as far as there are rates; in all currencies."""
        rate = self.rate.usd_per_unit if self.rate else 0.0
        own: float = self.features["user_sum_24h"] / 10**self.currency_digits * rate
        return own + sum(each.dollars for each in self.elsewhere) if self.elsewhere else own

    @property
    def usual(self) -> float | None:
        """The user's mean amount of the last 24 hours in this currency, None if there were fewer than two."""
        count = self.features["user_currency_count_24h"]
        return self.features["user_sum_24h"] / 10**self.currency_digits / count if count >= 2 else None


@dataclass(frozen=True, slots=True)
class FormerRule:
    """A condition, how much it adds to the risk (0 to 1) and its words."""

    code: str
    weight: float
    applies: Callable[[FormerFacts], bool]
    explain: Callable[[FormerFacts], str]
    habit: bool = False
    """True for what a trusted user may be in the habit of: trust halves the weight, and that of no other rule."""
    floor: str = APPROVE
    """The least outcome when it applies, whatever the score."""


def _above_usual(facts: FormerFacts) -> bool:
    usual = facts.usual
    return usual is not None and facts.dollars >= 50 and facts.amount > 4 * usual


RULES: tuple[FormerRule, ...] = (
    FormerRule(
        "PROFILE_BLOCKED", 0.99,
        lambda facts: facts.profile is not None and facts.profile.tier == "blocked",
        lambda facts: "The user is blocked.",
        floor=DECLINE,
    ),
    FormerRule(
        "PROFILE_ELEVATED", 0.30,
        lambda facts: facts.profile is not None and facts.profile.tier == "elevated",
        lambda facts: "The user is watched as an elevated risk.",
    ),
    FormerRule(
        "CHARGEBACKS", 0.45,
        lambda facts: facts.profile is not None and facts.profile.chargeback_count > 0,
        lambda facts: f"The user has {facts.profile.chargeback_count if facts.profile else 0} recorded chargebacks.",
    ),
    FormerRule(
        "CHARGEBACKS_REPEATED", 0.10,
        lambda facts: facts.profile is not None and facts.profile.chargeback_count >= 3,
        lambda facts: "The user has 3 recorded chargebacks or more.",
        floor=REVIEW,
    ),
    FormerRule(
        "AMOUNT_VERY_HIGH", 0.55,
        lambda facts: facts.dollars >= 5_000,
        lambda facts: f"The amount {facts.told} is 5000 USD or more.",
        floor=REVIEW,
    ),
    FormerRule(
        "AMOUNT_HIGH", 0.40,
        lambda facts: 200 <= facts.dollars < 5_000,
        lambda facts: f"The amount {facts.told} is 200 USD or more.",
        habit=True,
    ),
    FormerRule(
        "AMOUNT_ABOVE_USUAL", 0.45,
        _above_usual,
        lambda facts: (
            f"The amount {facts.told} is over four times the user's mean in {facts.currency} of the last 24 hours."
        ),
        habit=True,
    ),
    FormerRule(
        "USER_VELOCITY_1M", 0.50,
        lambda facts: facts.features["user_count_1m"] >= 5,
        lambda facts: f"The user made {facts.features['user_count_1m']} transactions in the last minute.",
    ),
    FormerRule(
        "USER_VELOCITY_1H", 0.35,
        lambda facts: facts.features["user_count_1h"] >= 20,
        lambda facts: f"The user made {facts.features['user_count_1h']} transactions in the last hour.",
        habit=True,
    ),
    FormerRule(
        "USER_SPEND_24H", 0.30,
        lambda facts: facts.spent >= 10_000,
        lambda facts: f"The user spent {facts.spent:.2f} USD in the last 24 hours.",
        habit=True,
    ),
    FormerRule(
        "USER_MANY_DEVICES", 0.40,
        lambda facts: facts.features["user_distinct_24h"] >= 4,
        lambda facts: f"The user was seen on {facts.features['user_distinct_24h']} devices in the last 24 hours.",
        habit=True,
    ),
    FormerRule(
        "NEW_DEVICE", 0.15,
        lambda facts: facts.features["user_new_device"] == 1 and facts.features["user_count_24h"] > 0,
        lambda facts: "The user was not seen with this device before.",
        habit=True,
    ),
    FormerRule(
        "DEVICE_VELOCITY_1M", 0.50,
        lambda facts: facts.features["device_count_1m"] >= 10,
        lambda facts: f"The device made {facts.features['device_count_1m']} transactions in the last minute.",
    ),
    FormerRule(
        "DEVICE_SHARED", 0.50,
        lambda facts: facts.features["device_distinct_24h"] >= 3,
        lambda facts: f"The device was used by {facts.features['device_distinct_24h']} users in the last 24 hours.",
    ),
    FormerRule(
        "IP_VELOCITY_1M", 0.35,
        lambda facts: facts.features["ip_count_1m"] >= 30,
        lambda facts: f"The address made {facts.features['ip_count_1m']} transactions in the last minute.",
    ),
    FormerRule(
        "IP_SHARED", 0.40,
        lambda facts: facts.features["ip_distinct_1h"] >= 10,
        lambda facts: f"The address was used by {facts.features['ip_distinct_1h']} users in the last hour.",
    ),
    FormerRule(
        "MERCHANT_BURST", 0.20,
        lambda facts: facts.features["merchant_distinct_1m"] >= 50,
        lambda facts: f"The merchant had {facts.features['merchant_distinct_1m']} payers in the last minute.",
    ),
)  # fmt: skip


def judge_as_before(facts: FormerFacts, review_floor: bool = False, rules: Collection[FormerRule] = RULES) -> Verdict:
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


def _weighed(fired: Sequence[FormerRule], trust: float) -> Sequence[tuple[float, FormerRule]]:
    """Returns rules with what they weigh, the heaviest first."""
    weighed = [(rule.weight * trust if rule.habit else rule.weight, rule) for rule in fired]
    return sorted(weighed, key=lambda each: (-each[0], each[1].code)) if len(weighed) > 1 else weighed


def _outcome(score: float, floors: Collection[str], review_floor: bool) -> str:
    if score >= DECLINE_AT or DECLINE in floors:
        return DECLINE
    return REVIEW if score >= REVIEW_AT or review_floor or REVIEW in floors else APPROVE


def _factors(fired: Sequence[tuple[float, FormerRule]], facts: FormerFacts, score: float) -> Sequence[Factor]:
    total = sum(weight for weight, _ in fired)
    return [Factor(rule.code, rule.explain(facts), round(score * weight / total, 6)) for weight, rule in fired]
