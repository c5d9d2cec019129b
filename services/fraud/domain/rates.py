"""Exchange rates, of which each tenant gives its own table: what amounts are worth to rules, whose own are dollars."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

__all__ = ["PAR", "RULE_CURRENCY", "DatedRate", "Rate", "RateTable", "Spend"]

RULE_CURRENCY = "USD"
"""The currency in which the rules state amounts (ISO 4217)."""


class Rate(NamedTuple):
    """What one unit of a currency is worth."""

    usd_per_unit: float
    since: str
    """The day from which it holds, YYYY-MM-DD. Empty for dollars, which need no rate."""


PAR = Rate(1.0, "")


class DatedRate(NamedTuple):
    """An entry of a tenant's table."""

    currency: str
    usd_per_unit: float
    since: date


@dataclass(frozen=True, slots=True)
class Spend:
    """A sum in one currency, and the rate at which rules see it."""

    currency: str
    amount_minor: int
    digits: int
    rate: Rate | None
    """None if the tenant has given none that holds."""

    @property
    def dollars(self) -> float:
        """0 where no rate is known."""
        return self.amount_minor / 10**self.digits * self.rate.usd_per_unit if self.rate else 0.0


class RateTable:
    """The rates of one tenant. Each holds from its day until a later one of its currency."""

    __slots__ = ("_rates",)

    def __init__(self, entries: Iterable[DatedRate] = ()) -> None:
        self._rates: dict[str, list[tuple[date, float]]] = {}
        for entry in sorted(entries, key=lambda each: each.since):
            self._rates.setdefault(entry.currency, []).append((entry.since, entry.usd_per_unit))

    def at(self, currency: str, day: date) -> Rate | None:
        """Returns the rate that held on a day, None if the table says nothing about it."""
        if currency == RULE_CURRENCY:
            return PAR
        known = self._rates.get(currency, ())
        place = bisect_right(known, day, key=lambda each: each[0])
        return Rate(known[place - 1][1], known[place - 1][0].isoformat()) if place else None
