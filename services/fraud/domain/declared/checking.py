"""Checks declarations of features: each problem names the feature, what of it is wrong, and says it in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import NamedTuple

from services.fraud.domain.declared.daily import BY_DAY
from services.fraud.domain.declared.feature import (
    LONGEST_DELAY_MS,
    LONGEST_WINDOW_MS,
    SHORTEST_WINDOW_MS,
    Aggregate,
    Boundary,
    Feature,
)
from services.fraud.domain.declared.plan import MEASURES, NUMBERED, OF_LABELS, by_kind, filter_of
from services.fraud.domain.event_types import EventType, Field, FieldType
from services.fraud.domain.ip_signals import ADDRESS
from services.fraud.domain.names import name_faults

__all__ = [
    "MOST_BY_DAY",
    "MOST_COLUMNS",
    "MOST_FEATURES",
    "MOST_FILTERS",
    "FeatureProblem",
    "by_day_problems",
    "check_features",
    "name_problems",
]

MOST_FEATURES = 200
"""Of a tenant."""
MOST_FILTERS = 16
"""Different texts of `where` of one kind of key."""
MOST_COLUMNS = 6
"""Different fields of one kind of key that are aggregated."""
OF_BOTH = frozenset({Aggregate.IS_NEW, Aggregate.TRAVEL_SPEED})
"""The aggregates that hold what the current event has against what was before."""
MOST_BY_DAY = 20
"""Features over more than 30 days of a tenant."""
WITHOUT_FIELD = OF_LABELS | {Aggregate.COUNT, Aggregate.FIRST_SEEN, Aggregate.LAST_SEEN}


class FeatureProblem(NamedTuple):
    """What is wrong with a declaration."""

    feature: str
    """Its name; empty if it is about all of them."""
    field: str
    """Of the declaration."""
    words: str


def check_features(
    features: Sequence[Feature], types: Mapping[str, EventType], taken: Container[str] = ()
) -> list[FeatureProblem]:
    """Returns all problems of a tenant's features, given its event types. Expressions are not read here.

    `taken` are names that rules know otherwise.
    """
    problems = [
        FeatureProblem(feature.name, "name", words)
        for feature in features
        for words in name_problems(feature.name, types, taken)
    ]
    problems += [
        FeatureProblem(feature.name, field, words)
        for feature in features
        for check in (_check_key, _check_window, _check_field, _check_flags)
        for field, words in check(feature, types)
    ]
    names = Counter(feature.name for feature in features)
    problems += [
        FeatureProblem(name, "name", "is the name of another feature too") for name, times in names.items() if times > 1
    ]
    return problems + list(_check_kinds(features, types))


def name_problems(name: str, types: Mapping[str, EventType], taken: Container[str]) -> Iterator[str]:
    """Says what is wrong with the name of a feature besides that another one may have it."""
    for _, _, words in name_faults(name, ""):
        yield words
    if name in taken:
        yield "must not be a name that rules know already"
    owner = next((each.name for each in types.values() if each.field(name)), None)
    if owner is not None:
        yield f"is the name of a field of the event type {owner}"


def by_day_problems(feature: Feature, beside: Sequence[Feature]) -> Iterator[FeatureProblem]:
    """Says whether a feature is one too many over more than 30 days, beside all others of the tenant."""
    if feature.by_day and sum(each.by_day for each in beside) >= MOST_BY_DAY:
        words = f"must be at most 30 days: the tenant has {MOST_BY_DAY} features with longer ones"
        yield FeatureProblem(feature.name, "window", words)


def _check_key(feature: Feature, types: Mapping[str, EventType]) -> Iterator[tuple[str, str]]:
    if not feature.key or len(set(feature.key)) < len(feature.key):
        yield "key", "must name one field or several different ones"
    if len(set(feature.counts)) < len(feature.counts):
        yield "counts", "must name each event type once"
    for place, names in (("event_type", (feature.event_type,)), ("counts", feature.counts)):
        for name in names:
            event_type = types.get(name)
            if event_type is None:
                yield place, f"names the event type {name}, which does not exist"
                continue
            keys = {field.name for field in event_type.keys}
            for field in feature.key:
                if field not in keys:
                    yield "key", f"names {field}, which is no key of the event type {name}"


def _check_window(feature: Feature, types: Mapping[str, EventType]) -> Iterator[tuple[str, str]]:
    if not SHORTEST_WINDOW_MS <= feature.window_ms <= LONGEST_WINDOW_MS:
        yield "window", "must be whole milliseconds from 1 second to 400 days"
    elif feature.by_day and (feature.aggregate not in BY_DAY or feature.converted):
        yield (
            "window",
            f"must be at most 30 days: {feature.aggregate.value} does not follow from daily totals",
        )
    if not 0 <= feature.delay_ms <= LONGEST_DELAY_MS:
        yield "delay", "must be whole milliseconds from 0 to 30 days"


def _check_field(feature: Feature, types: Mapping[str, EventType]) -> Iterator[tuple[str, str]]:
    aggregate = feature.aggregate
    if aggregate in WITHOUT_FIELD:
        if feature.field:
            yield "field", f"must be empty: {aggregate.value} is about events, not about a field"
        return
    if not feature.field:
        yield "field", f"is needed: {aggregate.value} is about the values of a field"
        return
    holders = {*feature.counted, feature.event_type} if aggregate in OF_BOTH else feature.counted
    found = [(name, _field(types[name], feature.field)) for name in sorted(holders) if name in types]
    for name, field in found:
        if field is None:
            yield "field", f"names {feature.field}, which is no field of the event type {name}"
    field_types = {field.type for _, field in found if field is not None}
    if len(field_types) > 1:
        yield "field", f"names {feature.field}, whose type is not the same in all event types that are counted"
    if aggregate in MEASURES and not field_types <= {FieldType.NUMBER, FieldType.MONEY}:
        yield "field", f"names {feature.field}: {aggregate.value} needs a number or money"
    if aggregate is Aggregate.TRAVEL_SPEED and (feature.field != ADDRESS or not field_types <= {FieldType.IP}):
        yield "field", f"must be {ADDRESS}, an address: where that was is kept with each decision"
    if FieldType.MONEY in field_types and aggregate in MEASURES and not feature.converted:
        yield from _check_currency(feature, types)


def _check_flags(feature: Feature, types: Mapping[str, EventType]) -> Iterator[tuple[str, str]]:
    if feature.include_current:
        if feature.boundary is not Boundary.AFTER_START or feature.delay_ms:
            yield "include_current", "is only possible with the boundary (] and no delay: else it is not in the window"
        if feature.event_type not in feature.counted:
            yield (
                "include_current",
                f"is not possible: {feature.event_type} is not among what is counted",
            )
        if feature.aggregate is Aggregate.IS_NEW:
            yield "include_current", "is not possible for is_new: no value is new to an event that counts itself"
        if feature.aggregate is Aggregate.TRAVEL_SPEED:
            yield "include_current", "is not possible for travel_speed: nobody travels from an event to itself"
        if feature.aggregate in OF_LABELS:
            words = f"is not possible for {feature.aggregate.value}: an event has no label when it comes"
            yield "include_current", words
    if feature.same_currency:
        if feature.aggregate is not Aggregate.COUNT:
            yield "same_currency", "is for counts; aggregates of money are by currency anyway"
        yield from _check_currency(feature, types)
    if feature.converted:
        fields = [types[name].field(feature.field) for name in feature.counted if name in types]
        if feature.aggregate is not Aggregate.SUM or any(each and each.type is not FieldType.MONEY for each in fields):
            yield "converted", "is for sums of money"


def _check_currency(feature: Feature, types: Mapping[str, EventType]) -> Iterator[tuple[str, str]]:
    event_type = types.get(feature.event_type)
    if event_type and not any(field.type is FieldType.MONEY for field in event_type.fields):
        yield "event_type", f"{feature.event_type} has no money, so there is no currency to aggregate in"


def _check_kinds(features: Sequence[Feature], types: Mapping[str, EventType]) -> Iterator[FeatureProblem]:
    for kind, own in by_kind(features).items():
        if len({filter_of(feature) for feature in own if feature.where}) > MOST_FILTERS:
            yield FeatureProblem("", "where", f"has more than {MOST_FILTERS} different conditions for the key {kind}")
        if len({(feature.field, feature.aggregate in NUMBERED) for feature in own if feature.field}) > MOST_COLUMNS:
            yield FeatureProblem("", "field", f"has more than {MOST_COLUMNS} different values for the key {kind}")
        money: dict[str, set[bool]] = {}
        for feature in own:
            for name in feature.counted if feature.aggregate in MEASURES else ():
                field = _field(types[name], feature.field) if name in types else None
                if field is not None:
                    money.setdefault(feature.field, set()).add(field.type is FieldType.MONEY)
        for name, kinds in money.items():
            if len(kinds) > 1:
                words = f"names {name}, which is money in one and a number in another event type that {kind} counts"
                yield FeatureProblem("", "field", words)


def _field(event_type: EventType, name: str) -> Field | None:
    field = event_type.field(name)
    return None if field is None or field.retired else field
