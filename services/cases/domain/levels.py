"""How urgent something is: by its score, by the money at stake, and by how long it has waited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

__all__ = [
    "AGES",
    "LEAST_THRESHOLD",
    "AmountSum",
    "CaseSettings",
    "UrgencyLevel",
    "at_stake",
    "level_of",
    "priority_at",
    "summed",
]

HIGH_SCORES = (0.9, 0.98)
HIGH_STAKES = (500_00, 5_000_00)
"""In hundredths of a unit of the currency."""
LEAST_THRESHOLD = 0.5
"""A score below raises no alert, whatever the tenant's threshold."""
AGES = (timedelta(hours=24), timedelta(hours=72))
"""Each raises what waits by one step."""


class UrgencyLevel(IntEnum):
    """Severity of an alert, priority of a case."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    URGENT = 3

    @property
    def word(self) -> str:
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> UrgencyLevel:
        return cls[word.upper()]


class AmountSum(NamedTuple):
    """What transactions were worth in one currency."""

    currency: str
    minor: int
    """In smallest units."""
    digits: int


def summed(amounts: Iterable[AmountSum]) -> tuple[AmountSum, ...]:
    """Returns one sum for each currency, in the order of their codes."""
    found: dict[str, AmountSum] = {}
    for each in amounts:
        known = found.get(each.currency)
        found[each.currency] = each._replace(minor=each.minor + known.minor) if known else each
    return tuple(found[code] for code in sorted(found))


def at_stake(amounts: Sequence[AmountSum]) -> int:
    """Returns what sums are compared by: hundredths of a unit, whatever the currency, for no rates are known here."""
    return sum(each.minor * 100 // int(10**each.digits) for each in amounts)


def level_of(score: float, amounts: Sequence[AmountSum]) -> UrgencyLevel:
    money = at_stake(amounts)
    steps = sum(score >= each for each in HIGH_SCORES) + sum(money >= each for each in HIGH_STAKES)
    return UrgencyLevel(min(steps, UrgencyLevel.URGENT))


def priority_at(level: UrgencyLevel, since: datetime, now: datetime) -> UrgencyLevel:
    """Returns the priority of what has waited since a time."""
    steps = sum(now - since >= age for age in AGES)
    return UrgencyLevel(min(level + steps, UrgencyLevel.URGENT))


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSettings:
    """When alerts of a tenant are raised, and how long its cases may take."""

    threshold: float = 0.95
    """Score from which a decision raises an alert."""
    low_hours: int = 168
    normal_hours: int = 72
    high_hours: int = 24
    urgent_hours: int = 4
    revision: int = 0
    """Zero until they are first set."""

    def due(self, level: UrgencyLevel, opened: datetime) -> datetime:
        """Returns when a case is to be closed. It is by what it is about and not by its age."""
        hours = (self.low_hours, self.normal_hours, self.high_hours, self.urgent_hours)
        return opened + timedelta(hours=hours[level])
