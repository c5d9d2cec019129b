"""A decision of the past, with what it was computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from types import MappingProxyType
from typing import NamedTuple

from services.fraud.domain.declared.feature import Aggregate
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.starter import NAMES_OF_BEFORE, STARTER, STARTER_FEATURES, VERSIONS_OF_BEFORE
from services.fraud.domain.declared.vector import FeatureValue, rejoined
from services.fraud.domain.event import Fields, Money
from services.fraud.domain.scenarios.facts import EventFacts
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.domain.scoring.model import ModelScore
from services.fraud.domain.travel import GeoPoint

__all__ = [
    "BUILT_IN_SETS",
    "Extent",
    "PastAnswer",
    "PastDecision",
    "StoredVector",
    "amount_of",
    "entity_of",
    "stored_values",
]

BUILT_IN_SETS: Mapping[str, FeatureSet] = MappingProxyType({STARTER.version: STARTER, "1": STARTER, "2": STARTER})
"""The feature sets that every tenant has, by the version that stored values name."""
_BOOLS = frozenset(feature.name for feature in STARTER_FEATURES if feature.aggregate is Aggregate.IS_NEW)


class StoredVector(NamedTuple):
    """The values of features as they were stored."""

    version: str
    """Of the feature set."""
    values: Sequence[int]
    numbers: Sequence[float]
    missing: Sequence[int]


class PastAnswer(NamedTuple):
    """What was decided then."""

    outcome: str
    score: float
    codes: Sequence[str]
    """Of the rules that fired."""
    snoozed: Sequence[str]
    """Identifiers of rules that fired and were snoozed."""
    degraded: Sequence[str]
    """What the decision was made without."""
    scenario: VersionRef | None = None
    """What decided; None if no scenario decided events of the type."""


class PastDecision(NamedTuple):
    """A decision in the order in which they were made."""

    decision_id: str
    transaction_id: str
    event_type: str
    event_time: datetime
    create_time: datetime
    fields: Fields
    answer: PastAnswer | None = None
    """None where only the event is asked for."""
    facts: EventFacts | None = None
    """What it was computed from, but for features and lists. None as for `answer`."""
    vector: StoredVector | None = None
    place: GeoPoint | None = None
    """Where its address was taken to be then. Read only for who asks."""

    @property
    def model(self) -> ModelScore | None:
        """Returns what a model said of it."""
        return self.facts.model if self.facts is not None else None


class Extent(NamedTuple):
    """What there is of a period."""

    decisions: int
    latest_event: float
    """By how many seconds the latest event came late, at most."""
    sets: tuple[str, ...]
    """Versions of the features of the first and the last decision."""


def stored_values(vector: StoredVector, features: FeatureSet) -> Sequence[FeatureValue]:
    """Returns the values of a set. `features` is the one that the vector's version names."""
    if vector.version in VERSIONS_OF_BEFORE:
        named = dict(zip(NAMES_OF_BEFORE, vector.values, strict=False))
        return [_of_before(name, named) for name in features.names]
    return rejoined(features.layout, vector.values, vector.numbers, vector.missing)


def amount_of(fields: Fields) -> Money | None:
    """Returns the amount of an event: its field `amount`, else its first money."""
    amount = fields.get("amount")
    if isinstance(amount, Money):
        return amount
    return next((value for value in fields.values() if isinstance(value, Money)), None)


def entity_of(past: PastDecision, field: str) -> int:
    """Returns a 64-bit hash of whose event it was, by a field. An event of nobody is an entity of its own."""
    value = past.fields.get(field)
    whose = past.decision_id if value is None else f"{field} {value}"
    return int.from_bytes(blake2b(whose.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _of_before(name: str, named: Mapping[str, int]) -> FeatureValue:
    value = named.get(name)
    return bool(value) if value is not None and name in _BOOLS else value
