"""The names that rules about events of a type may use, with their kinds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.graph import GraphFeature
from services.fraud.domain.event_types import EventType, FieldType
from services.fraud.domain.expressions.types import ValueKind

__all__ = ["EVERYWHERE", "PREPARED", "of_all", "of_event", "variables_of"]

EVERYWHERE: Mapping[str, ValueKind] = MappingProxyType(
    {
        "profile.tier": ValueKind.STRING,
        "profile.base_risk": ValueKind.DOUBLE,
        "profile.chargeback_count": ValueKind.INT,
        "profile.known": ValueKind.BOOL,
        "ip.country": ValueKind.STRING,
        "ip.tor": ValueKind.BOOL,
        "ip.datacenter": ValueKind.BOOL,
        "ip.private": ValueKind.BOOL,
        "ip.reserved": ValueKind.BOOL,
        "model.score": ValueKind.DOUBLE,
    }
)
"""What is known of every event: missing where there is nobody, no address, or no model, to know it of."""

PREPARED: Mapping[str, ValueKind] = MappingProxyType(
    {
        "amount_usd": ValueKind.DOUBLE,
        "amount_text": ValueKind.STRING,
        "currency": ValueKind.STRING,
        "spent_usd_24h": ValueKind.DOUBLE,
    }
)
"""What the engine prepares for events with an `amount` of money: the amount in dollars, missing without a rate; the
amount in words; its currency; what the user spent in 24 hours in all currencies that have a rate, in dollars."""

_KINDS = {
    Aggregate.COUNT: ValueKind.INT,
    Aggregate.DISTINCT: ValueKind.INT,
    Aggregate.IS_NEW: ValueKind.BOOL,
    Aggregate.COUNT_FRAUD: ValueKind.INT,
    Aggregate.KNOWN_FRAUD: ValueKind.BOOL,
}


def variables_of(
    event_type: EventType,
    features: Iterable[Feature | GraphFeature] = (),
    lists: Iterable[str] = (),
    derived: Iterable[str] = (),
) -> Mapping[str, ValueKind]:
    """Returns the kind of each name: fields, features, lists of the tenant and what is known everywhere."""
    amount = event_type.field("amount")
    return {
        **EVERYWHERE,
        **(PREPARED if amount is not None and amount.type is FieldType.MONEY else {}),
        **{f"lists.{name}": ValueKind.STRING_LIST for name in lists},
        **of_event(event_type, features, derived),
    }


def of_event(
    event_type: EventType, features: Iterable[Feature | GraphFeature] = (), derived: Iterable[str] = ()
) -> Mapping[str, ValueKind]:
    """Returns the kind of each name that derived features may use: fields, and features of the event type."""
    return {
        **{each.name: _kind(each) for each in features if isinstance(each, GraphFeature) or not each.converted},
        **dict.fromkeys(derived, ValueKind.DOUBLE),
        **{field.name: field.type.value_kind for field in event_type.fields},
    }


def _kind(feature: Feature | GraphFeature) -> ValueKind:
    if isinstance(feature, GraphFeature):
        return ValueKind.DOUBLE if feature.measure.is_number else ValueKind.INT
    return _KINDS.get(feature.aggregate, ValueKind.DOUBLE)


def of_all(event_types: Sequence[EventType]) -> Mapping[str, ValueKind]:
    """Returns the kind of each name that a `where` about these event types may use: fields that all of them have."""
    kinds = [of_event(each) for each in event_types]
    return {name: kind for name, kind in kinds[0].items() if all(each.get(name) is kind for each in kinds)}
