"""Currencies are those in force of ISO 4217 that have minor units."""

from __future__ import annotations

import re

import pytest

from meshkit.currencies import DIGITS


@pytest.mark.parametrize(
    ("code", "digits"),
    [("USD", 2), ("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("XOF", 0), ("XCG", 2), ("SLE", 2), ("ZWG", 2)],
)
def test_currency_has_its_minor_units(code: str, digits: int) -> None:
    assert DIGITS[code] == digits


@pytest.mark.parametrize(
    "code", ["ZZZ", "XXX", "XTS", "XAU", "XDR", "DEM", "HRK", "BGN", "ANG", "usd", "US", "", "ＵＳＤ"]
)
def test_code_is_no_currency_if_nobody_assigned_it_if_it_was_withdrawn_or_if_it_has_no_minor_units(code: str) -> None:
    assert code not in DIGITS


def test_table_is_whole() -> None:
    assert len(DIGITS) == 165
    assert all(re.fullmatch(r"[A-Z]{3}", code) and 0 <= digits <= 4 for code, digits in DIGITS.items())
