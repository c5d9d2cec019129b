"""Says how far what a model sees lies from what it has learned from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from math import log
from typing import NamedTuple, TypeVar

__all__ = [
    "CERTAIN",
    "DRIFTED",
    "LEAST_ROWS",
    "SCORE",
    "BinShares",
    "DayDrift",
    "DriftState",
    "InputDrift",
    "LabelledAlerts",
    "ModelDrift",
    "SeenDay",
    "drift_of",
    "newest_days",
    "scores_renamed",
    "stability_index",
    "summed_days",
]

CERTAIN = 0.95
"""From here on a score is an alert."""
SCORE = "model.score"
"""Under this name, which no feature can have, scores stand beside features."""
_ONCE = "score"
SHIFTED, DRIFTED = 0.1, 0.25
"""Indices from which on a population is commonly taken to be worth a look, and to be another one."""
LEAST_ROWS = 1_000
"""Of fewer events an index says more about chance than about them."""
LEAST_SHARE = 1e-4
"""An empty bin counts as this share: its logarithm is to be finite."""

Kept = TypeVar("Kept")
BinShares = Mapping[str, Sequence[float]]
"""By feature, and by `SCORE` for the scores: the share of each bin, the last one of what is missing."""


class DriftState(Enum):
    """What an index is taken for."""

    UNKNOWN = "unknown"
    """Too few events, or nothing to compare with."""
    STABLE = "stable"
    SHIFTED = "shifted"
    DRIFTED = "drifted"


class SeenDay(NamedTuple):
    """What a model was given and said on a day (UTC), as far as it was sampled."""

    day: date
    rows: int
    certain: int
    """Scores of `CERTAIN` and more."""
    counts: Mapping[str, Sequence[int]]
    """As `BinShares`, in events."""


@dataclass(frozen=True, slots=True)
class InputDrift:
    """How far the values of one feature, or the scores, lie from those learned from."""

    name: str
    index: float
    """Population stability index: 0 for the same shares."""
    state: DriftState
    missing: float
    """Share of the events in which it was missing."""
    usually_missing: float


@dataclass(frozen=True, slots=True)
class DayDrift:
    """A day in short."""

    day: date
    rows: int
    alert_rate: float
    score_index: float | None
    worst: InputDrift | None


@dataclass(frozen=True, slots=True)
class LabelledAlerts:
    """What became known of scores of `CERTAIN` and more."""

    labelled: int
    frauds: int

    @property
    def precision(self) -> float | None:
        return self.frauds / self.labelled if self.labelled else None


@dataclass(frozen=True, slots=True)
class ModelDrift:
    """What a version has seen in a period against what it has learned from."""

    rows: int
    alert_rate: float
    usual_alert_rate: float | None
    """Where it was measured; None for a model that was brought."""
    score: InputDrift | None
    """None without anything to compare with, as there are no inputs then."""
    inputs: Sequence[InputDrift]
    """The one that lies farthest first."""
    days: Sequence[DayDrift]
    """The newest first."""

    @property
    def drifted(self) -> Sequence[InputDrift]:
        every = ([self.score] if self.score else []) + list(self.inputs)
        return [each for each in every if each.state is DriftState.DRIFTED]


def scores_renamed(kept: Mapping[str, Kept]) -> Mapping[str, Kept]:
    """Returns what is kept by name, with scores under `SCORE`, which once were kept as if they were a feature."""
    if SCORE in kept or _ONCE not in kept:
        return kept
    return {SCORE if name == _ONCE else name: each for name, each in kept.items()}


def stability_index(shares: Sequence[float], counts: Sequence[int]) -> float:
    """Returns the population stability index of counts against shares.

    Raises ValueError for other bins, or none filled.
    """
    total = sum(counts)
    if len(counts) != len(shares) or not total:
        raise ValueError("counts of other bins, or of nothing")
    pairs = [
        (max(count / total, LEAST_SHARE), max(share, LEAST_SHARE)) for count, share in zip(counts, shares, strict=True)
    ]
    return sum((now - then) * log(now / then) for now, then in pairs)


def summed_days(days: Iterable[SeenDay]) -> Sequence[SeenDay]:
    """Adds up what several processes have seen of each day. The newest day comes first."""
    found: dict[date, SeenDay] = {}
    for each in days:
        found[each.day] = _plus(found[each.day], each) if each.day in found else each
    return sorted(found.values(), key=lambda each: each.day, reverse=True)


def newest_days(days: Sequence[SeenDay], least: int = 2) -> Sequence[SeenDay]:
    """Returns the newest days, `least` of them, so that every hour has its part, and more while events are few."""
    rows = 0
    for place, each in enumerate(days):
        if place >= least and rows >= LEAST_ROWS:
            return days[:place]
        rows += each.rows
    return days


def drift_of(reference: BinShares, seen: Sequence[SeenDay], usual_alert_rate: float | None) -> ModelDrift:
    """Returns the drift over days, each with its own. `seen` has a day once, the newest first."""
    whole = seen[0] if seen else SeenDay(date.min, 0, 0, {})
    for each in seen[1:]:
        whole = _plus(whole, each)
    every = {name: _input(name, shares, whole) for name, shares in reference.items()}
    score = every.pop(SCORE, None)
    inputs = sorted(every.values(), key=lambda each: (-each.index, each.name))
    days = [_day(reference, each) for each in seen]
    return ModelDrift(whole.rows, _rate(whole), usual_alert_rate, score, inputs, days)


def _day(reference: BinShares, seen: SeenDay) -> DayDrift:
    every = {name: _input(name, shares, seen) for name, shares in reference.items()}
    score = every.pop(SCORE, None)
    worst = max(every.values(), key=lambda each: each.index, default=None)
    return DayDrift(seen.day, seen.rows, _rate(seen), score.index if score else None, worst)


def _input(name: str, shares: Sequence[float], seen: SeenDay) -> InputDrift:
    counts = seen.counts.get(name, ())
    usually = shares[-1] if shares else 0.0
    if len(counts) != len(shares) or not sum(counts):
        return InputDrift(name, 0.0, DriftState.UNKNOWN, 0.0, usually)
    index = stability_index(shares, counts)
    return InputDrift(name, index, _state(index, sum(counts)), counts[-1] / sum(counts), usually)


def _state(index: float, rows: int) -> DriftState:
    if rows < LEAST_ROWS:
        return DriftState.UNKNOWN
    if index >= DRIFTED:
        return DriftState.DRIFTED
    return DriftState.SHIFTED if index >= SHIFTED else DriftState.STABLE


def _rate(seen: SeenDay) -> float:
    return seen.certain / seen.rows if seen.rows else 0.0


def _plus(one: SeenDay, other: SeenDay) -> SeenDay:
    counts: dict[str, Sequence[int]] = dict(one.counts)
    for name, more in other.counts.items():
        known = counts.get(name)
        # Bins are the version's own, which never changes.
        counts[name] = [a + b for a, b in zip(known, more, strict=True)] if known else more
    return SeenDay(one.day, one.rows + other.rows, one.certain + other.certain, counts)
