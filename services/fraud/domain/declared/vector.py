"""Splits the values of features for the store, where they stand without their names, and joins them again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.graph import GraphFeature

__all__ = ["FeatureValue", "SplitValues", "VectorLayout", "joined", "layout_of", "rejoined", "split"]

FeatureValue: TypeAlias = "int | float | bool | None"
"""Money in smallest units, numbers in millionths. None is missing."""
_NUMBERS = frozenset(
    {
        Aggregate.MEAN, Aggregate.STDDEV, Aggregate.FIRST_SEEN, Aggregate.LAST_SEEN, Aggregate.TRAVEL_SPEED,
        Aggregate.SHARE_FRAUD,
    }
)  # fmt: skip
_FLAGS = frozenset({Aggregate.IS_NEW, Aggregate.KNOWN_FRAUD})


class VectorLayout(NamedTuple):
    """What stands where in the values of a feature set."""

    names: tuple[str, ...]
    numbers: frozenset[int]
    """Places of values that are no whole numbers."""
    flags: frozenset[int]
    """Places of truth values."""


class SplitValues(NamedTuple):
    """Values of features by kind."""

    values: Sequence[int]
    """Whole numbers, and whether something is so as 0 or 1."""
    numbers: Sequence[float]
    missing: Sequence[int]
    """Places of features without a value."""


def layout_of(
    features: Sequence[Feature], derived: Sequence[str] = (), graph: Sequence[GraphFeature] = ()
) -> VectorLayout:
    """Returns the layout of features, of those of the graph after them, and last of derived ones, which are numbers."""
    numbers = {place for place, feature in enumerate(features) if feature.aggregate in _NUMBERS}
    numbers |= {place for place, feature in enumerate(graph, len(features)) if feature.measure.is_number}
    names = (*(each.name for each in features), *(each.name for each in graph), *derived)
    return VectorLayout(
        names=names,
        numbers=frozenset(numbers).union(range(len(names) - len(derived), len(names))),
        flags=frozenset(place for place, feature in enumerate(features) if feature.aggregate in _FLAGS),
    )


def split(layout: VectorLayout, values: Sequence[FeatureValue]) -> SplitValues:
    missing = [place for place, value in enumerate(values) if value is None] if None in values else ()
    numbers = layout.numbers
    if not numbers:
        whole = [value for value in values if value is not None]
        return SplitValues(list(map(int, whole)), (), missing)
    present = [(place in numbers, value) for place, value in enumerate(values) if value is not None]
    return SplitValues(
        [int(value) for is_number, value in present if not is_number],
        [float(value) for is_number, value in present if is_number],
        missing,
    )


def joined(
    layout: VectorLayout, values: Iterable[int], numbers: Iterable[float], missing: Iterable[int]
) -> Mapping[str, float]:
    """Returns values by name, without those that are missing."""
    found = rejoined(layout, values, numbers, missing)
    return {name: value for name, value in zip(layout.names, found, strict=True) if value is not None}


def rejoined(
    layout: VectorLayout, values: Iterable[int], numbers: Iterable[float], missing: Iterable[int]
) -> Sequence[FeatureValue]:
    """Returns values in their order, as they were split."""
    gone, rest, fractions = set(missing), iter(values), iter(numbers)
    places = range(len(layout.names))
    return [None if place in gone else _next(layout, place, rest, fractions) for place in places]


def _next(layout: VectorLayout, place: int, rest: Iterator[int], fractions: Iterator[float]) -> FeatureValue:
    if place in layout.numbers:
        return next(fractions)
    return bool(next(rest)) if place in layout.flags else next(rest)
