"""Splits a file of transactions into weeks to test on, by the protocol of the Fraud Detection Handbook.

A model is trained on what happened up to a week before a test week: within that week fraud becomes known. Source: Fraud
Detection Handbook, chapters 3 and 5 (prequential validation).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from console.evaluating.transactions import Transactions

__all__ = ["DELAY_DAYS", "TEST_DAYS", "Week", "last_weeks", "measured_days"]

TEST_DAYS = 7
DELAY_DAYS = 7
"""After so many days fraud is known."""
COMPROMISED_DAYS = 7
"""Of the days before the delay: whose card is known from then is not tested."""


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days, from the first on."""

    start: date

    @property
    def end(self) -> date:
        """The day after the last."""
        return self.start + timedelta(days=TEST_DAYS)

    @property
    def days(self) -> Sequence[date]:
        return [self.start + timedelta(days=day) for day in range(TEST_DAYS)]

    def __str__(self) -> str:
        return self.start.isoformat()


def last_weeks(first: date, last: date, count: int) -> Sequence[Week]:
    """Returns at most `count` whole weeks, in order, that end with the last day."""
    whole = ((last - first).days + 1) // TEST_DAYS
    return [Week(last + timedelta(days=1 - TEST_DAYS * back)) for back in range(min(count, whole), 0, -1)]


def measured_days(week: Week, transactions: Transactions) -> Iterator[Sequence[int]]:
    """Yields the places of the transactions of each day of a week, without customers known as compromised by then."""
    trained = week.start - timedelta(days=DELAY_DAYS)
    known: set[str] = set()
    for back in range(1, COMPROMISED_DAYS + 1):
        known |= transactions.compromised(trained - timedelta(days=back))
    for day in week.days:
        known |= transactions.compromised(day - timedelta(days=DELAY_DAYS + 1))
        yield [place for place in transactions.of(day) if transactions.customers[place] not in known]
