"""What scores were worth: how they ranked, whether probabilities came true, what a day's reviews would have found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import nan
from typing import NamedTuple

__all__ = ["ScoreQuality", "ScoreThreshold", "ScoredBin", "ScoredDecision"]


class ScoredDecision(NamedTuple):
    """A decision as scores are measured on it."""

    score: float
    """Of the decision: what rules have added to the model's is in it."""
    time_ms: int
    """Of the event, since 1970."""
    entity: int
    """64-bit hash of whose event it was."""
    model: str
    """The version that scored, as name@number; empty for the rules."""
    truth: bool | None
    """Whether it counts as fraud or as legitimate; None as neither."""
    immature: bool
    """True if something may still become known."""
    groups: Sequence[Collection[str]]
    """Of each name by which is grouped: the groups that it is in."""
    model_score: float = nan
    """What the version said; not a number where rules scored."""


class ScoreThreshold(NamedTuple):
    """What it would have meant to act on scores from a threshold on. Shares are 0 if there is nothing to divide by."""

    threshold: float
    acted: int
    caught: int
    precision: float
    recall: float


class ScoredBin(NamedTuple):
    """Scores from `start` up to `end`, and what came of them."""

    start: float
    end: float
    rows: int
    mean_score: float
    observed: float


class ScoreQuality(NamedTuple):
    """What the scores of some decisions were worth. What cannot be measured is None."""

    model: str
    """The version whose own scores these are, as name@number; empty for those of decisions, whoever scored them."""
    known: int
    """Decisions of which it is known what they were: what follows is measured on them, but for entities."""
    frauds: int
    auc: float | None
    average_precision: float | None
    calibration_error: float | None
    """Of what models said. None where rules scored: theirs are no probabilities."""
    thresholds: Sequence[ScoreThreshold]
    reliability: Sequence[ScoredBin]
    entity_precision: float | None
    """Share of compromised entities among those reviewed, as a mean of days of which everything is known."""
    days: int
    days_left_out: int
    """Of which something may still become known."""
