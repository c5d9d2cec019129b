"""The values that the starter rules ask for, made of the facts of a payment."""

from __future__ import annotations

import math
from collections.abc import Mapping

from services.fraud.domain.rules import Facts

__all__ = ["values_of"]

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
_UNITS = (1.0, 0.1, 0.01, 0.001, 0.0001)


def values_of(facts: Facts) -> Mapping[str, object]:
    """Returns the value of each name that the starter scenario uses, None for what is missing."""
    profile, features = facts.profile, facts.features
    dollars = facts.dollars
    return {
        **{name: features[name] for name in _COUNTS},
        "amount": facts.amount,
        "amount_usd": None if math.isnan(dollars) else dollars,
        "amount_text": facts.told,
        "currency": facts.currency,
        "spent_usd_24h": facts.spent,
        "user_sum_24h": features["user_sum_24h"] * _UNITS[facts.currency_digits],
        "user_new_device": features["user_new_device"] == 1,
        "profile.tier": profile.tier if profile else None,
        "profile.chargeback_count": profile.chargeback_count if profile else None,
    }
