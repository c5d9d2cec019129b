"""The built-in scenario of payments: what decides until a tenant makes a version of its own live."""

from __future__ import annotations

import json
from pathlib import Path

from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.scenarios.deployment import Deployment
from services.fraud.domain.scenarios.rule import RuleOutcome, ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent, VersionRef

__all__ = [
    "STARTER",
    "STARTER_FEATURES",
    "STARTER_ID",
    "STARTER_REF",
    "STARTER_TREES",
    "first_deployment",
    "starter_trees",
]

STARTER_ID = "starter"
"""No tenant's scenario may have this identifier."""
STARTER_REF = VersionRef(STARTER_ID, 2)


def first_deployment(event_type: str) -> Deployment:
    """Returns what decides events of a type before anything was deployed."""
    return Deployment(live=STARTER_REF if event_type == STARTER.event_type else None)


_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
_USER, _DEVICE, _ADDRESS, _MERCHANT = "user_id", "device_fingerprint", "ip_address", "merchant_id"


STARTER_TREES = Path(__file__).with_name("starter_trees.json")
"""The checked trees of the starter rules, so that deciding by them needs no library: `make generate` writes them."""


def starter_trees() -> tuple[str, ...]:
    """Returns the checked tree of each starter rule, serialised."""
    trees = json.loads(STARTER_TREES.read_text(encoding="utf-8"))
    return tuple(json.dumps(tree, separators=(",", ":")) for tree in trees)


def _count(name: str, key: str, window_ms: int, *, same_currency: bool = False) -> Feature:
    return Feature(
        name=name, event_type="payment", key=(key,), aggregate=Aggregate.COUNT, window_ms=window_ms,
        same_currency=same_currency,
    )  # fmt: skip


def _of(name: str, aggregate: Aggregate, key: str, field: str, window_ms: int) -> Feature:
    return Feature(
        name=name, event_type="payment", key=(key,), aggregate=aggregate, field=field, window_ms=window_ms
    )  # fmt: skip


STARTER_FEATURES = (
    _count("user_count_1m", _USER, _MINUTE),
    _count("user_count_1h", _USER, _HOUR),
    _count("user_count_24h", _USER, _DAY),
    _count("user_currency_count_24h", _USER, _DAY, same_currency=True),
    _of("user_sum_24h", Aggregate.SUM, _USER, "amount", _DAY),
    _of("user_distinct_24h", Aggregate.DISTINCT, _USER, _DEVICE, _DAY),
    _of("user_new_device", Aggregate.IS_NEW, _USER, _DEVICE, 30 * _DAY),
    _count("device_count_1m", _DEVICE, _MINUTE),
    _of("device_distinct_24h", Aggregate.DISTINCT, _DEVICE, _USER, _DAY),
    _count("ip_count_1m", _ADDRESS, _MINUTE),
    _of("ip_distinct_1h", Aggregate.DISTINCT, _ADDRESS, _USER, _HOUR),
    _of("merchant_distinct_1m", Aggregate.DISTINCT, _MERCHANT, _USER, _MINUTE),
)
"""What the starter rules count."""


def _rule(
    code: str,
    contribution: float,
    expression: str,
    words: str,
    *,
    habit: bool = False,
    outcome: RuleOutcome = RuleOutcome.NONE,
) -> ScenarioRule:
    return ScenarioRule(
        rule_id=code.lower().replace("_", "-"),
        code=code,
        words=words,
        expression=expression,
        contribution=contribution,
        outcome=outcome,
        habit=habit,
    )


STARTER = ScenarioContent(
    event_type="payment",
    description="Blocked and risky users, high amounts, bursts, shared devices and addresses.",
    rules=(
        _rule(
            "PROFILE_BLOCKED", 0.99, 'profile.tier == "blocked"', "The user is blocked.", outcome=RuleOutcome.DECLINE
        ),
        _rule(
            "PROFILE_ELEVATED", 0.30, 'profile.tier == "elevated"', "The user is watched as an elevated risk."
        ),
        _rule(
            "CHARGEBACKS", 0.45, "profile.chargeback_count > 0",
            "The user has {profile.chargeback_count} recorded chargebacks.",
        ),
        _rule(
            "CHARGEBACKS_REPEATED", 0.10, "profile.chargeback_count >= 3",
            "The user has 3 recorded chargebacks or more.", outcome=RuleOutcome.REVIEW,
        ),
        _rule(
            "AMOUNT_VERY_HIGH", 0.55, "amount_usd >= 5000.0",
            "The amount {amount_text} is 5000 USD or more.", outcome=RuleOutcome.REVIEW,
        ),
        _rule(
            "AMOUNT_HIGH", 0.40, "amount_usd >= 200.0 && amount_usd < 5000.0",
            "The amount {amount_text} is 200 USD or more.", habit=True,
        ),
        _rule(
            "AMOUNT_ABOVE_USUAL", 0.45,
            "user_currency_count_24h >= 2 && amount_usd >= 50.0"
            " && amount > 4.0 * (user_sum_24h / double(user_currency_count_24h))",
            "The amount {amount_text} is over four times the user's mean in {currency} of the last 24 hours.",
            habit=True,
        ),
        _rule(
            "USER_VELOCITY_1M", 0.50, "user_count_1m >= 5",
            "The user made {user_count_1m} transactions in the last minute.",
        ),
        _rule(
            "USER_VELOCITY_1H", 0.35, "user_count_1h >= 20",
            "The user made {user_count_1h} transactions in the last hour.", habit=True,
        ),
        _rule(
            "USER_SPEND_24H", 0.30, "spent_usd_24h >= 10000.0",
            "The user spent {spent_usd_24h:.2f} USD in the last 24 hours.", habit=True,
        ),
        _rule(
            "USER_MANY_DEVICES", 0.40, "user_distinct_24h >= 4",
            "The user was seen on {user_distinct_24h} devices in the last 24 hours.", habit=True,
        ),
        _rule(
            "NEW_DEVICE", 0.15, "user_new_device && user_count_24h > 0",
            "The user was not seen with this device before.", habit=True,
        ),
        _rule(
            "DEVICE_VELOCITY_1M", 0.50, "device_count_1m >= 10",
            "The device made {device_count_1m} transactions in the last minute.",
        ),
        _rule(
            "DEVICE_SHARED", 0.50, "device_distinct_24h >= 3",
            "The device was used by {device_distinct_24h} users in the last 24 hours.",
        ),
        _rule(
            "IP_VELOCITY_1M", 0.35, "ip_count_1m >= 30",
            "The address made {ip_count_1m} transactions in the last minute.",
        ),
        _rule(
            "IP_SHARED", 0.40, "ip_distinct_1h >= 10",
            "The address was used by {ip_distinct_1h} users in the last hour.",
        ),
        _rule(
            "MERCHANT_BURST", 0.20, "merchant_distinct_1m >= 50",
            "The merchant had {merchant_distinct_1m} payers in the last minute.",
        ),
    ),
)  # fmt: skip
"""Answers as the rules of `domain/rules.py` do."""
