"""Splits the values of features for the store, where they stand without their names, and joins them again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from services.fraud.domain.declared.feature import Aggregate, Feature

__all__ = ["FeatureValue", "SplitValues", "joined", "number_places", "rejoined", "split"]

FeatureValue: TypeAlias = "int | float | bool | None"
"""Money in smallest units, numbers in millionths. None is missing."""
_NUMBERS = frozenset({Aggregate.MEAN, Aggregate.STDDEV, Aggregate.FIRST_SEEN, Aggregate.LAST_SEEN})


class SplitValues(NamedTuple):
    """Values of features by kind."""

    values: Sequence[int]
    """Whole numbers, and whether something is so as 0 or 1."""
    numbers: Sequence[float]
    missing: Sequence[int]
    """Places of features without a value."""


def number_places(features: Sequence[Feature]) -> frozenset[int]:
    """Returns the places of features that are no whole numbers."""
    return frozenset(place for place, feature in enumerate(features) if feature.aggregate in _NUMBERS)


def split(numbers: Collection[int], values: Sequence[FeatureValue]) -> SplitValues:
    """Splits values, of which those at `numbers` are no whole numbers."""
    missing = [place for place, value in enumerate(values) if value is None] if None in values else ()
    if not numbers:
        return SplitValues([int(value) for value in values if value is not None], (), missing)
    present = [(place in numbers, value) for place, value in enumerate(values) if value is not None]
    return SplitValues(
        [int(value) for is_number, value in present if not is_number],
        [float(value) for is_number, value in present if is_number],
        missing,
    )


def joined(
    features: Sequence[Feature], values: Iterable[int], numbers: Iterable[float], missing: Iterable[int]
) -> Mapping[str, float]:
    """Returns values by name, without those that are missing."""
    gone, rest, fractions = set(missing), iter(values), iter(numbers)
    found: dict[str, float] = {}
    for place, feature in enumerate(features):
        if place not in gone:
            found[feature.name] = next(fractions if feature.aggregate in _NUMBERS else rest)
    return found


def rejoined(
    features: Sequence[Feature], values: Iterable[int], numbers: Iterable[float], missing: Iterable[int]
) -> Sequence[FeatureValue]:
    """Returns values in the order of the features, as they were split."""
    gone, rest, fractions = set(missing), iter(values), iter(numbers)
    return [
        None if place in gone else _restored(feature, fractions if feature.aggregate in _NUMBERS else rest)
        for place, feature in enumerate(features)
    ]


def _restored(feature: Feature, rest: Iterator[float]) -> FeatureValue:
    value = next(rest)
    return bool(value) if feature.aggregate is Aggregate.IS_NEW else value
