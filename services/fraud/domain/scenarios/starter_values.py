"""The values that the starter rules ask for besides fields and features, and all of them for the facts of a payment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.rules import Facts

__all__ = ["PREPARED", "STARTER_VARIABLES", "values_of"]

PREPARED: Mapping[str, ValueKind] = MappingProxyType(
    {
        "amount_usd": ValueKind.DOUBLE,
        "amount_text": ValueKind.STRING,
        "currency": ValueKind.STRING,
        "spent_usd_24h": ValueKind.DOUBLE,
    }
)
"""What the engine prepares for payments: the amount in dollars, missing without a rate; the amount in words; its
currency; what the user spent in 24 hours in all currencies that have a rate, in dollars."""

_COUNTS = (
    "user_count_1m",
    "user_count_1h",
    "user_count_24h",
    "user_currency_count_24h",
    "user_distinct_24h",
    "device_count_1m",
    "device_distinct_24h",
    "ip_count_1m",
    "ip_distinct_1h",
    "merchant_distinct_1m",
)

STARTER_VARIABLES: Mapping[str, ValueKind] = MappingProxyType(
    {
        **PREPARED,
        **dict.fromkeys(_COUNTS, ValueKind.INT),
        "amount": ValueKind.DOUBLE,
        "channel": ValueKind.STRING,
        "user_sum_24h": ValueKind.DOUBLE,
        "user_new_device": ValueKind.BOOL,
        "profile.tier": ValueKind.STRING,
        "profile.base_risk": ValueKind.DOUBLE,
        "profile.chargeback_count": ValueKind.INT,
        "profile.known": ValueKind.BOOL,
    }
)
"""Every name that the starter rules may use, with its kind."""

_UNITS = (1.0, 0.1, 0.01, 0.001, 0.0001)


def values_of(facts: Facts) -> Mapping[str, object]:
    """Returns the value of each of `STARTER_VARIABLES`, None for what is missing."""
    profile, features = facts.profile, facts.features
    dollars = facts.dollars
    return {
        **{name: features[name] for name in _COUNTS},
        "amount": facts.amount,
        "amount_usd": None if math.isnan(dollars) else dollars,
        "amount_text": facts.told,
        "currency": facts.currency,
        "channel": facts.channel or None,
        "spent_usd_24h": facts.spent,
        "user_sum_24h": features["user_sum_24h"] * _UNITS[facts.currency_digits],
        "user_new_device": features["user_new_device"] == 1,
        "profile.tier": profile.tier if profile else None,
        "profile.base_risk": profile.base_risk if profile else None,
        "profile.chargeback_count": profile.chargeback_count if profile else None,
        "profile.known": profile.known if profile else None,
    }
