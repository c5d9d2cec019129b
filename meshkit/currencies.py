"""Knows the currencies of ISO 4217: the codes in force that have minor units, from the dated table `iso4217.csv`.

Codes without minor units (XXX "no currency", XTS for tests, metals, units of account) measure no payment, and codes
that nobody assigned mean nothing: an amount in one of them cannot be told in smallest units. The canonical form of a
code is its only form, three capital letters: ISO 4217 knows no other spelling.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["DIGITS", "LARGEST_MINOR", "NOT_A_CURRENCY"]

_TABLE = Path(__file__).with_name("iso4217.csv")
NOT_A_CURRENCY = "must be a currency in force of ISO 4217 that has minor units, in capital letters, for example USD"

LARGEST_MINOR = 10**15
"""Most smallest units of one amount: a double tells every decimal of 15 digits from every other (IEEE 754, DBL_DIG)."""


def _read(text: str) -> Mapping[str, int]:
    rows = [line.split(",") for line in text.splitlines() if line and not line.startswith("#")]
    return {code: int(digits) for code, digits in rows[1:]}


DIGITS: Mapping[str, int] = _read(_TABLE.read_text())
"""Digits after the decimal point, by code."""
