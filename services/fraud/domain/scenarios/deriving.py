"""Computes the derived features of an event, of its fields and of the features that were read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.vector import FeatureValue
from services.fraud.domain.event import Fields
from services.fraud.domain.event_types import EventType
from services.fraud.domain.expressions.generate import Patterns
from services.fraud.domain.expressions.run import value_of
from services.fraud.domain.expressions.tree import Tree, references
from services.fraud.domain.scenarios.facts import EventFacts, ValueReader, value_reader

__all__ = ["Deriving"]


class _Step(NamedTuple):
    place: int
    read: ValueReader
    compute: Callable[[Sequence[object]], object]


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
        self._steps = [
            _step(features.names.index(name), tree, event_type, features, digits, patterns)
            for name, tree in trees.items()
        ]

    def __call__(self, values: list[FeatureValue], fields: Fields, currency: str, digits: int) -> None:
        """Puts the values of the derived features into their places; None for one that has no finite value."""
        facts = EventFacts(fields, values, currency, digits)
        for place, read, compute in self._steps:
            values[place] = compute(read(facts))  # type: ignore[call-overload] # The tree is of a number.


def _step(
    place: int,
    tree: Tree,
    event_type: EventType,
    features: FeatureSet,
    digits: Mapping[str, int],
    patterns: Patterns,
) -> _Step:
    names = sorted(references(tree))
    slots = {name: slot for slot, name in enumerate(names)}
    return _Step(place, value_reader(names, event_type, features, digits), value_of(tree, slots, patterns))
