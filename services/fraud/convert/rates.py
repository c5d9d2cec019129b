"""Converts exchange rates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from hashlib import blake2b

from rampart.fraud.v1 import exchange_rate_pb2, fraud_service_pb2

from meshkit.currencies import DIGITS
from meshkit.errors import Violation, validation_failed
from meshkit.preconditions import Preconditions
from services.fraud.domain.rates import DatedRate
from services.fraud.errors import CURRENCY_UNKNOWN, DATE_UNKNOWN
from services.fraud.ports import Admits

__all__ = ["admits_from_proto", "etag_from_rates", "rates_from_proto", "rates_to_proto"]


def rates_from_proto(request: fraud_service_pb2.ReplaceExchangeRatesRequest) -> Sequence[DatedRate]:
    """Raises VALIDATION_FAILED for currencies that are none and days that no calendar has."""
    found: list[DatedRate] = []
    wrong: list[Violation] = []
    for place, rate in enumerate(request.rates):
        if rate.currency not in DIGITS:
            wrong.append(Violation(f"rates[{place}].currency", *CURRENCY_UNKNOWN))
        try:
            found.append(DatedRate(rate.currency, rate.usd_per_unit, date.fromisoformat(rate.since)))
        except ValueError:
            wrong.append(Violation(f"rates[{place}].since", *DATE_UNKNOWN))
    if wrong:
        raise validation_failed(*wrong)
    return found


def etag_from_rates(rates: Iterable[DatedRate]) -> str:
    """Returns the entity tag of a table, with its quotes."""
    return f'"{blake2b(repr(sorted(rates)).encode(), digest_size=16).hexdigest()}"'


def admits_from_proto(
    request: fraud_service_pb2.ReplaceExchangeRatesRequest, rates: Sequence[DatedRate]
) -> Admits | None:
    """Returns what tells which tables a request for these rates may replace, None for any.

    One that is there already may be: the first attempt of a retry has stored it (RFC 9110, section 13.1.1).
    """
    asked = Preconditions(request.preconditions.if_match, request.preconditions.if_none_match)
    etag = f'"{request.etag.strip(chr(34))}"' if request.etag else ""
    if not (etag or asked):
        return None
    wanted = etag_from_rates(rates)

    def admits(stored: Sequence[DatedRate]) -> bool:
        there = etag_from_rates(stored)
        return there == wanted or (etag in ("", there) and asked.hold(there))

    return admits


def rates_to_proto(rates: Iterable[DatedRate]) -> Sequence[exchange_rate_pb2.ExchangeRate]:
    """Returns the rates by currency, each from its first day on."""
    return [
        exchange_rate_pb2.ExchangeRate(
            currency=rate.currency, usd_per_unit=rate.usd_per_unit, since=rate.since.isoformat()
        )
        for rate in sorted(rates, key=lambda each: (each.currency, each.since))
    ]
