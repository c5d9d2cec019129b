"""Measures what the scores of decisions were worth, in total, of each version of a model, and in groups."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.fraud.domain.quality.scores import ScoredBin, ScoredDecision, ScoreQuality, ScoreThreshold
from services.fraud.domain.quality.tally import MOST_COUNTED
from services.fraud.models.dataset import Flags, Floats, Integers
from services.fraud.models.evaluation import THRESHOLDS
from services.fraud.models.metrics import (
    area_under_roc,
    at_threshold,
    average_precision,
    card_precision,
    expected_calibration_error,
    reliability,
)
from services.fraud.models.splits import DAY_MS

__all__ = ["MOST_MODELS_MEASURED", "ScoreTable"]

MOST_MODELS_MEASURED = 20
"""Versions that are measured each for itself: those that come first."""
RULES, OTHER_MODELS = 0, MOST_MODELS_MEASURED + 1
_FRAUD, _GOOD, _UNKNOWN, _IMMATURE = range(4)


_Chosen: TypeAlias = "Flags | NDArray[np.uint32]"
"""Rows: which ones, or their places."""


class ScoreTable:
    """The scores of decisions, in 35 bytes each, and 4 for each group that one is in."""

    def __init__(self, capacity: int) -> None:
        """`capacity` is how many entities can be reviewed a day."""
        self._capacity = capacity
        self._scores = array("d")
        self._said = array("d")
        """What the models said of each."""
        self._times = array("q")
        self._entities = array("Q")
        self._truths = array("b")
        self._scorers = array("H")
        self._models: dict[str, int] = {"": RULES}
        self._groups: defaultdict[int, dict[str, array[int]]] = defaultdict(dict)
        """Places of rows by the place of a name, and value: as many as the counting tells apart."""

    def add(self, rows: Sequence[ScoredDecision]) -> None:
        for place, row in enumerate(rows, len(self._scores)):
            for name, values in enumerate(row.groups):
                for value in values:
                    self._enter(name, value, place)
        self._scores.extend([row.score for row in rows])
        self._said.extend([row.model_score for row in rows])
        self._times.extend([row.time_ms for row in rows])
        self._entities.extend([row.entity for row in rows])
        self._truths.extend([_truth(row) for row in rows])
        self._scorers.extend([self._scorer(row.model) for row in rows])

    def measure(self) -> Sequence[ScoreQuality]:
        """Returns what the scores of all decisions were worth, then what each version said by itself."""
        scorers = np.frombuffer(self._scorers, np.uint16)
        found = [self._measured("", np.ones(len(scorers), np.bool_))]
        for model, number in self._models.items():
            if number != RULES:
                found.append(self._measured(model, scorers == number))
        return found

    def measure_group(self, name: int, value: str) -> ScoreQuality:
        """Returns what the scores in a group were worth, without thresholds and bins; `name` is a place among names."""
        places = np.frombuffer(self._groups[name].get(value, array("I")), np.uint32)
        return self._measured("", places)._replace(thresholds=(), reliability=())

    def _enter(self, name: int, value: str, place: int) -> None:
        groups = self._groups[name]
        known = groups.get(value)
        if known is None:
            if len(groups) >= MOST_COUNTED:
                return
            known = groups[value] = array("I")
        known.append(place)

    def _scorer(self, model: str) -> int:
        known = self._models.get(model)
        if known is None:
            if len(self._models) > MOST_MODELS_MEASURED:
                return OTHER_MODELS
            known = self._models[model] = len(self._models)
        return known

    def _measured(self, model: str, chosen: _Chosen) -> ScoreQuality:
        are_probabilities = bool((np.frombuffer(self._scorers, np.uint16)[chosen] != RULES).all())
        truths = np.frombuffer(self._truths, np.int8)[chosen]
        of_models = np.frombuffer(self._said, np.float64)[chosen]
        scores = of_models if model else np.frombuffer(self._scores, np.float64)[chosen]
        known = truths <= _GOOD
        said, labels = scores[known], truths[known] == _FRAUD
        frauds = int(labels.sum())
        ranks = 0 < frauds < len(labels)
        bins = reliability(of_models[known], labels) if are_probabilities and len(said) else ()
        times = np.frombuffer(self._times, np.int64)[chosen]
        entities = np.frombuffer(self._entities, np.uint64)[chosen]
        precision, days, left_out = self._reviewed(scores, truths, times, entities)
        return ScoreQuality(
            model=model,
            known=len(said),
            frauds=frauds,
            auc=area_under_roc(said, labels) if ranks else None,
            average_precision=average_precision(said, labels) if ranks else None,
            calibration_error=expected_calibration_error(bins) if bins else None,
            thresholds=[ScoreThreshold(*at_threshold(said, labels, each)) for each in THRESHOLDS] if len(said) else (),
            reliability=[ScoredBin(b.start, b.end, b.count, b.mean_score, b.observed) for b in bins],
            entity_precision=precision,
            days=days,
            days_left_out=left_out,
        )

    def _reviewed(
        self, scores: Floats, truths: NDArray[np.int8], times: Integers, entities: NDArray[np.uint64]
    ) -> tuple[float | None, int, int]:
        """Returns the precision at the capacity, over how many days it is, and how many were left out."""
        days = times // DAY_MS
        waiting = np.unique(days[truths == _IMMATURE])
        settled = ~np.isin(days, waiting)
        count = len(np.unique(days[settled]))
        if not count:
            return None, 0, len(waiting)
        frauds = truths[settled] == _FRAUD
        found = card_precision(scores[settled], frauds, times[settled], entities[settled], self._capacity)
        return found, count, len(waiting)


def _truth(row: ScoredDecision) -> int:
    if row.immature:
        return _IMMATURE
    if row.truth is None:
        return _UNKNOWN
    return _FRAUD if row.truth else _GOOD
