"""What alerts and cases have in common when they are converted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rampart.cases.v1 import alert_pb2

from meshkit.masking import masked
from services.cases.domain.levels import AmountSum

__all__ = ["amounts_to_proto", "personal_to_proto"]


def amounts_to_proto(amounts: Iterable[AmountSum]) -> Sequence[alert_pb2.AlertAmount]:
    return [alert_pb2.AlertAmount(currency=each.currency, amount=each.minor / 10**each.digits) for each in amounts]


def personal_to_proto(value: str, personal: bool) -> str:
    """Returns what a caller sees of something `personal`."""
    return masked(value) if personal else value
