"""Scores events by the models of the versions that judge them: one call of each model for a whole batch.

A model that is not there, is not valid any more, lacks too many of its features or fails says nothing: rules decide.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import isnan
from typing import NamedTuple, TypeAlias

from prometheus_client import Counter, Histogram

from services.fraud.domain.scenarios.facts import EventFacts, ValueReader
from services.fraud.domain.scenarios.model_inputs import number_of
from services.fraud.domain.scoring.model import ModelScore
from services.fraud.ports.scoring import ModelFailedError, Scorer

__all__ = ["MODEL", "REASONS", "ScoredEvent", "explained", "score_events"]

_log = logging.getLogger(__name__)
_unscored = Counter("model_scores_missing", "Events that a model said nothing of, by why.", ["reason"])
_scores = Histogram(
    "model_score",
    "Scores of models.",
    buckets=(0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99, 1.0),
)

MODEL = "model"
"""In `degraded` of a decision: the model of the version said nothing."""
REASONS = 3
"""Features that are told of a score."""
Row: TypeAlias = "list[float]"


class ScoredEvent(NamedTuple):
    """An event, and what scores it."""

    scorer: Scorer
    values: ValueReader
    """Of the model's features."""
    facts: EventFacts
    now: datetime


def score_events(events: Sequence[ScoredEvent]) -> Sequence[ModelScore | None]:
    """Returns the score of each event, in order; None where the model says nothing."""
    found: list[ModelScore | None] = [None] * len(events)
    groups: dict[int, list[tuple[int, Row]]] = {}
    for place, event in enumerate(events):
        row = _row(event)
        if row is not None:
            groups.setdefault(id(event.scorer), []).append((place, row))
    for group in groups.values():
        scorer = events[group[0][0]].scorer
        try:
            scores = scorer.score([row for _, row in group])
        except ModelFailedError as error:
            _failed(scorer, error, len(group))
            continue
        for (place, _), score in zip(group, scores, strict=True):
            _scores.observe(score)
            found[place] = ModelScore(scorer.ref, score)
    return found


def explained(events: Sequence[ScoredEvent], scores: Sequence[ModelScore], most: int = REASONS) -> Sequence[ModelScore]:
    """Returns scores with what did most to each. Without that, if the model fails, the score is as it was."""
    found = list(scores)
    groups: dict[int, list[int]] = {}
    for place, event in enumerate(events):
        groups.setdefault(id(event.scorer), []).append(place)
    for places in groups.values():
        scorer = events[places[0]].scorer
        try:
            told = scorer.explain([_values(events[place]) for place in places], most)
        except ModelFailedError as error:
            _failed(scorer, error, len(places))
            continue
        for place, reasons in zip(places, told, strict=True):
            found[place] = found[place]._replace(reasons=reasons)
    return found


def _row(event: ScoredEvent) -> Row | None:
    """Returns the values that the model is given; None if it is not to be asked."""
    scorer = event.scorer
    if scorer.valid_until is not None and event.now >= scorer.valid_until:
        _unscored.labels("expired").inc()
        return None
    row = _values(event)
    if scorer.most_missing < 1 and sum(map(isnan, row)) > scorer.most_missing * len(row):
        _unscored.labels("inputs").inc()
        return None
    return row


def _values(event: ScoredEvent) -> Row:
    return [number_of(value) for value in event.values(event.facts)]


def _failed(scorer: Scorer, error: ModelFailedError, count: int) -> None:
    _unscored.labels("failed").inc(count)
    fields: Mapping[str, object] = {"model": str(scorer.ref)}
    _log.error("a model failed: %s", error, extra={"fields": fields})
