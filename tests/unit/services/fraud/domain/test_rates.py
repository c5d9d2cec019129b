"""Exchange rates are dated, and dollars need none."""

from __future__ import annotations

from datetime import date

import pytest

from services.fraud.domain.rates import PAR, DatedRate, Rate, RateTable, Spend

TABLE = RateTable(
    [
        DatedRate("EUR", 1.2, date(2026, 6, 1)),
        DatedRate("EUR", 1.1, date(2026, 1, 1)),
        DatedRate("JPY", 0.0066, date(2026, 1, 1)),
    ]
)


@pytest.mark.parametrize(
    ("currency", "day", "rate"),
    [
        ("EUR", date(2025, 12, 31), None),
        ("EUR", date(2026, 1, 1), Rate(1.1, "2026-01-01")),
        ("EUR", date(2026, 5, 31), Rate(1.1, "2026-01-01")),
        ("EUR", date(2026, 6, 1), Rate(1.2, "2026-06-01")),
        ("EUR", date(2099, 1, 1), Rate(1.2, "2026-06-01")),
        ("KWD", date(2026, 6, 1), None),
        ("USD", date(2000, 1, 1), PAR),
    ],
)
def test_rate_holds_from_its_day_until_a_later_one(currency: str, day: date, rate: Rate | None) -> None:
    assert TABLE.at(currency, day) == rate


def test_sum_without_a_rate_is_worth_nothing_to_a_rule() -> None:
    assert Spend("KWD", 1_500, 3, Rate(3.0, "2026-01-01")).dollars == pytest.approx(4.5)
    assert Spend("KWD", 1_500, 3, None).dollars == 0
