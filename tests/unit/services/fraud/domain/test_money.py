"""Amounts are exact in the smallest units of their currency."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from services.fraud.domain.money import to_minor


@pytest.mark.parametrize(
    ("amount", "digits", "minor"),
    [
        (0.0, 2, 0),
        (12.5, 2, 1250),
        (0.1, 2, 10),
        (0.07, 2, 7),
        (1.1, 1, 11),
        (10.0, 0, 10),
        (10.5, 0, None),
        (1.234, 3, 1234),
        (1.2345, 3, None),
        (0.001, 2, None),
        (1e12, 4, 10**16),
        (1e-7, 4, None),
        (999_999_999_999.99, 2, 99_999_999_999_999),
        (0.1 + 0.2, 2, 30),
        (85.64999999999999, 2, 8565),
        (85.6499999, 2, None),
        (999_999_999_999.994, 2, None),
    ],
)
def test_amount_is_exact_or_refused(amount: float, digits: int, minor: int | None) -> None:
    assert to_minor(amount, digits) == minor


def test_every_amount_that_a_caller_can_write_in_cents_is_taken_as_written() -> None:
    choice = random.Random(7)
    for _ in range(20_000):
        cents = choice.randrange(10 ** choice.randrange(1, 14))
        assert to_minor(float(Decimal(cents) / 100), 2) == cents
