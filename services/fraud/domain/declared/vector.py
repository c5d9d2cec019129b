"""Splits the values of features for the store, where they stand without their names, and joins them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from services.fraud.domain.check import FeatureValue
from services.fraud.domain.declared.feature import Aggregate, Feature

__all__ = ["SplitValues", "joined", "split"]

_NUMBERS = frozenset({Aggregate.MEAN, Aggregate.STDDEV, Aggregate.FIRST_SEEN, Aggregate.LAST_SEEN})


class SplitValues(NamedTuple):
    """Values of features by kind."""

    values: Sequence[int]
    """Whole numbers, and whether something is so as 0 or 1."""
    numbers: Sequence[float]
    missing: Sequence[int]
    """Places of features without a value."""


def split(features: Sequence[Feature], values: Sequence[FeatureValue]) -> SplitValues:
    """Splits values that stand in the order of the features."""
    whole: list[int] = []
    numbers: list[float] = []
    missing: list[int] = []
    for place, (feature, value) in enumerate(zip(features, values, strict=True)):
        if value is None:
            missing.append(place)
        elif feature.aggregate in _NUMBERS:
            numbers.append(value)
        else:
            whole.append(int(value))
    return SplitValues(whole, numbers, missing)


def joined(
    features: Sequence[Feature], values: Iterable[int], numbers: Iterable[float], missing: Iterable[int]
) -> Mapping[str, float]:
    """Returns values by name, without those that are missing. There may be fewer than there are features now."""
    gone, rest, fractions = set(missing), iter(values), iter(numbers)
    found: dict[str, float] = {}
    for place, feature in enumerate(features):
        if place not in gone:
            value = next(fractions if feature.aggregate in _NUMBERS else rest, None)
            if value is None:
                break
            found[feature.name] = value
    return found
