"""Computes the derived features of an event, of its fields and of the features that were read."""

from __future__ import annotations

from collections.abc import Mapping

from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.vector import FeatureValue
from services.fraud.domain.event import Fields, Money
from services.fraud.domain.event_types import EventType
from services.fraud.domain.expressions.generate import Patterns
from services.fraud.domain.expressions.run import value_of
from services.fraud.domain.expressions.tree import references
from services.fraud.domain.scenarios.facts import EventFacts, value_reader

__all__ = ["Deriving"]


class Deriving:
    """Computes the derived features of one event type. Each comes after those that it is computed of."""

    def __init__(
        self, features: FeatureSet, event_type: EventType, digits: Mapping[str, int], patterns: Patterns
    ) -> None:
        """`digits` are those of each currency after the point. Raises as `value_of` does."""
        trees = {each.name: each.tree for each in features.derived if each.event_type == event_type.name}
        read = sorted({name for tree in trees.values() for name in references(tree)} - trees.keys())
        slots = {name: slot for slot, name in enumerate((*read, *trees))}
        self._digits = digits
        self._read = value_reader(read, event_type, features, digits)
        self._steps = [(features.names.index(name), value_of(tree, slots, patterns)) for name, tree in trees.items()]

    def __call__(self, values: list[FeatureValue], fields: Fields) -> None:
        """Puts the values of the derived features into their places; None for one that has no finite value."""
        currency = next((value.currency for value in fields.values() if isinstance(value, Money)), "")
        seen = [*self._read(EventFacts(fields, values, currency, self._digits.get(currency, 0)))]
        for place, compute in self._steps:
            value = compute(seen)
            seen.append(value)
            values[place] = value  # type: ignore[call-overload] # The tree is of a number.
