"""What a decision is computed from, and how rules find their values in it."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.plan import MEASURES
from services.fraud.domain.declared.recording import NUMBER_SCALE
from services.fraud.domain.declared.vector import FeatureValue
from services.fraud.domain.event import Fields, Money
from services.fraud.domain.event_types import EventType, FieldType
from services.fraud.domain.ip_signals import IpSignals
from services.fraud.domain.profile import Profile
from services.fraud.domain.rates import RULE_CURRENCY, Rate, Spend
from services.fraud.domain.scenarios.vocabulary import EVERYWHERE

__all__ = ["EventFacts", "ValueReader", "value_reader"]

Digits = Mapping[str, int]
"""Digits after the point of each currency."""
OWN_SUM = "user_sum_24h"
"""The feature that has what the user spent in the event's own currency."""
_NOTHING: Container[str] = frozenset()


class EventFacts(NamedTuple):
    """Everything that a decision is computed from. Stored with it, so that it can be computed again."""

    fields: Fields
    features: Sequence[FeatureValue]
    """As the feature set has them: money in smallest units, numbers in millionths."""
    currency: str = ""
    """Of the first money of the event; empty without any."""
    digits: int = 0
    """Of the currency, after the point."""
    profile: Profile | None = None
    """None if it could not be read, or if the event is nobody's."""
    ip: IpSignals | None = None
    rate: Rate | None = None
    """What the currency is worth; None if the tenant has given none that holds."""
    elsewhere: Sequence[Spend] = ()
    """What the user spent in the last 24 hours in other currencies."""
    lists: Mapping[str, Container[str]] = {}


ValueReader = Callable[[EventFacts], Sequence[object]]
"""Returns the values of some names, in their order; None for one that is missing."""


@dataclass(frozen=True, slots=True)
class _Reader:
    sources: Sequence[Callable[[EventFacts], object]]

    def __call__(self, facts: EventFacts) -> Sequence[object]:
        return [source(facts) for source in self.sources]


def value_reader(names: Sequence[str], event_type: EventType, features: FeatureSet, digits: Digits) -> ValueReader:
    """Returns what reads the values of names. One that is known no longer is missing."""
    return _Reader([_source(name, event_type, features, digits) for name in names])


def _source(name: str, event_type: EventType, features: FeatureSet, digits: Digits) -> Callable[[EventFacts], object]:
    field = event_type.field(name)
    if field is not None:
        return _money_field(name, digits) if field.type is FieldType.MONEY else lambda facts: facts.fields.get(name)
    if name in features.names:
        return _feature(features.names.index(name), features)
    if name.startswith("lists."):
        of_list = name.removeprefix("lists.")
        return lambda facts: facts.lists.get(of_list, _NOTHING)
    if name == "spent_usd_24h" and OWN_SUM in features.names:
        return _spent(features.names.index(OWN_SUM))
    if name in EVERYWHERE:
        subject, _, attribute = name.partition(".")
        return _attribute("profile" if subject == "profile" else "ip", attribute)
    return _PREPARED.get(name, _missing)


def _money_field(name: str, digits: Digits) -> Callable[[EventFacts], object]:
    def read(facts: EventFacts) -> float | None:
        value = facts.fields.get(name)
        return value.minor / 10 ** digits.get(value.currency, 0) if isinstance(value, Money) else None

    return read


def _feature(place: int, features: FeatureSet) -> Callable[[EventFacts], object]:
    if place >= len(features.features):
        return lambda facts: facts.features[place]
    feature = features.features[place]
    if feature.converted:
        return _missing
    if feature.aggregate not in MEASURES:
        return lambda facts: facts.features[place]
    if features.is_money(feature):
        return lambda facts: _scaled(facts.features[place], 10**facts.digits)
    return lambda facts: _scaled(facts.features[place], NUMBER_SCALE)


def _scaled(value: FeatureValue, by: int) -> float | None:
    return None if value is None else value / by


def _attribute(of: str, attribute: str) -> Callable[[EventFacts], object]:
    place = EventFacts._fields.index(of)

    def read(facts: EventFacts) -> object:
        subject = facts[place]
        return None if subject is None else getattr(subject, attribute)

    return read


def _missing(_: EventFacts) -> None:
    return None


def _amount(facts: EventFacts) -> Money | None:
    value = facts.fields.get("amount")
    return value if isinstance(value, Money) else None


def _dollars(facts: EventFacts) -> float | None:
    amount = _amount(facts)
    if amount is None or facts.rate is None:
        return None
    dollars: float = amount.minor / 10**facts.digits * facts.rate.usd_per_unit
    return dollars


def _told(facts: EventFacts) -> str | None:
    """Tells the amount in words, with its worth and the day of the rate if it is not in dollars."""
    amount, dollars = _amount(facts), _dollars(facts)
    if amount is None:
        return None
    own = f"{amount.minor / 10**facts.digits:.{facts.digits}f} {amount.currency}"
    if facts.rate is None or amount.currency == RULE_CURRENCY:
        return own
    return f"{own}, {dollars:.2f} {RULE_CURRENCY} at the rate of {facts.rate.since},"


def _spent(place: int) -> Callable[[EventFacts], object]:
    """Returns what the user spent in the last 24 hours in all currencies, in dollars, as far as there are rates."""

    def read(facts: EventFacts) -> float | None:
        own = facts.features[place]
        if own is None:
            return None
        known: float = own / 10**facts.digits * facts.rate.usd_per_unit if facts.rate else 0.0
        return known + sum(each.dollars for each in facts.elsewhere) if facts.elsewhere else known

    return read


_PREPARED: Mapping[str, Callable[[EventFacts], object]] = {
    "amount_usd": _dollars,
    "amount_text": _told,
    "currency": lambda facts: facts.currency or None,
}
