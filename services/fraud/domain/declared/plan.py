"""Plans what is logged for each kind of key, given the features that read it.

A kind of key has one log for each of its values. A record of that log holds every column of its kind that its event
has, whichever feature asked for the column: a further feature over the same columns reads all history at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, NamedTuple

from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.event_types import EventType, FieldType

__all__ = [
    "MEASURES",
    "NUMBERED",
    "OF_LABELS",
    "KindFilter",
    "KindPlan",
    "NumberColumn",
    "by_kind",
    "filter_of",
    "plan_kinds",
    "plan_reading",
]

FORMAT = 1
"""Of a record. A change makes every log another one."""
MEASURES = frozenset({Aggregate.SUM, Aggregate.MEAN, Aggregate.MIN, Aggregate.MAX, Aggregate.STDDEV})
"""The aggregates of numbers. `distinct` and `is_new` compare values; the others need no field."""
NUMBERED = MEASURES | {Aggregate.TRAVEL_SPEED}
"""The aggregates that read a column of numbers."""
OF_LABELS = frozenset({Aggregate.COUNT_FRAUD, Aggregate.SHARE_FRAUD, Aggregate.KNOWN_FRAUD})
"""The aggregates that read the labels of events."""
PLANS = 8_192
"""That are kept to be found again."""


class NumberColumn(NamedTuple):
    """A field whose values are kept as whole numbers: smallest units of money, millionths of numbers, packed places."""

    field: str
    money: bool
    place: bool = False
    """True for the place of an address."""


class KindFilter(NamedTuple):
    """A condition that is decided when an event is recorded."""

    where: str
    types: tuple[str, ...]
    """The event types whose fields it is about. Of others it never holds."""


# Compared by identity, so that what is derived from a plan is found by it at once: equal plans are one.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KindPlan:
    """What a log of one kind of key holds, and the features that read it."""

    name: str
    key: tuple[str, ...]
    types: tuple[str, ...]
    """The event types that are counted, and so logged. A record has the index of its type."""
    readers: tuple[str, ...]
    """Event types whose checks read the log without being counted. Their indices follow those of `types`."""
    numbers: tuple[NumberColumn, ...]
    counterparts: tuple[str, ...]
    """Fields of which a hash of 64 bits is kept."""
    filters: tuple[KindFilter, ...]
    """A record has a bit for each that holds for its event."""
    features: tuple[Feature, ...]
    missing: frozenset[str] = frozenset()
    """Features of which the log does not have all. They have no value."""
    retention_ms: int
    """How long before the current event a record is in reach: what is read of the widest window, with its delay."""
    schema: str
    """Names what determines the bytes of a record: logs of one schema are read alike. Windows are no part of it."""
    labelled: bool = False
    """True if the log has the labels of its events as well."""

    @property
    def has_place(self) -> bool:
        """Tells whether records have the place of their event."""
        return any(column.place for column in self.numbers)

    def type_index(self, event_type: str) -> int:
        """The index of a type that is counted or reads. Raises ValueError for another."""
        return (self.types + self.readers).index(event_type)


def by_kind(features: Iterable[Feature]) -> Mapping[str, Sequence[Feature]]:
    """Groups features by the kind of their key, in the order in which the values of a vector stand."""
    kinds: dict[str, list[Feature]] = {}
    for feature in features:
        kinds.setdefault(feature.kind, []).append(feature)
    return kinds


def plan_kinds(features: Iterable[Feature], types: Mapping[str, EventType]) -> Mapping[str, KindPlan]:
    """Plans the logs that the features need, by the name of their kind. The features have passed `check_features`."""
    return {name: _plan(name, own, types) for name, own in by_kind(features).items()}


def plan_reading(logged: KindPlan, wanted: KindPlan) -> KindPlan:
    """Plans how logs that were planned otherwise are read for the features of a plan, as far as they can be."""
    missing = frozenset(each.name for each in wanted.features if not _holds(logged, each, wanted.numbers))
    read_by = [each.event_type for each in wanted.features if each.name not in missing]
    changed = {
        "features": wanted.features,
        "missing": missing,
        "readers": _sorted(each for each in read_by if each not in logged.types),
    }
    return _plan_of(**{each.name: getattr(logged, each.name) for each in fields(KindPlan)} | changed)


def filter_of(feature: Feature) -> KindFilter:
    """The filter of a feature that has a `where`."""
    return KindFilter(feature.where, _sorted(feature.counted))


def _holds(logged: KindPlan, feature: Feature, numbers: Sequence[NumberColumn]) -> bool:
    """Tells whether a log has all that a feature of another plan, with these columns of numbers, needs."""
    columns = {each for each in numbers if each.field == feature.field} if feature.aggregate in NUMBERED else set()
    return (
        feature.reach_ms <= logged.retention_ms
        and set(feature.counted) <= set(logged.types)
        and (not feature.where or filter_of(feature) in logged.filters)
        and (columns <= set(logged.numbers))
        and (not feature.field or feature.aggregate in NUMBERED or feature.field in logged.counterparts)
        and (logged.labelled or feature.aggregate not in OF_LABELS)
    )


def _plan(name: str, features: Sequence[Feature], types: Mapping[str, EventType]) -> KindPlan:
    counted = _sorted(event_type for feature in features for event_type in feature.counted)
    numbers = tuple(sorted({_column(feature, types) for feature in features if feature.aggregate in NUMBERED}))
    compared = (feature.field for feature in features if feature.field and feature.aggregate not in NUMBERED)
    columns = {
        "key": tuple(sorted(features[0].key)),
        "types": counted,
        "numbers": numbers,
        "counterparts": _sorted(compared),
        "filters": tuple(sorted({filter_of(feature) for feature in features if feature.where})),
    }
    labelled = any(feature.aggregate in OF_LABELS for feature in features)
    # As it was written before there were places and labels: a log without any is the same one.
    written: dict[str, object] = columns | {"numbers": [each if each.place else each[:2] for each in numbers]}
    if labelled:
        written["labelled"] = True
    return _plan_of(
        name=name,
        readers=_sorted(feature.event_type for feature in features if feature.event_type not in counted),
        features=tuple(features),
        missing=frozenset[str](),
        retention_ms=max(feature.reach_ms for feature in features),
        schema=hashlib.sha256(json.dumps([FORMAT, written], sort_keys=True).encode()).hexdigest()[:16],
        labelled=labelled,
        **columns,
    )


def _column(feature: Feature, types: Mapping[str, EventType]) -> NumberColumn:
    field = types[feature.counted[0]].field(feature.field)
    is_money = field is not None and field.type is FieldType.MONEY
    return NumberColumn(feature.field, is_money, feature.aggregate is Aggregate.TRAVEL_SPEED)


@lru_cache(PLANS)
def _plan_of(**parts: Any) -> KindPlan:
    """Returns the one plan of these parts."""
    return KindPlan(**parts)


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
