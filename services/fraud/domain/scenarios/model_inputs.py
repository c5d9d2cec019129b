"""Which names a model may have as features, and how their values become numbers: trained and served alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import nan

from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.event_types import EventType
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.names import FieldFault
from services.fraud.domain.scenarios.facts import EventFacts, value_reader
from services.fraud.domain.scenarios.vocabulary import EVERYWHERE, PREPARED

__all__ = [
    "NUMERIC_KINDS",
    "OWN_SCORE",
    "FeatureReader",
    "feature_faults",
    "feature_reader",
    "number_of",
    "numeric_names",
]

NUMERIC_KINDS = frozenset({ValueKind.DOUBLE, ValueKind.INT, ValueKind.BOOL})
OWN_SCORE = "model.score"
"""What no model can be given: it comes of one."""
FeatureReader = Callable[[EventFacts], list[float]]
"""Returns the numbers of some names, in their order; NaN for one that is missing."""


def feature_reader(
    names: Sequence[str], event_type: EventType, features: FeatureSet, digits: Mapping[str, int]
) -> FeatureReader:
    """Returns what reads features of a model in the units in which rules see them, truth values as 0 and 1."""
    read = value_reader(names, event_type, features, digits)
    return lambda facts: [number_of(value) for value in read(facts)]


def numeric_names(variables: Mapping[str, ValueKind]) -> Sequence[str]:
    """Returns the features that a model has unless somebody chooses: those of the event type, and its fields."""
    others = {*EVERYWHERE, *PREPARED}
    return sorted(name for name, kind in variables.items() if kind in NUMERIC_KINDS and name not in others)


def feature_faults(names: Sequence[str], variables: Mapping[str, ValueKind], path: str) -> Sequence[FieldFault]:
    """Returns which of some names are no features of a model."""
    faults = []
    for place, name in enumerate(names):
        kind = variables.get(name) if name != OWN_SCORE else None
        if kind is None:
            words = f"{name} is no field of the event type, and no feature of it"
            faults.append(FieldFault(f"{path}[{place}]", "features.known", words))
        elif kind not in NUMERIC_KINDS:
            words = f"{name} is neither a number nor a truth value"
            faults.append(FieldFault(f"{path}[{place}]", "features.kind", words))
    return faults


def number_of(value: object) -> float:
    """Returns a value as a model takes it: truth as 0 and 1, what is missing or no number as NaN."""
    return float(value) if isinstance(value, (int, float)) else nan
