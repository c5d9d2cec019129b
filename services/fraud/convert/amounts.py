"""Between amounts as they are sent or told, and exact ones."""

from __future__ import annotations

from meshkit.currencies import DIGITS, LARGEST_MINOR
from meshkit.errors import Violation, validation_failed
from services.fraud import errors
from services.fraud.domain.event import Money
from services.fraud.domain.money import to_minor

__all__ = ["money_from_amount", "money_to_amount", "units_from_minor"]


def money_from_amount(amount: float, currency: str, amount_field: str, currency_field: str) -> Money | None:
    """Returns an amount, None if there is none. Raises VALIDATION_FAILED for one that its currency does not have."""
    if bool(amount) != bool(currency):
        words = "is required with an amount, and only with one"
        raise validation_failed(Violation(currency_field, "currency.amount", words))
    if not currency:
        return None
    digits = DIGITS.get(currency)
    if digits is None:
        raise validation_failed(Violation(currency_field, *errors.CURRENCY_UNKNOWN))
    minor = to_minor(amount, digits)
    if minor is None or minor > LARGEST_MINOR:
        words = f"must have at most {digits} digits after the point in {currency}, and 15 in all"
        raise validation_failed(Violation(amount_field, "currency.precision", words))
    return Money(minor, currency)


def money_to_amount(money: Money) -> float:
    """Returns an amount in units of its currency."""
    return float(money.minor / 10 ** DIGITS.get(money.currency, 0))


def units_from_minor(minor: int, currency: str) -> str:
    """Returns an amount in units of its currency, exact."""
    digits = DIGITS.get(currency, 0)
    if not digits:
        return str(minor)
    whole, rest = divmod(minor, 10**digits)
    return f"{whole}.{rest:0{digits}d}"
