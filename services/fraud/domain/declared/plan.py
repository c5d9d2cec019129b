"""Plans what is logged for each kind of key, given the features that read it.

A kind of key has one log for each of its values. A record of that log holds every column of its kind that its event
has, whichever feature asked for the column: a further feature over the same columns reads all history at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.event_types import EventType, FieldType

__all__ = ["MEASURES", "KindPlan", "NumberColumn", "covers", "plan_kinds"]

FORMAT = 1
"""Of a record. A change makes every log another one."""
MEASURES = frozenset({Aggregate.SUM, Aggregate.MEAN, Aggregate.MIN, Aggregate.MAX, Aggregate.STDDEV})
"""The aggregates of numbers. `distinct` and `is_new` compare values; the others need no field."""


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """A field whose values are kept as whole numbers: smallest units of money, millionths of a number."""

    field: str
    money: bool


# Compared by identity, so that what is derived from a plan is found by it at once.
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
    filters: tuple[str, ...]
    """Texts of `where`. A record has a bit for each that holds for its event."""
    features: tuple[Feature, ...]
    places: tuple[int, ...]
    """Where the value of each feature stands in the tenant's vector."""
    retention_ms: int
    """How long before the current event a record is still in reach: the widest window with its delay."""
    schema: str
    """Names what determines the bytes of a record: logs of one schema are read alike. Windows are no part of it."""

    def type_index(self, event_type: str) -> int:
        """The index of a type that is counted or reads. Raises ValueError for another."""
        return (self.types + self.readers).index(event_type)


def plan_kinds(features: Sequence[Feature], types: Mapping[str, EventType]) -> Mapping[str, KindPlan]:
    """Plans the logs that the features need, by the name of their kind. The features have passed `check_features`."""
    kinds: dict[str, list[int]] = {}
    for place, feature in enumerate(features):
        kinds.setdefault(feature.kind, []).append(place)
    return {name: _plan(name, [features[each] for each in places], places, types) for name, places in kinds.items()}


def covers(old: KindPlan, new: KindPlan) -> bool:
    """Tells whether records of the old schema hold all that the new one needs. How far back they go is not asked."""
    return (
        old.key == new.key
        and set(new.types) <= set(old.types)
        and set(new.numbers) <= set(old.numbers)
        and set(new.counterparts) <= set(old.counterparts)
        and set(new.filters) <= set(old.filters)
    )


def _plan(name: str, features: Sequence[Feature], places: Sequence[int], types: Mapping[str, EventType]) -> KindPlan:
    counted = _sorted(event_type for feature in features for event_type in feature.counted)
    measured = [feature for feature in features if feature.aggregate in MEASURES]
    compared = [feature for feature in features if feature.field and feature.aggregate not in MEASURES]
    numbers = {feature.field: _is_money(feature, types) for feature in measured}
    plan = {
        "key": tuple(sorted(features[0].key)),
        "types": counted,
        "numbers": tuple(NumberColumn(field, money) for field, money in sorted(numbers.items())),
        "counterparts": _sorted(feature.field for feature in compared),
        "filters": _sorted(feature.where for feature in features if feature.where),
    }
    return KindPlan(
        name=name,
        readers=_sorted(feature.event_type for feature in features if feature.event_type not in counted),
        features=tuple(features),
        places=tuple(places),
        retention_ms=max(feature.window_ms + feature.delay_ms for feature in features),
        schema=_schema(plan),
        **plan,  # type: ignore[arg-type] # A dict has one type for all its values.
    )


def _is_money(feature: Feature, types: Mapping[str, EventType]) -> bool:
    field = types[feature.counted[0]].field(feature.field)
    return field is not None and field.type is FieldType.MONEY


def _schema(plan: Mapping[str, object]) -> str:
    text = json.dumps([FORMAT, plan], default=lambda column: [column.field, column.money], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
