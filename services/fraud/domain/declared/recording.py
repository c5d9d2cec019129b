"""Makes the records of events: one for each kind of key that an event has a value of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple, TypeAlias

from services.fraud.domain.declared.plan import KindFilter, KindPlan
from services.fraud.domain.declared.records import (
    EVENT,
    MISSING,
    NOBODY,
    RESTORED,
    LogRecord,
    RecordLayout,
    currency_number,
)
from services.fraud.domain.event import Fields, FieldValue, Money
from services.fraud.domain.travel import GeoPoint, packed_place

__all__ = ["NUMBER_SCALE", "Condition", "KindRecorder", "currency_of"]

NUMBER_SCALE = 10**6
"""Of numbers, which are kept as whole millionths."""
_KEY_SEPARATOR = "\0"
Condition: TypeAlias = Callable[[Fields], bool]
"""Tells whether it holds for an event."""


class KindRecorder:
    """Makes the records of one kind of key for the events of one type."""

    __slots__ = (
        "_columns", "_content", "_filters", "_key", "_pack", "_type", "field", "layout", "plan", "takes_labels",
    )  # fmt: skip

    def __init__(self, plan: KindPlan, event_type: str, filters: Mapping[KindFilter, Condition] = {}) -> None:
        """`filters` has at least those of the plan that are about the event type."""
        self.plan = plan
        self.layout = RecordLayout(plan)
        self._key = plan.key
        self.field = plan.key[0] if len(plan.key) == 1 else ""
        """The field whose value, if it is a text, is that of the key; empty for a key of several."""
        self._type = plan.type_index(event_type)
        self.takes_labels = plan.labelled and event_type in plan.types
        """True if the labels of the events belong in their logs."""
        self._content, self._columns = _readers_of(plan)
        self._pack = self.layout.struct.pack
        self._filters = [
            (1 << place, filters[each]) for place, each in enumerate(plan.filters) if event_type in each.types
        ]

    def key(self, fields: Fields) -> str | None:
        """Returns the value of the key, None for an event that lacks a part of it."""
        if self.field:
            value = fields.get(self.field)
            return value if type(value) is str else None
        values = [fields.get(field) for field in self._key]
        return _KEY_SEPARATOR.join(map(str, values)) if all(isinstance(each, str) for each in values) else None

    def record(
        self,
        fields: Fields,
        currency: int,
        time: int,
        transaction: int,
        attempt: int,
        place: GeoPoint | None = None,
    ) -> LogRecord:
        """Returns the record of an event. `currency` is that of `currency_of`, `place` where its address was then."""
        numbers, counterparts = self._content(fields.get, currency, place)
        filters = self._holding(fields) if self._filters else 0
        content = (time, transaction, numbers, counterparts, self._type, currency, filters, EVENT, attempt, False)
        return _new(LogRecord, content)

    def restored(
        self, fields: Fields, currency: int, time: int, transaction: int, place: GeoPoint | None = None
    ) -> bytes:
        """Packs the record of an event that is read from the store, as one that was restored."""
        filters = self._holding(fields) if self._filters else 0
        return self._pack(
            time,
            transaction,
            EVENT | RESTORED,
            self._type,
            currency,
            filters,
            0,
            *self._columns(fields.get, currency, place),
        )

    def _holding(self, fields: Fields) -> int:
        return sum(bit for bit, holds in self._filters if holds(fields))


def currency_of(fields: Fields) -> int:
    """Returns the number of the currency of an event's first money, 0 without any."""
    for value in fields.values():
        if type(value) is Money:
            return _currency_number(value.currency)
    return 0


_currency_number = lru_cache(maxsize=512)(currency_number)
_new = tuple.__new__
# An amount in another currency than that of the record is missing.
_MONEY = "(v[0] if type(v := get({})) is Money and number_of(v[1]) == currency else MISSING),"
_NUMBER = f"(round(v * {NUMBER_SCALE}) if type(v := get({{}})) is float or type(v) is int else MISSING),"
_PLACE = "(MISSING if place is None else packed_place(place)),"
_COUNTERPART = "(NOBODY if (v := get({})) is None else hashed(v if type(v) is str else str(v))),"
Get: TypeAlias = Callable[[str], "FieldValue | None"]
Content: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]


class _Readers(NamedTuple):
    """What reads the columns of a plan from the fields of an event."""

    content: Callable[[Get, int, GeoPoint | None], Content]
    """Numbers and counterparts."""
    columns: Callable[[Get, int, GeoPoint | None], tuple[int, ...]]
    """One after another."""


@lru_cache(maxsize=4_096)
def _readers_of(plan: KindPlan) -> _Readers:
    """Generates what reads the columns of a plan: our text, with numbers for names."""
    numbers = " ".join(
        _PLACE if column.place else (_MONEY if column.money else _NUMBER).format(f"n{at}")
        for at, column in enumerate(plan.numbers)
    )
    counterparts = " ".join(_COUNTERPART.format(f"c{at}") for at in range(len(plan.counterparts)))
    scope: dict[str, object] = {
        "Money": Money,
        "MISSING": MISSING,
        "NOBODY": NOBODY,
        "hashed": _hash,
        "packed_place": packed_place,
        "number_of": _currency_number,
    }
    scope |= {f"n{at}": column.field for at, column in enumerate(plan.numbers)}
    scope |= {f"c{at}": field for at, field in enumerate(plan.counterparts)}
    texts = [f"(({numbers}), ({counterparts}))", f"({numbers} {counterparts})"]
    return _Readers(*[eval(f"lambda get, currency, place: {text}", scope) for text in texts])  # noqa: S307 # Our own.


@lru_cache(maxsize=131_072)
def _hash(value: str) -> int:
    return int.from_bytes(sha256(value.encode()).digest()[:8]) or 1
