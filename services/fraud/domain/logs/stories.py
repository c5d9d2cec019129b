"""Tells which record of a transaction counts, of those transactions that have more than one.

Records count in order of arrival, and all that are restored before all that are not. An event counts unless one of its
transaction counts already. A withdrawal takes away the attempt that it names: the transaction counts while any attempt
of it is left. A correction counts instead of the event.
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
        """Adds a record to a story, unless it is one of an attempt that is in it."""
        story, rows = self._stories[transaction], self._rows
        if rows.kind(place) & ~RESTORED == EVENT and self._is_told(story, place):
            return
        insort(story, place, key=lambda each: arrival_of(rows, each))

    def _is_told(self, story: list[int], place: int) -> bool:
        """Tells whether the same attempt stands, among records that are restored as this one is or not."""
        rows, kind, attempt = self._rows, self._rows.kind(place), self._rows.attempt(place)
        same = [
            rows.kind(each) & ~RESTORED
            for each in story
            if each >= rows.base and rows.attempt(each) == attempt and not (rows.kind(each) ^ kind) & RESTORED
        ]
        return bool(same) and same[-1] == EVENT

    def state(self, transaction: int, before: int | None = None) -> State:
        """How the story ends, or how it stood when the record of the arrival `before` came."""
        rows = self._rows
        attempts: dict[int, int] = {}
        corrected = -1
        for place in self._stories[transaction]:
            if place < rows.base:
                continue
            if before is not None and arrival_of(rows, place) >= before:
                break
            kind = rows.kind(place) & ~RESTORED
            if kind == EVENT:
                attempts.setdefault(rows.attempt(place), place)
            elif kind == WITHDRAWAL:
                attempts.pop(rows.attempt(place), None)
            elif kind == CORRECTION and attempts:
                corrected = place
            corrected = corrected if attempts else -1
        if not attempts:
            return NOWHERE
        event = next(iter(attempts.values()))
        return State(event, corrected if corrected >= 0 else event)

    def forget(self) -> None:
        """Drops the stories whose records are all gone."""
        base = self._rows.base
        self._stories = {key: story for key, story in self._stories.items() if story and max(story) >= base}
