"""Tells which record of a transaction counts.

Records count in order of arrival, and all that are restored before all that are not. An event counts unless one of its
transaction counts already. A withdrawal takes away the attempt that it names: the transaction counts while any attempt
of it is left. A correction counts instead of the event.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from typing import NamedTuple

from services.fraud.domain.declared.records import CORRECTION, EVENT, RESTORED, WITHDRAWAL
from services.fraud.domain.logs.bulk import Chunk
from services.fraud.domain.logs.rows import Rows
from services.fraud.domain.logs.transactions import TransactionIndex

__all__ = ["NOWHERE", "Sifted", "Stories", "TransactionState", "arrival_of", "arrived_before"]

STORY_BYTES = 300
BEFORE_ALL = 2**40
"""Between the arrivals of records that are restored and of others."""


class TransactionState(NamedTuple):
    """Where a transaction stands: the places of the event that began it and of the record that counts; -1 if none."""

    event: int
    counting: int


NOWHERE = TransactionState(-1, -1)


class Sifted(NamedTuple):
    """The numbers of the records of a chunk that are not only put into their streams."""

    single: set[int]
    """They must be applied one by one."""
    repeats: set[int]
    """They change nothing."""
    labels: set[int]


def arrival_of(rows: Rows, place: int) -> int:
    """The arrival of a record: less than that of every record that came after it."""
    return place - BEFORE_ALL if rows.kind(place) & RESTORED else place


def arrived_before(rows: Rows, arrival: int, but: int) -> bytes:
    """The records that came before an arrival, in that order, without those of one transaction."""
    places = [place for place in range(rows.base, rows.end) if arrival_of(rows, place) < arrival]
    places.sort(key=lambda place: arrival_of(rows, place))
    size = rows.layout.size
    offsets = [(place - rows.base) * size for place in places if rows.transaction(place) != but]
    return b"".join(rows.packed[offset : offset + size] for offset in offsets)


class Stories:
    """The transactions of a log."""

    __slots__ = ("_rows", "index", "known")

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.index = TransactionIndex(rows)
        self.known: dict[int, list[int]] = {}
        """The places of the records of each that has more than an event and its repeats, in order of arrival.

        The transaction that got its last record last is the last.
        """

    def size_bytes(self) -> int:
        """About how much memory it takes."""
        return self.index.size_bytes() + STORY_BYTES * len(self.known)

    def sift(self, chunk: Chunk) -> Sifted:
        """Tells apart what has to be done with the records of a chunk."""
        special = chunk.special()
        labels = {at for at in special if chunk.is_label(at)}
        single = set(special) - labels
        touched = {chunk.transactions[at] for at in single}
        if single or not self.known.keys().isdisjoint(chunk.transactions):
            single.update(at for at, each in enumerate(chunk.transactions) if each in touched or each in self.known)
            single -= labels
        there = self.index.claim_all(chunk.transactions, chunk.start, single | labels if labels else single)
        repeats = {at for at in there if self.is_repeat(chunk.transactions[at], chunk.start + at)}
        return Sifted(single.union(there) - repeats, repeats, labels)

    def is_repeat(self, transaction: int, place: int) -> bool:
        """Tells whether the event of a transaction that is here already changes nothing, whatever is to come."""
        # Which of two attempts counts depends on what is withdrawn; of two that are restored or not, on what else is.
        rows, event = self._rows, self.index.find(transaction, place)
        same = rows.kind(event) == rows.kind(place) and rows.attempt(event) == rows.attempt(place)
        return same and transaction not in self.known

    def tell(self, transaction: int, place: int) -> tuple[TransactionState, TransactionState]:
        """Adds a record to the story of its transaction. Returns how it ended before, and how it ends now."""
        story = self.known.get(transaction)
        if story is None:
            event = self.index.find(transaction, place)
            story = self.known[transaction] = [event] if event >= 0 else []
        before = self.state(transaction)
        if self._rows.kind(place) & ~RESTORED == EVENT and self._is_told(story, place):
            return before, before
        insort(story, place, key=lambda each: arrival_of(self._rows, each))
        self.known[transaction] = self.known.pop(transaction)
        return before, self.state(transaction)

    def _is_told(self, story: list[int], place: int) -> bool:
        """Tells whether the same attempt stands, among records that are restored as this one is or not."""
        rows, kind, attempt = self._rows, self._rows.kind(place), self._rows.attempt(place)
        same = [rows.kind(each) for each in story if rows.attempt(each) == attempt]
        own = [each & ~RESTORED for each in same if not (each ^ kind) & RESTORED]
        return bool(own) and own[-1] == EVENT

    def state(self, transaction: int, before: int | None = None) -> TransactionState:
        """How a transaction stands, or how it stood when the record of the arrival `before` came."""
        rows = self._rows
        if transaction not in self.known:
            event = self.index.find(transaction, rows.end)
            late = event < 0 or (before is not None and arrival_of(rows, event) >= before)
            return NOWHERE if late else TransactionState(event, event)
        attempts: dict[int, int] = {}
        corrected = -1
        for place in self.known[transaction]:
            if before is not None and arrival_of(rows, place) >= before:
                break
            kind = rows.kind(place) & ~RESTORED
            if kind == EVENT:
                attempts.setdefault(rows.attempt(place), place)
            elif kind == WITHDRAWAL:
                attempts.pop(rows.attempt(place), None)
            elif kind == CORRECTION and attempts:
                corrected = place
            if not attempts:
                corrected = -1
        event = next(iter(attempts.values()), -1)
        return TransactionState(event, corrected if corrected >= 0 else event)

    def told_since(self, arrival: int) -> Iterator[int]:
        """The transactions with more than an event and its repeats of which a record came since an arrival."""
        for transaction, story in reversed(self.known.items()):
            if max(story, default=-1) < arrival:
                return
            if arrival_of(self._rows, story[-1]) >= arrival:
                yield transaction

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
