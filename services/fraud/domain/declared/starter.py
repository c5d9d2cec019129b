"""The features that every tenant has from its first day, which the starter rules ask for.

For each subject of a payment (user, device, ip, merchant) and window (1m, 1h, 24h):

    <subject>_count_<window>     payments
    <subject>_sum_<window>       their amounts in the payment's currency
    <subject>_distinct_<window>  distinct devices of a user; distinct users of a device, ip or merchant

and

    user_new_device          whether the user was not seen with this device in 30 days
    user_currency_count_24h  the user's payments in the payment's currency: those whose sum is `user_sum_24h`
    user_spent_24h           the user's amounts by currency, to be converted
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.event_types import BUILT_IN, PAYMENT

__all__ = ["BASES", "NAMES_OF_BEFORE", "NEWEST_BASE", "STARTER", "STARTER_FEATURES", "VERSIONS_OF_BEFORE"]

NEWEST_BASE = "3"
DAY_MS = 86_400_000
_WINDOWS_MS = {"1m": 60_000, "1h": 3_600_000, "24h": DAY_MS}
_SUBJECTS = {
    "user": ("user_id", "device_fingerprint"),
    "device": ("device_fingerprint", "user_id"),
    "ip": ("ip_address", "user_id"),
    "merchant": ("merchant_id", "user_id"),
}


def _feature(
    name: str,
    key: str,
    aggregate: Aggregate,
    window_ms: int,
    field: str = "",
    *,
    same_currency: bool = False,
    converted: bool = False,
) -> Feature:
    return Feature(
        name=name,
        event_type=PAYMENT.name,
        key=(key,),
        aggregate=aggregate,
        window_ms=window_ms,
        field=field,
        same_currency=same_currency,
        converted=converted,
    )


def _of_subjects() -> Iterator[Feature]:
    for subject, (key, counterpart) in _SUBJECTS.items():
        for aggregate, field in (
            (Aggregate.COUNT, ""),
            (Aggregate.SUM, "amount"),
            (Aggregate.DISTINCT, counterpart),
        ):
            for window, milliseconds in _WINDOWS_MS.items():
                yield _feature(f"{subject}_{aggregate.value}_{window}", key, aggregate, milliseconds, field)


STARTER_FEATURES: tuple[Feature, ...] = (
    *_of_subjects(),
    _feature("user_new_device", "user_id", Aggregate.IS_NEW, 30 * DAY_MS, "device_fingerprint"),
    _feature("user_currency_count_24h", "user_id", Aggregate.COUNT, DAY_MS, same_currency=True),
    _feature("user_spent_24h", "user_id", Aggregate.SUM, DAY_MS, "amount", converted=True),
)

NAMES_OF_BEFORE = tuple(feature.name for feature in STARTER_FEATURES[:38])
"""What the vectors of versions 1 and 2 held, in their order; the first had no `user_currency_count_24h`."""

VERSIONS_OF_BEFORE = frozenset({"1", "2"})

BASES: Mapping[str, tuple[Feature, ...]] = MappingProxyType({NEWEST_BASE: STARTER_FEATURES})
"""By version. The sets of tenants name theirs, so none is ever changed or goes."""

STARTER = FeatureSet(NEWEST_BASE, STARTER_FEATURES, BUILT_IN)
