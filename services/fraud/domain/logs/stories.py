"""Tells which record of a transaction counts, of those transactions that have more than one.

Records count in order of arrival, and all that are restored before all that are not. An event counts unless one of its
transaction counts already, a withdrawal ends it, a correction counts instead of it.
"""

from __future__ import annotations

from bisect import insort
from typing import NamedTuple

from services.fraud.domain.logs.records import CORRECTION, EVENT, RESTORED, WITHDRAWAL
from services.fraud.domain.logs.rows import Rows

__all__ = ["NOWHERE", "State", "Stories", "arrival_of"]

BEFORE_ALL = 2**40
"""Between the arrivals of records that are restored and of others."""


class State(NamedTuple):
    """Where a transaction stands: the places of the event that began it and of the record that counts; -1 if none."""

    event: int
    counting: int


NOWHERE = State(-1, -1)


def arrival_of(rows: Rows, place: int) -> int:
    """The arrival of a record: less than that of every record that came after it."""
    return place - BEFORE_ALL if rows.kind(place) & RESTORED else place


class Stories:
    """The records of transactions that have more than an event and its repeats."""

    __slots__ = ("_rows", "known")

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.known: dict[int, list[int]] = {}
        """The places of the records of each, in order of arrival."""

    def begin(self, transaction: int, event: int) -> None:
        """Begins the story of a transaction with its event, -1 if it has none yet."""
        self.known[transaction] = [event] if event >= 0 else []

    def tell(self, transaction: int, place: int) -> None:
        """Adds a record to a story, unless it is the repeat of an event and changes nothing, whatever is to come."""
        story, kind = self.known[transaction], self._rows.kind(place)
        if kind & ~RESTORED == EVENT and self._goes_on(story, kind & RESTORED):
            return
        insort(story, place, key=lambda each: arrival_of(self._rows, each))

    def _goes_on(self, story: list[int], restored: int) -> bool:
        """Tells whether an event of those that are restored, or of those that are not, was not withdrawn by them."""
        kinds = [self._rows.kind(place) for place in story]
        own = [kind & ~RESTORED for kind in kinds if kind & RESTORED == restored]
        latest = next((kind for kind in reversed(own) if kind in (EVENT, WITHDRAWAL)), WITHDRAWAL)
        return latest == EVENT

    def state(self, transaction: int, before: int | None = None) -> State:
        """How the story ends, or how it stood when the record of the arrival `before` came."""
        state, rows = NOWHERE, self._rows
        for place in self.known[transaction]:
            if before is not None and arrival_of(rows, place) >= before:
                break
            kind = rows.kind(place) & ~RESTORED
            if kind == EVENT and state is NOWHERE:
                state = State(place, place)
            elif kind == WITHDRAWAL:
                state = NOWHERE
            elif kind == CORRECTION and state is not NOWHERE:
                state = State(state.event, place)
        return state

    def first_since(self, time: int) -> int:
        """The first place of the stories that have a record of that time or later: they need all of theirs."""
        rows = self._rows
        stories = (story for story in self.known.values() if any(rows.time(place) >= time for place in story))
        return min(map(min, stories), default=rows.end)

    def forget(self) -> None:
        """Drops the records that are gone."""
        base = self._rows.base
        kept = {key: [place for place in story if place >= base] for key, story in self.known.items()}
        self.known = {key: story for key, story in kept.items() if story}
