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

    __slots__ = ("_rows", "_stories")

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._stories: dict[int, list[int]] = {}

    def __len__(self) -> int:
        return len(self._stories)

    def __contains__(self, transaction: int) -> bool:
        return transaction in self._stories

    def know_any(self, transactions: list[int]) -> bool:
        """Tells whether one of the transactions has a story."""
        return not self._stories.keys().isdisjoint(transactions)

    def begin(self, transaction: int, event: int) -> None:
        """Begins the story of a transaction with its event, -1 if it has none yet."""
        self._stories[transaction] = [event] if event >= 0 else []

    def tell(self, transaction: int, place: int) -> None:
        """Adds a record to a story, unless it is the repeat of an event and changes nothing, whatever is to come."""
        story, kind = self._stories[transaction], self._rows.kind(place)
        if kind & ~RESTORED == EVENT and self._goes_on(story, kind & RESTORED):
            return
        insort(story, place, key=lambda each: arrival_of(self._rows, each))

    def _goes_on(self, story: list[int], restored: int) -> bool:
        """Tells whether an event of those that are restored, or of those that are not, was not withdrawn by them."""
        kinds = [self._rows.kind(place) for place in story if place >= self._rows.base]
        own = [kind & ~RESTORED for kind in kinds if kind & RESTORED == restored]
        latest = next((kind for kind in reversed(own) if kind in (EVENT, WITHDRAWAL)), WITHDRAWAL)
        return latest == EVENT

    def state(self, transaction: int, before: int | None = None) -> State:
        """How the story ends, or how it stood when the record of the arrival `before` came."""
        state, rows = NOWHERE, self._rows
        for place in self._stories[transaction]:
            if place < rows.base:
                continue
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

    def forget(self) -> None:
        """Drops the stories whose records are all gone."""
        base = self._rows.base
        self._stories = {key: story for key, story in self._stories.items() if story and max(story) >= base}
