"""What a decision is computed from, and how rules find their values in it."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
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
from services.fraud.domain.scenarios.judging import Ruling
from services.fraud.domain.scenarios.vocabulary import EVERYWHERE
from services.fraud.domain.scoring.model import ModelScore

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
    """By name, as rules ask them."""
    ruling: Ruling | None = None
    """What a list decides before any rule."""
    model: ModelScore | None = None
    """What the model of the version says; None without one, or if it could not be asked."""


ValueReader = Callable[[EventFacts], Sequence[object]]
"""Returns the values of some names, in their order; None for one that is missing."""


def value_reader(names: Sequence[str], event_type: EventType, features: FeatureSet, digits: Digits) -> ValueReader:
    """Returns what reads the values of names. One that is known no longer is missing.

    It is generated: templates of ours over numbers and constants, no word of a tenant.
    """
    scope: dict[str, object] = {"NOTHING": _NOTHING, "money": partial(_units, digits)}
    parts = [_source(name, event_type, features, scope) for name in names]
    body = ", ".join(parts)
    text = f"""def read(facts):
 get, v, unit = facts.fields.get, facts.features, 10**facts.digits
 profile, ip, lists, model = facts.profile, facts.ip, facts.lists, facts.model
 return [{body}]
"""
    exec(text, scope)  # noqa: S102 # The text is our own.
    return scope["read"]  # type: ignore[return-value]


def _source(name: str, event_type: EventType, features: FeatureSet, scope: dict[str, object]) -> str:
    """Returns the code that reads a name, and puts what it needs into the scope."""
    field = event_type.field(name)
    if field is not None:
        read = f"get({_constant(scope, name)})"
        return f"money({read})" if field.type is FieldType.MONEY else read
    if name in features.names:
        return _feature(features.names.index(name), features)
    if name.startswith("lists."):
        return f"lists.get({_constant(scope, name.removeprefix('lists.'))}, NOTHING)"
    if name in EVERYWHERE:
        subject, _, attribute = name.partition(".")
        return f"(None if {subject} is None else {subject}.{attribute})"
    if name == "spent_usd_24h" and OWN_SUM in features.names:
        return f"{_constant(scope, _spent(features.names.index(OWN_SUM)))}(facts)"
    return f"{_constant(scope, _PREPARED[name])}(facts)" if name in _PREPARED else "None"


def _constant(scope: dict[str, object], value: object) -> str:
    name = f"c{len(scope)}"
    scope[name] = value
    return name


def _feature(place: int, features: FeatureSet) -> str:
    if place >= len(features.features):
        return f"v[{place}]"
    feature = features.features[place]
    if feature.converted:
        return "None"
    if feature.aggregate not in MEASURES:
        return f"v[{place}]"
    scale = "unit" if features.is_money(feature) else str(NUMBER_SCALE)
    return f"(None if v[{place}] is None else v[{place}] / {scale})"


def _units(digits: Digits, value: object) -> float | None:
    return value.minor / 10 ** digits.get(value.currency, 0) if isinstance(value, Money) else None


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
