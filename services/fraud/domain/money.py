"""Converts amounts exactly: a double on the wire, a whole number of the currency's smallest units inside (ISO 4217)."""

from __future__ import annotations

import math

__all__ = ["digits_of", "to_minor"]

ARITHMETIC_ULPS = 4
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_FOUR = "CLF UYW"
_DIGITS = {code: digits for codes, digits in ((_NONE, 0), (_THREE, 3), (_FOUR, 4)) for code in codes.split()}


def digits_of(currency: str) -> int:
    """Returns the digits after the decimal point of a currency."""
    return _DIGITS.get(currency, 2)


def to_minor(amount: float, digits: int) -> int | None:
    """Returns the amount in smallest units, None if it has more digits than the currency.

    A double that arithmetic has moved by a few units in its last place (85.64999999999999) is the decimal beside it.
    """
    minor = round(amount * 10**digits)
    return minor if abs(minor / 10**digits - amount) <= ARITHMETIC_ULPS * math.ulp(amount) else None
