"""The rules: each looks at the facts of one transaction and may add to its risk, with a stable reason code.

A new rule is one more entry in `RULES`; changing any of them changes `VERSION`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["RULES", "VERSION", "Facts", "Profile", "Rule"]

VERSION = "starter-1"
_UNITS = (1.0, 0.1, 0.01, 0.001, 0.0001)


@dataclass(frozen=True, slots=True)
class Profile:
    """What the tenant knows about the user."""

    known: bool = False
    base_risk: float = 0.1
    tier: str = "standard"
    chargeback_count: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a decision is computed from. Stored with it, so that it can be computed again."""

    amount_minor: int
    currency_digits: int
    channel: str
    features: Mapping[str, int]
    profile: Profile | None
    """None if it could not be read."""

    @property
    def amount(self) -> float:
        return self.amount_minor * self._unit

    @property
    def _unit(self) -> float:
        return _UNITS[self.currency_digits]

    def money(self, feature: str) -> float:
        """A sum in units of the currency."""
        return self.features[feature] * self._unit


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition, how much it adds to the risk (0 to 1) and its words."""

    code: str
    weight: float
    applies: Callable[[Facts], bool]
    explain: Callable[[Facts], str]


def _above_usual(facts: Facts) -> bool:
    count = facts.features["user_count_24h"]
    return count >= 2 and facts.amount >= 50 and facts.amount > 4 * facts.money("user_sum_24h") / count


RULES: tuple[Rule, ...] = (
    Rule(
        "PROFILE_BLOCKED", 0.99,
        lambda facts: facts.profile is not None and facts.profile.tier == "blocked",
        lambda facts: "The user is blocked.",
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
        "AMOUNT_VERY_HIGH", 0.55,
        lambda facts: facts.amount >= 5_000,
        lambda facts: f"The amount {facts.amount:.2f} is 5000 or more.",
    ),
    Rule(
        "AMOUNT_HIGH", 0.40,
        lambda facts: 200 <= facts.amount < 5_000,
        lambda facts: f"The amount {facts.amount:.2f} is 200 or more.",
    ),
    Rule(
        "AMOUNT_ABOVE_USUAL", 0.45,
        _above_usual,
        lambda facts: f"The amount {facts.amount:.2f} is over four times the user's mean of the last 24 hours.",
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
    ),
    Rule(
        "USER_SPEND_24H", 0.30,
        lambda facts: facts.money("user_sum_24h") >= 10_000,
        lambda facts: f"The user spent {facts.money('user_sum_24h'):.2f} in the last 24 hours.",
    ),
    Rule(
        "USER_MANY_DEVICES", 0.40,
        lambda facts: facts.features["user_distinct_24h"] >= 4,
        lambda facts: f"The user was seen on {facts.features['user_distinct_24h']} devices in the last 24 hours.",
    ),
    Rule(
        "NEW_DEVICE", 0.15,
        lambda facts: facts.features["user_new_device"] == 1 and facts.features["user_count_24h"] > 0,
        lambda facts: "The user was not seen with this device before.",
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
