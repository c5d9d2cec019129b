"""Makes the records of events: one for each kind of key that an event has a value of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import TypeAlias

from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.declared.records import EVENT, MISSING, NOBODY, LogRecord, RecordLayout, currency_number
from services.fraud.domain.event import Fields, FieldValue, Money

__all__ = ["NUMBER_SCALE", "KindRecorder", "currency_of", "recorders"]

NUMBER_SCALE = 10**6
"""Of numbers, which are kept as whole millionths."""
_KEY_SEPARATOR = "\0"


class KindRecorder:
    """Makes the records of one kind of key for the events of one type."""

    __slots__ = ("_content", "_filters", "_key", "_type", "field", "layout", "plan")

    def __init__(self, plan: KindPlan, event_type: str, filters: Sequence[Callable[[Fields], bool]] = ()) -> None:
        """`filters` are those of the plan, in its order."""
        self.plan = plan
        self.layout = RecordLayout(plan)
        self._key = plan.key
        self.field = plan.key[0] if len(plan.key) == 1 else ""
        """The field whose value, if it is a text, is that of the key; empty for a key of several."""
        self._type = plan.type_index(event_type)
        self._content = _content_of(plan)
        self._filters = filters

    def key(self, fields: Fields) -> str | None:
        """Returns the value of the key, None for an event that lacks a part of it."""
        if self.field:
            value = fields.get(self.field)
            return value if type(value) is str else None
        values = [fields.get(field) for field in self._key]
        return _KEY_SEPARATOR.join(map(str, values)) if all(isinstance(each, str) for each in values) else None

    def record(
        self, fields: Fields, currency: int, time: int, transaction: int, attempt: int, *, restored: bool = False
    ) -> LogRecord:
        """Returns the record of an event. `currency` is that of `currency_of`."""
        numbers, counterparts = self._content(fields.get)
        filters = self._holding(fields) if self._filters else 0
        content = (time, transaction, numbers, counterparts, self._type, currency, filters, EVENT, attempt, restored)
        return _new(LogRecord, content)

    def _holding(self, fields: Fields) -> int:
        return sum(1 << place for place, holds in enumerate(self._filters) if holds(fields))


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


def currency_of(fields: Fields) -> int:
    """Returns the number of the currency of an event's first money, 0 without any."""
    for value in fields.values():
        if type(value) is Money:
            return _currency_number(value.currency)
    return 0


_new = tuple.__new__
_MONEY = "(v[0] if type(v := get({})) is Money else MISSING),"
_NUMBER = f"(round(v * {NUMBER_SCALE}) if isinstance(v := get({{}}), (int, float)) else MISSING),"
_COUNTERPART = "(NOBODY if (v := get({})) is None else hashed(v if type(v) is str else str(v))),"
Get: TypeAlias = Callable[[str], "FieldValue | None"]
Content: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]


@lru_cache(maxsize=4_096)
def _content_of(plan: KindPlan) -> Callable[[Get], Content]:
    """Generates what reads the columns of a plan from the fields of an event: our text, with numbers for names."""
    numbers = [(_MONEY if column.money else _NUMBER).format(f"n{at}") for at, column in enumerate(plan.numbers)]
    counterparts = [_COUNTERPART.format(f"c{at}") for at in range(len(plan.counterparts))]
    scope: dict[str, object] = {"Money": Money, "MISSING": MISSING, "NOBODY": NOBODY, "hashed": _hash}
    scope |= {f"n{at}": column.field for at, column in enumerate(plan.numbers)}
    scope |= {f"c{at}": field for at, field in enumerate(plan.counterparts)}
    text = f"content = lambda get: (({' '.join(numbers)}), ({' '.join(counterparts)}))"
    exec(text, scope)  # noqa: S102 # The text is our own.
    return scope["content"]  # type: ignore[return-value]


_currency_number = lru_cache(maxsize=512)(currency_number)


@lru_cache(maxsize=131_072)
def _hash(value: str) -> int:
    return int.from_bytes(sha256(value.encode()).digest()[:8]) or 1
