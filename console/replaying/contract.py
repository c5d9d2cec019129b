"""Validates requests as the platform will: by the constraints of the protos and by the currencies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from rampart.fraud.v1 import fraud_service_pb2

from meshkit.canonical import NOT_AN_ADDRESS, canonical_address
from meshkit.currencies import DIGITS, LARGEST_MINOR, NOT_A_CURRENCY
from meshkit.errors import MeshError
from meshkit.rpc.interceptors.validation import validate

__all__ = ["violations"]


def violations(request: Mapping[str, Any], event_time: datetime) -> list[tuple[str, str]]:
    """Returns the fields of a fraud check that break the contract, each with what was expected of it."""
    moment = Timestamp()
    moment.FromDatetime(event_time)
    try:
        validate(fraud_service_pb2.CheckFraudRequest(**{**request, "event_time": moment}))
    except MeshError as error:
        return [(violation.field, violation.message) for violation in error.violations]
    return [
        *_address(request.get("ip_address", "")),
        *_money(request.get("currency", ""), request["transaction_amount"]),
    ]


def _address(sent: str) -> Iterator[tuple[str, str]]:
    if sent and canonical_address(sent) is None:
        yield "ip_address", NOT_AN_ADDRESS


def _money(currency: str, amount: float) -> Iterator[tuple[str, str]]:
    """Without a currency the amount is in the tenant's, which only the platform knows."""
    if not currency:
        return
    digits = DIGITS.get(currency)
    if digits is None:
        yield "currency", NOT_A_CURRENCY
    elif amount * 10**digits > LARGEST_MINOR:
        yield "transaction_amount", f"must be at most {LARGEST_MINOR // 10**digits} in {currency}"
    elif round(Decimal(repr(amount)), digits) != Decimal(repr(amount)):
        yield "transaction_amount", f"must have at most {digits} digits after the point in {currency}"
