"""Reads the fields of an event as its type declares them.

    string, ip, email   text; ip and email in their canonical form
    number              a double for expressions; counted in millionths, to the nearest
    money               units of its currency for expressions; counted in smallest units, exact
    bool, time          a truth value; an aware time in UTC, to the microsecond

Null, and text that is empty, are no value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple, TypeAlias

from services.fraud.domain.event_texts import value_of_text
from services.fraud.domain.event_types import EventType, Field, FieldType
from services.fraud.domain.money import to_minor
from services.fraud.domain.names import FieldFault

__all__ = ["MAX_EVENT_BYTES", "MAX_KEY_LENGTH", "EventReader", "EventValues", "Scalar"]

MAX_EVENT_BYTES = 16 << 10
MAX_KEY_LENGTH = 256
LARGEST_NUMBER = 9e12
NUMBER_DIGITS = 6
"""Digits after the point with which numbers are counted: millionths of the largest one fit into 64 bits."""
EXACT_BELOW = 1e9
"""A double below this, times a million, is nearer to the right millionths than to any others."""
BEYOND = 1e300
MAX_FAULTS = 20
MAX_NAME_SHOWN = 64

Scalar: TypeAlias = "str | float | bool | datetime"
Canonical: TypeAlias = Callable[[str], "str | None"]
"""Returns the one form of a text, None for what is no such text."""

_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_TIME = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt]{_CLOCK}:[0-5][0-9](\.[0-9]{{1,9}})?([Zz]|[+-]{_CLOCK})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MEMBERS = frozenset({"amount", "currency"})


class EventValues(NamedTuple):
    """The values of one event."""

    seen: dict[str, Scalar | None]
    """What expressions see, by field: every field of the type is there."""
    exact: dict[str, int]
    """What is counted: of money its smallest units, of numbers their millionths. Only fields that have a value."""
    currencies: dict[str, str]
    """Of money that has a value, an ISO 4217 code."""


class EventReader:
    """Reads the events of one type."""

    def __init__(
        self,
        event_type: EventType,
        *,
        digits: Mapping[str, int],
        largest_minor: int,
        canonical: Mapping[FieldType, Canonical],
    ) -> None:
        """`digits` are those of each currency after the point; `largest_minor` is the most of its smallest units."""
        self.event_type = event_type
        self.columns = event_type.columns
        self._digits = digits
        self._largest_minor = largest_minor
        self._canonical = canonical
        self._missing: dict[str, Scalar | None] = {field.name: None for field in event_type.fields}
        self._required = [field.name for field in event_type.fields if field.required]
        self._fields = {field.name: field for field in event_type.fields}
        readers = {
            FieldType.NUMBER: self._number,
            FieldType.MONEY: self._money,
            FieldType.BOOL: self._bool,
            FieldType.TIME: self._time,
        }
        every = {field.name: readers.get(field.type, self._text) for field in event_type.fields}
        self.retired = frozenset(field.name for field in event_type.fields if field.retired)
        self._read = {name: read for name, read in every.items() if name not in self.retired}
        self._read_retired = {name: every[name] for name in self.retired}

    def read(self, fields: Mapping[str, object], currency: str = "") -> tuple[EventValues, Sequence[FieldFault]]:
        """Returns the values of an event and what is wrong with it. With faults, the values mean nothing.

        `currency` is that of money without one; empty means that money needs one.
        """
        values = EventValues(self._missing.copy(), {}, {})
        faults: list[FieldFault] = []
        for name, value in fields.items():
            if name not in self._missing:
                faults.append(FieldFault(f"fields.{name[:MAX_NAME_SHOWN]}", "field.known", "is no field of this type"))
            elif value is not None and value != "" and name in self._read:
                fault = self._read[name](self._fields[name], value, values, currency)
                if fault is not None:
                    faults.append(fault)
        absent = [name for name in self._required if fields.get(name) in (None, "")]
        faults += [FieldFault(f"fields.{name}", "required", "is required") for name in absent]
        return values, faults[:MAX_FAULTS]

    def read_retired(self, fields: Mapping[str, object], currency: str = "") -> EventValues:
        """Returns what retired fields would hold: what was decided with them is the same when it is sent again."""
        values = EventValues({}, {}, {})
        for name in self.retired & fields.keys():
            value = fields[name]
            if value is not None and value != "":
                self._read_retired[name](self._fields[name], value, values, currency)
        return values

    def read_texts(self, texts: Mapping[str, str], currency: str = "") -> tuple[EventValues, bool]:
        """Returns the values of those texts that are fields of the type, and whether each could be used.

        Numbers are written as in JSON, truth values `true` or `false`, money `12.50 EUR`, or `12.50` in `currency`.
        """
        values, usable = EventValues(self._missing.copy(), {}, {}), True
        for name, text in texts.items():
            if text and name in self._read:
                field = self._fields[name]
                usable &= self._read[name](field, value_of_text(field.type, text), values, currency) is None
        return values, usable

    def _text(self, field: Field, value: object, values: EventValues, _: str) -> FieldFault | None:
        if not isinstance(value, str):
            return _fault(field, "text")
        canonical = self._canonical.get(field.type)
        text = value if canonical is None else canonical(value)
        if text is None:
            return _fault(field, f"{field.type.value}.valid")
        if field.key and (len(text) > MAX_KEY_LENGTH or _CONTROL.search(text)):
            return _fault(field, "key.valid")
        if "\0" in text:
            return _fault(field, "text.storable")
        values.seen[field.name] = text
        return None

    def _number(self, field: Field, value: object, values: EventValues, _: str) -> FieldFault | None:
        number = _finite(value)
        if number is None:
            return _fault(field, "number")
        if abs(number) > LARGEST_NUMBER:
            return _fault(field, "number.range")
        values.seen[field.name] = number
        values.exact[field.name] = _millionths(number)
        return None

    def _money(self, field: Field, value: object, values: EventValues, currency: str) -> FieldFault | None:
        if not isinstance(value, Mapping):
            return _fault(field, "money")
        for member in value:
            if member not in _MEMBERS:
                return _fault(field, "money.member", f".{str(member)[:MAX_NAME_SHOWN]}")
        named, amount = value.get("currency"), _finite(value.get("amount"))
        code = currency if named in (None, "") else named
        digits = self._digits.get(code) if isinstance(code, str) else None
        if digits is None:
            return _fault(field, "currency.known", ".currency")
        if amount is None or amount < 0:
            return _fault(field, "amount", ".amount")
        if amount * 10**digits > self._largest_minor:
            return _fault(field, "amount.range", ".amount")
        minor = to_minor(amount, digits)
        if minor is None:
            return _fault(field, "amount.precision", ".amount")
        values.seen[field.name] = amount
        values.exact[field.name] = minor
        values.currencies[field.name] = str(code)
        return None

    def _bool(self, field: Field, value: object, values: EventValues, _: str) -> FieldFault | None:
        if not isinstance(value, bool):
            return _fault(field, "bool")
        values.seen[field.name] = value
        return None

    def _time(self, field: Field, value: object, values: EventValues, _: str) -> FieldFault | None:
        time = _moment(value) if isinstance(value, str) else None
        if time is None:
            return _fault(field, "time")
        values.seen[field.name] = time
        return None


_WORDS = {
    "text": "must be text",
    "ip.valid": "must be an IPv4 or IPv6 address without zone, port and brackets",
    "email.valid": "must be an e-mail address",
    "key.valid": f"must have at most {MAX_KEY_LENGTH} characters and no control characters, for it is a key",
    "text.storable": "must not hold the character U+0000",
    "number": "must be a number",
    "number.range": "must be from -9000000000000 to 9000000000000",
    "money": 'must be an object such as {"amount": 12.5, "currency": "EUR"}',
    "money.member": "is no part of money, which has an amount and a currency",
    "currency.known": "must be a currency in force of ISO 4217 that has minor units, in capital letters",
    "amount": "must be a number, 0 or more",
    "amount.range": "must be at most 10^15 smallest units of its currency",
    "amount.precision": "must have no more digits after the point than its currency",
    "bool": "must be true or false",
    "time": "must be a time of RFC 3339, such as 2026-11-28T12:30:00Z",
}


def _fault(field: Field, rule: str, member: str = "") -> FieldFault:
    return FieldFault(f"fields.{field.name}{member}", rule, _WORDS[rule])


def _finite(value: object) -> float | None:
    """Returns a number as a double without the sign of a negative zero, None for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) + 0.0 if abs(value) < BEYOND else None


def _millionths(number: float) -> int:
    if abs(number) < EXACT_BELOW:
        millionths: int = round(number * 10**NUMBER_DIGITS)
        return millionths
    return int(Decimal(repr(number)).scaleb(NUMBER_DIGITS).to_integral_value(ROUND_HALF_EVEN))


def _moment(text: str) -> datetime | None:
    if not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
