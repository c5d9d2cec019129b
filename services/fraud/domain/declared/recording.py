"""Makes the records of events: one for each kind of key that an event has a value of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.event import Fields, FieldValue, Money
from services.fraud.domain.logs.records import MISSING, NOBODY, Layout, LogRecord, currency_number

__all__ = ["NUMBER_SCALE", "KindRecorder", "NamedRecord", "recorders"]

NUMBER_SCALE = 10**6
"""Of numbers, which are kept as whole millionths."""
_KEY_SEPARATOR = "\0"


class KindRecorder:
    """Makes the records of one kind of key for the events of one type."""

    __slots__ = ("_counterparts", "_filters", "_key", "_numbers", "_type", "layout", "plan")

    def __init__(self, plan: KindPlan, event_type: str, filters: Sequence[Callable[[Fields], bool]] = ()) -> None:
        """`filters` are those of the plan, in its order."""
        self.plan = plan
        self.layout = Layout(plan)
        self._key = plan.key
        self._type = plan.type_index(event_type)
        self._numbers = tuple(column.field for column in plan.numbers)
        self._counterparts = plan.counterparts
        self._filters = filters

    def key(self, fields: Fields) -> str | None:
        """Returns the value of the key, None for an event that lacks a part of it."""
        if len(self._key) == 1:
            value = fields.get(self._key[0])
            return value if isinstance(value, str) else None
        values = [fields.get(field) for field in self._key]
        return _KEY_SEPARATOR.join(map(str, values)) if all(isinstance(each, str) for each in values) else None

    def record(self, fields: Fields, time: int, transaction: int, attempt: int, *, restored: bool = False) -> LogRecord:
        numbers = tuple([_number(fields.get(field)) for field in self._numbers])
        counterparts = tuple([_counterpart(fields.get(field)) for field in self._counterparts])
        return LogRecord(
            time,
            transaction,
            numbers,
            counterparts,
            self._type,
            _currency(fields),
            self._holding(fields) if self._filters else 0,
            attempt=attempt,
            restored=restored,
        )

    def _holding(self, fields: Fields) -> int:
        return sum(1 << place for place, holds in enumerate(self._filters) if holds(fields))


class NamedRecord(NamedTuple):
    """A record and the value of the key in whose log it is."""

    recorder: KindRecorder
    value: str
    record: LogRecord


def recorders(
    plans: Mapping[str, KindPlan], event_type: str, filters: Mapping[str, Callable[[Fields], bool]]
) -> Sequence[KindRecorder]:
    """Returns what records the events of a type: for each kind that counts them, or whose features they read.

    `filters` are compiled, by their text.
    """
    return [
        KindRecorder(plan, event_type, [filters[text] for text in plan.filters])
        for plan in plans.values()
        if event_type in plan.types or event_type in plan.readers
    ]


def _number(value: FieldValue | None) -> int:
    if isinstance(value, Money):
        return value.minor
    return round(value * NUMBER_SCALE) if isinstance(value, (int, float)) else MISSING


def _counterpart(value: FieldValue | None) -> int:
    return NOBODY if value is None else _hash(str(value))


def _currency(fields: Fields) -> int:
    for value in fields.values():
        if isinstance(value, Money):
            return _currency_number(value.currency)
    return 0


_currency_number = lru_cache(maxsize=512)(currency_number)


@lru_cache(maxsize=131_072)
def _hash(value: str) -> int:
    return int.from_bytes(sha256(value.encode()).digest()[:8]) or 1
