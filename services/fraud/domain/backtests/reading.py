"""Reads values in decisions of the past, each by the features that it was made with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from services.fraud.domain.backtests.past import PastDecision, stored_values
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.scenarios.facts import EventFacts

__all__ = ["PastReader"]

Read = TypeVar("Read")


class PastReader(Generic[Read]):
    """`make` returns what reads the facts of decisions of a feature set; `sets` are those that values may be of."""

    def __init__(
        self, make: Callable[[FeatureSet], Callable[[EventFacts], Read]], sets: Mapping[str, FeatureSet]
    ) -> None:
        self._make = make
        self._sets = sets
        self._readers: dict[str, Callable[[EventFacts], Read]] = {}

    def read(self, past: PastDecision) -> Read | None:
        """Returns what is read; None of a decision whose values are of a set, or a kind, that is known no longer."""
        features = self._sets.get(past.vector.version) if past.vector is not None else None
        if features is None or past.facts is None or past.vector is None:
            return None
        reader = self._readers.get(features.version)
        if reader is None:
            reader = self._readers[features.version] = self._make(features)
        try:
            return reader(past.facts._replace(features=stored_values(past.vector, features)))
        except (ArithmeticError, LookupError, TypeError, ValueError, StopIteration):
            return None
