"""Computes the derived features of an event, of its fields and of the features that were read."""

from __future__ import annotations

from collections.abc import Mapping

from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.vector import FeatureValue
from services.fraud.domain.event import Fields
from services.fraud.domain.event_types import EventType
from services.fraud.domain.expressions.generate import Patterns
from services.fraud.domain.expressions.run import value_of
from services.fraud.domain.expressions.tree import Tree, references
from services.fraud.domain.scenarios.facts import EventFacts, value_reader

__all__ = ["Deriving"]


class Deriving:
    """Computes the derived features of one event type. Each comes after those that it is computed of."""

    def __init__(
        self,
        trees: Mapping[str, Tree],
        event_type: EventType,
        features: FeatureSet,
        digits: Mapping[str, int],
        patterns: Patterns,
    ) -> None:
        """`trees` are by the names of the features. Raises as `value_of` does."""
        read = sorted({name for tree in trees.values() for name in references(tree)} - trees.keys())
        slots = {name: slot for slot, name in enumerate((*read, *trees))}
        self._read = value_reader(read, event_type, features, digits)
        self._steps = [(features.names.index(name), value_of(tree, slots, patterns)) for name, tree in trees.items()]

    def __call__(self, values: list[FeatureValue], fields: Fields, currency: str, digits: int) -> None:
        """Puts the values of the derived features into their places; None for one that has no finite value."""
        seen = [*self._read(EventFacts(fields, values, currency, digits))]
        for place, compute in self._steps:
            value = compute(seen)
            seen.append(value)
            values[place] = value  # type: ignore[call-overload] # The tree is of a number.
