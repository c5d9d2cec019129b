"""Computes figures of measured times, and of decisions whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


def percentile(ordered: Sequence[float], share: float) -> float:
    """Returns the smallest value that at least `share` (0 to 1) of the values do not exceed: the nearest rank.

    The values are in ascending order; of none it is NaN.
    """
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True)
class Detection:
    """How many of the flagged are fraud, and how much of the fraud is flagged. NaN where there is nothing to count."""

    precision: float
    recall: float


def detection(flagged: Sequence[bool], fraud: Sequence[bool]) -> Detection:
    """Compares what was flagged with the truth, item by item."""
    hits = sum(1 for flag, truth in zip(flagged, fraud, strict=True) if flag and truth)
    return Detection(precision=ratio(hits, sum(flagged)), recall=ratio(hits, sum(fraud)))


def ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def auc(scores: Sequence[float], fraud: Sequence[bool]) -> float:
    """Returns the probability that a fraud scores higher than a legitimate item, ties counting one half.

    Exact: the Mann-Whitney statistic over mid-ranks. NaN if one of the two kinds is absent.
    """
    order = sorted(range(len(scores)), key=scores.__getitem__)
    positives = sum(fraud)
    negatives = len(fraud) - positives
    rank_sum = 0.0
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and scores[order[end]] == scores[order[start]]:
            end += 1
        middle = (start + 1 + end) / 2
        rank_sum += middle * sum(1 for place in order[start:end] if fraud[place])
        start = end
    return ratio(rank_sum - positives * (positives + 1) / 2, positives * negatives)
