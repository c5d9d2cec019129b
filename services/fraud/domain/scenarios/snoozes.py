"""Snoozes: a rule does not count for one key until a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["LONGEST_SNOOZE", "MOST_SNOOZES", "RecordedSnoozes", "Snooze", "Snoozes"]

MOST_SNOOZES = 10_000
"""Of a tenant, not counting those that are over."""
LONGEST_SNOOZE = timedelta(days=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze:
    """One rule, one key, until a time."""

    rule_id: str
    """In whichever scenario has it."""
    field: str
    """Of the event: a key."""
    value: str
    """In its canonical form."""
    until: datetime
    """From then on the rule counts again."""
    reason: str = ""
    created_by: str = ""
    created_at: datetime


class Snoozes:
    """The snoozes of a tenant, to be asked when rules have fired."""

    __slots__ = ("_by_rule",)

    def __init__(self, snoozes: Iterable[Snooze] = ()) -> None:
        by_rule: dict[str, dict[str, dict[str, datetime]]] = {}
        for each in snoozes:
            values = by_rule.setdefault(each.rule_id, {}).setdefault(each.field, {})
            values[each.value] = max(each.until, values.get(each.value, each.until))
        self._by_rule = by_rule

    def __bool__(self) -> bool:
        return bool(self._by_rule)

    def of(self, rules: Iterable[str], key_of: Callable[[str], object], now: datetime) -> Collection[str]:
        """Returns those of the rules that are snoozed. `key_of` gives the event's value of a field, None for none."""
        return [rule for rule in rules if rule in self._by_rule and self._asleep(rule, key_of, now)]

    def _asleep(self, rule: str, key_of: Callable[[str], object], now: datetime) -> bool:
        for field, values in self._by_rule[rule].items():
            value = key_of(field)
            until = values.get(value) if isinstance(value, str) else None
            if until is not None and now < until:
                return True
        return False


class RecordedSnoozes(Snoozes):
    """What was snoozed when an event was decided, whatever is now."""

    __slots__ = ("_rules",)

    def __init__(self, rules: Iterable[str]) -> None:
        super().__init__()
        self._rules = frozenset(rules)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def of(self, rules: Iterable[str], key_of: Callable[[str], object], now: datetime) -> Collection[str]:
        return [rule for rule in rules if rule in self._rules]
