"""Measures scores of test weeks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan

from console.evaluating.transactions import Transactions
from console.evaluating.weeks import Week, measured_days
from console.metrics import DayScores, auc, average_precision, calibration_error, card_precision, ratio

__all__ = ["CERTAIN", "WeekMeasures", "mean_of", "measure"]

CERTAIN = 0.95
"""Scores from here on should nearly always be fraud."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekMeasures:
    """What the scores of a week were worth. NaN where there is nothing to count."""

    transactions: int
    frauds: int
    auc: float
    average_precision: float
    card_precision: float
    calibration_error: float
    certain: int
    """Scores of 0.95 and more."""
    certain_true: float
    """Share of fraud among them."""


def measure(week: Week, transactions: Transactions, score: Callable[[int], float]) -> WeekMeasures:
    """Measures a week by the score of each transaction, given its place."""
    days = [_day(places, transactions, score) for places in measured_days(week, transactions)]
    scores = [each for day in days for each in day.scores]
    fraud = [each for day in days for each in day.fraud]
    certain = [truth for each, truth in zip(scores, fraud, strict=True) if each >= CERTAIN]
    return WeekMeasures(
        transactions=len(scores),
        frauds=sum(fraud),
        auc=auc(scores, fraud),
        average_precision=average_precision(scores, fraud),
        card_precision=card_precision(days),
        calibration_error=calibration_error(scores, fraud),
        certain=len(certain),
        certain_true=ratio(sum(certain), len(certain)),
    )


def mean_of(weeks: Sequence[WeekMeasures]) -> WeekMeasures:
    """Returns counts as sums, and the rest as the mean of the weeks; of certain scores the share over all weeks."""

    def mean(name: str) -> float:
        return ratio(sum(getattr(each, name) for each in weeks), len(weeks))

    certain = sum(each.certain for each in weeks)
    true = sum(each.certain * each.certain_true for each in weeks if each.certain)
    return WeekMeasures(
        transactions=sum(each.transactions for each in weeks),
        frauds=sum(each.frauds for each in weeks),
        auc=mean("auc"),
        average_precision=mean("average_precision"),
        card_precision=mean("card_precision"),
        calibration_error=mean("calibration_error"),
        certain=certain,
        certain_true=true / certain if certain else nan,
    )


def _day(places: Sequence[int], transactions: Transactions, score: Callable[[int], float]) -> DayScores:
    return DayScores(
        [transactions.customers[place] for place in places],
        [score(place) for place in places],
        [bool(transactions.fraud[place]) for place in places],
    )
