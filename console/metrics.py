"""Computes figures of measured times, and of decisions whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
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


def average_precision(scores: Sequence[float], fraud: Sequence[bool]) -> float:
    """Returns the area under precision over recall as a sum of steps, one for equal scores. NaN without fraud."""
    order = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
    area, hits, seen, start = 0.0, 0, 0, 0
    while start < len(order):
        end = start
        while end < len(order) and scores[order[end]] == scores[order[start]]:
            end += 1
        found = sum(1 for place in order[start:end] if fraud[place])
        hits, seen, start = hits + found, end, end
        area += found * hits / seen
    return ratio(area, sum(fraud))


def calibration_error(scores: Sequence[float], fraud: Sequence[bool], bins: int = 20) -> float:
    """Returns the expected calibration error: by how much the mean score and the share of fraud differ, over `bins` of
    equal width, each weighted by its items. NaN of none."""
    said, true = [0.0] * bins, [0] * bins
    for score, truth in zip(scores, fraud, strict=True):
        place = min(bins - 1, int(score * bins))
        said[place] += score
        true[place] += truth
    return ratio(sum(abs(one - other) for one, other in zip(said, true, strict=True)), len(scores))


@dataclass(frozen=True, slots=True)
class DayScores:
    """The scores of a day: whose event each was, and whether it was fraud."""

    entities: Sequence[str]
    scores: Sequence[float]
    fraud: Sequence[bool]


def card_precision(days: Iterable[DayScores], most: int = 100) -> float:
    """Returns which part of the `most` highest entities of a day are compromised, as a mean of the days in order.

    An entity has the highest of its scores of the day; one that was found on an earlier day is not looked at again.
    Source: Fraud Detection Handbook, chapter 4, card precision top-k.
    """
    found: set[str] = set()
    shares: list[float] = []
    for day in days:
        highest: dict[str, tuple[float, bool]] = {}
        for entity, score, truth in zip(day.entities, day.scores, day.fraud, strict=True):
            if entity not in found:
                best, is_bad = highest.get(entity, (score, False))
                highest[entity] = max(best, score), is_bad or truth
        top = sorted(highest, key=lambda entity: highest[entity][0], reverse=True)[:most]
        caught = [entity for entity in top if highest[entity][1]]
        found.update(caught)
        shares.append(len(caught) / most)
    return ratio(sum(shares), len(shares))
