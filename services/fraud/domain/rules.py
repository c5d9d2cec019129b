"""The rules: each looks at the facts of one transaction and may add to its risk, with a stable reason code.

Amounts in rules are dollars; another currency is converted by the tenant's table, and where that has no rate the rules
about amounts stay silent and the decision says so (`exchange_rate` among its `degraded`). docs/scoring.md says how a
score is made. A new rule is one more entry in `RULES`; changing any of them changes `VERSION`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.fraud.domain.rates import PAR, RULE_CURRENCY, Rate, Spend

__all__ = ["APPROVE", "DECLINE", "REVIEW", "RULES", "VERSION", "Facts", "Profile", "Rule"]

VERSION = "starter-2"
APPROVE, REVIEW, DECLINE = "approve", "review", "decline"
_UNITS = (1.0, 0.1, 0.01, 0.001, 0.0001)


@dataclass(frozen=True, slots=True)
class Profile:
    """What the tenant knows about the user."""

    known: bool = False
    base_risk: float = 0.1
    tier: str = "standard"
    chargeback_count: int = 0


class Facts(NamedTuple):
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
        return self.amount_minor * _UNITS[self.currency_digits]

    @property
    def dollars(self) -> float:
        """What the amount is worth in dollars: not a number, and so below and above nothing, without a rate."""
        return self.amount_minor * _UNITS[self.currency_digits] * self.rate.usd_per_unit if self.rate else math.nan

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
        own = self.features["user_sum_24h"] * _UNITS[self.currency_digits] * rate
        return own + sum(each.dollars for each in self.elsewhere) if self.elsewhere else own

    @property
    def usual(self) -> float | None:
        """The user's mean amount of the last 24 hours in this currency, None if there were fewer than two."""
        count = self.features["user_currency_count_24h"]
        return self.features["user_sum_24h"] * _UNITS[self.currency_digits] / count if count >= 2 else None


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition, how much it adds to the risk (0 to 1) and its words."""

    code: str
    weight: float
    applies: Callable[[Facts], bool]
    explain: Callable[[Facts], str]
    habit: bool = False
    """True for what a trusted user may be in the habit of: trust halves the weight, and that of no other rule."""
    floor: str = APPROVE
    """The least outcome when it applies, whatever the score."""


def _above_usual(facts: Facts) -> bool:
    usual = facts.usual
    return usual is not None and facts.dollars >= 50 and facts.amount > 4 * usual


RULES: tuple[Rule, ...] = (
    Rule(
        "PROFILE_BLOCKED", 0.99,
        lambda facts: facts.profile is not None and facts.profile.tier == "blocked",
        lambda facts: "The user is blocked.",
        floor=DECLINE,
    ),
    Rule(
        "PROFILE_ELEVATED", 0.30,
        lambda facts: facts.profile is not None and facts.profile.tier == "elevated",
        lambda facts: "The user is watched as an elevated risk.",
    ),
    Rule(
        "CHARGEBACKS", 0.45,
        lambda facts: facts.profile is not None and facts.profile.chargeback_count > 0,
        lambda facts: f"The user has {facts.profile.chargeback_count if facts.profile else 0} recorded chargebacks.",
    ),
    Rule(
        "CHARGEBACKS_REPEATED", 0.10,
        lambda facts: facts.profile is not None and facts.profile.chargeback_count >= 3,
        lambda facts: "The user has 3 recorded chargebacks or more.",
        floor=REVIEW,
    ),
    Rule(
        "AMOUNT_VERY_HIGH", 0.55,
        lambda facts: facts.dollars >= 5_000,
        lambda facts: f"The amount {facts.told} is 5000 USD or more.",
        floor=REVIEW,
    ),
    Rule(
        "AMOUNT_HIGH", 0.40,
        lambda facts: 200 <= facts.dollars < 5_000,
        lambda facts: f"The amount {facts.told} is 200 USD or more.",
        habit=True,
    ),
    Rule(
        "AMOUNT_ABOVE_USUAL", 0.45,
        _above_usual,
        lambda facts: (
            f"The amount {facts.told} is over four times the user's mean in {facts.currency} of the last 24 hours."
        ),
        habit=True,
    ),
    Rule(
        "USER_VELOCITY_1M", 0.50,
        lambda facts: facts.features["user_count_1m"] >= 5,
        lambda facts: f"The user made {facts.features['user_count_1m']} transactions in the last minute.",
    ),
    Rule(
        "USER_VELOCITY_1H", 0.35,
        lambda facts: facts.features["user_count_1h"] >= 20,
        lambda facts: f"The user made {facts.features['user_count_1h']} transactions in the last hour.",
        habit=True,
    ),
    Rule(
        "USER_SPEND_24H", 0.30,
        lambda facts: facts.spent >= 10_000,
        lambda facts: f"The user spent {facts.spent:.2f} USD in the last 24 hours.",
        habit=True,
    ),
    Rule(
        "USER_MANY_DEVICES", 0.40,
        lambda facts: facts.features["user_distinct_24h"] >= 4,
        lambda facts: f"The user was seen on {facts.features['user_distinct_24h']} devices in the last 24 hours.",
        habit=True,
    ),
    Rule(
        "NEW_DEVICE", 0.15,
        lambda facts: facts.features["user_new_device"] == 1 and facts.features["user_count_24h"] > 0,
        lambda facts: "The user was not seen with this device before.",
        habit=True,
    ),
    Rule(
        "DEVICE_VELOCITY_1M", 0.50,
        lambda facts: facts.features["device_count_1m"] >= 10,
        lambda facts: f"The device made {facts.features['device_count_1m']} transactions in the last minute.",
    ),
    Rule(
        "DEVICE_SHARED", 0.50,
        lambda facts: facts.features["device_distinct_24h"] >= 3,
        lambda facts: f"The device was used by {facts.features['device_distinct_24h']} users in the last 24 hours.",
    ),
    Rule(
        "IP_VELOCITY_1M", 0.35,
        lambda facts: facts.features["ip_count_1m"] >= 30,
        lambda facts: f"The address made {facts.features['ip_count_1m']} transactions in the last minute.",
    ),
    Rule(
        "IP_SHARED", 0.40,
        lambda facts: facts.features["ip_distinct_1h"] >= 10,
        lambda facts: f"The address was used by {facts.features['ip_distinct_1h']} users in the last hour.",
    ),
    Rule(
        "MERCHANT_BURST", 0.20,
        lambda facts: facts.features["merchant_distinct_1m"] >= 50,
        lambda facts: f"The merchant had {facts.features['merchant_distinct_1m']} payers in the last minute.",
    ),
)  # fmt: skip
