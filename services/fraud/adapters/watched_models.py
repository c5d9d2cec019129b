"""Counts what the models that this process has loaded see, day by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

from services.fraud.domain.scoring.drift import CERTAIN, SCORE, SeenDay, scores_renamed
from services.fraud.models.dataset import Matrix
from services.fraud.models.drift import ReferenceBins, SeenValues
from services.fraud.ports.drift import SeenPart, WatchedModel

__all__ = ["ModelSight", "WatchedModels"]


class ModelSight:
    """What one loaded model has seen. It goes with the model."""

    def __init__(self, watched: WatchedModel, values: SeenValues) -> None:
        self.watched = watched
        self._values = values
        self._part = uuid4()
        self._day: date | None = None
        self._told = 0

    def add(self, values: Matrix, scores: Sequence[float]) -> None:
        self._values.add(values, scores)

    def take(self, today: date) -> SeenPart | None:
        """Returns all of the day if there is anything new.

        What is seen between midnight and the first look after it counts for the day before.
        """
        day = self._day or today
        told = self._values.told()
        new = told.rows != self._told
        self._told = told.rows
        if day != today:
            self._values.clear()
            self._told = 0
        self._day = today
        return SeenPart(self.watched, self._part, SeenDay(day, *told)) if new else None


class WatchedModels:
    """Implements `SeenWatch`."""

    def __init__(self) -> None:
        self._sights: WeakValueDictionary[UUID, ModelSight] = WeakValueDictionary()

    def sight_of(
        self, watched: WatchedModel, features: Sequence[str], reference: Mapping[str, ReferenceBins]
    ) -> ModelSight:
        """Returns what a model that was loaded just now tells what it sees."""
        sight = ModelSight(watched, SeenValues(features, SCORE, scores_renamed(reference), CERTAIN))
        self._sights[uuid4()] = sight
        return sight

    def take(self, today: date) -> Sequence[SeenPart]:
        taken = [each.take(today) for each in self._sights.values()]
        return [part for part in taken if part is not None]
