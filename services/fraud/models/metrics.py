"""How good scores are: ranking, the day's review capacity, thresholds, and whether a probability is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.fraud.models.dataset import Flags, Floats, Integers
from services.fraud.models.failures import TrainingTableError
from services.fraud.models.splits import DAY_MS

__all__ = [
    "AtThreshold",
    "ReliabilityBin",
    "area_under_roc",
    "at_threshold",
    "average_precision",
    "card_precision",
    "expected_calibration_error",
    "recall_at_false_positive_rate",
    "reliability",
]

CALIBRATION_BINS = 20


class AtThreshold(NamedTuple):
    """What it means to act on scores from a threshold on."""

    threshold: float
    acted: int
    caught: int
    """Of those acted on, the frauds."""
    precision: float
    """0 if none is acted on."""
    recall: float


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Scores from `start`, up to `end` and, but for the last, without it."""

    start: float
    end: float
    count: int
    mean_score: float
    """0 if there is none."""
    observed: float
    """The share of frauds."""


class _Steps(NamedTuple):
    """Frauds and others from each different score on, falling."""

    scores: Floats
    frauds: Floats
    others: Floats


def area_under_roc(scores: Floats, labels: Flags) -> float:
    """Returns the share of pairs of a fraud and another row that the scores put in order; a tie counts half."""
    steps = _steps(scores, labels)
    recalls = np.concatenate([[0.0], steps.frauds / steps.frauds[-1]])
    false_rates = np.concatenate([[0.0], steps.others / steps.others[-1]])
    return float(np.sum(np.diff(false_rates) * (recalls[1:] + recalls[:-1]) / 2))


def average_precision(scores: Floats, labels: Flags) -> float:
    """Returns the mean precision over the frauds, taken at each different score: rows of one score enter at once."""
    steps = _steps(scores, labels)
    precisions = steps.frauds / (steps.frauds + steps.others)
    gained = np.diff(np.concatenate([[0.0], steps.frauds])) / steps.frauds[-1]
    return float(np.sum(gained * precisions))


def recall_at_false_positive_rate(scores: Floats, labels: Flags, rate: float = 0.01) -> float:
    """Returns the share of frauds caught by the lowest threshold at which no more than this share of others is hit."""
    steps = _steps(scores, labels)
    allowed = steps.others / steps.others[-1] <= rate
    return float(steps.frauds[allowed][-1] / steps.frauds[-1]) if allowed.any() else 0.0


def at_threshold(scores: Floats, labels: Flags, threshold: float) -> AtThreshold:
    """Returns what acting on every score from the threshold on would have caught."""
    acted = scores >= threshold
    caught, count, frauds = int(labels[acted].sum()), int(acted.sum()), int(labels.sum())
    return AtThreshold(threshold, count, caught, caught / count if count else 0.0, caught / frauds if frauds else 0.0)


def card_precision(
    scores: Floats, labels: Flags, times_ms: Integers, entities: NDArray[np.uint64], most: int = 100
) -> float:
    """Returns the share of compromised entities among those that there is capacity to review, as a mean of days.

    Of each day, counted from the first row's, the `most` entities with the highest scores are reviewed; one that was
    found to be compromised is not reviewed again on a later day.
    """
    if not len(scores):
        raise TrainingTableError("there is nothing to measure")
    days = (times_ms - times_ms.min() // DAY_MS * DAY_MS) // DAY_MS
    detected: set[int] = set()
    shares = []
    for day in np.unique(days):
        today = days == day
        ranked, is_bad = _by_entity(scores[today], labels[today], entities[today], detected)
        found = ranked[:most][is_bad[:most]]
        shares.append(len(found) / most)
        detected.update(found.tolist())
    return float(np.mean(shares))


def reliability(scores: Floats, labels: Flags, bins: int = CALIBRATION_BINS) -> Sequence[ReliabilityBin]:
    """Returns bins of equal width over [0, 1]: what was said in each, and what came of it."""
    places = np.clip((scores * bins).astype(np.int64), 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    said = np.bincount(places, weights=scores, minlength=bins)
    were = np.bincount(places, weights=labels.astype(float), minlength=bins)
    filled = np.maximum(counts, 1)
    return [
        ReliabilityBin(i / bins, (i + 1) / bins, int(counts[i]), float(said[i] / filled[i]), float(were[i] / filled[i]))
        for i in range(bins)
    ]


def expected_calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Returns by how much what was said and what came of it differ, as a mean over all rows."""
    rows = sum(each.count for each in bins)
    return sum(each.count * abs(each.mean_score - each.observed) for each in bins) / rows if rows else 0.0


def _steps(scores: Floats, labels: Flags) -> _Steps:
    frauds = int(labels.sum())
    if not 0 < frauds < len(labels):
        raise TrainingTableError("a ranking is measured on rows of both kinds")
    if not bool(np.isfinite(scores).all()):
        raise TrainingTableError("a score is not finite")
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    last = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
    caught = np.cumsum(labels[order].astype(float))[last]
    return _Steps(falling[last], caught, last + 1 - caught)


def _by_entity(
    scores: Floats, labels: Flags, entities: NDArray[np.uint64], detected: set[int]
) -> tuple[NDArray[np.uint64], Flags]:
    """Returns the entities that are not detected yet by their highest score, and which are compromised."""
    order = np.argsort(entities, kind="stable")
    names, starts = np.unique(entities[order], return_index=True)
    highest = np.maximum.reduceat(scores[order], starts)
    is_bad = np.maximum.reduceat(labels[order], starts)
    fresh = ~np.isin(names, np.array(sorted(detected), np.uint64))
    ranking = np.argsort(-highest[fresh], kind="stable")
    return names[fresh][ranking], is_bad[fresh][ranking]
