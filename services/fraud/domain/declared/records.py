"""Packs and unpacks the records of a log.

A record is 24 bytes and 8 for each column, little-endian, so that every part of it begins at a whole word:

    time i64, in ms since 1970
    transaction u64, a hash
    kind u8 (bit 7: restored), type u8, currency u16, filters u16, attempt u16
    numbers i64 each, counterparts u64 each
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.event import SaidOfEvent

__all__ = [
    "CORRECTION",
    "EVENT",
    "HEAD_BYTES",
    "KIND_AT",
    "LABEL",
    "MISSING",
    "NOBODY",
    "RESTORED",
    "WITHDRAWAL",
    "LogRecord",
    "RecordLayout",
    "any_restored",
    "attempt_of",
    "currency_letters",
    "currency_number",
    "withdrawal",
]

EVENT, WITHDRAWAL, CORRECTION, LABEL = range(4)
"""Kinds of record."""
RESTORED = 0x80
MISSING = -(2**63)
"""A number that the event does not have."""
NOBODY = 0
"""The hash of a counterpart that the event does not have."""
HEAD = "<qQBBHHH"
HEAD_BYTES = 24
_HEAD = struct.Struct(HEAD)
_ATTEMPT = struct.Struct("<8xQ6xH")
KIND_AT = 16
WORD = 8
LETTERS = 26


class LogRecord(NamedTuple):
    """One record of a log. A withdrawal and a label need no columns; a correction holds the new values of all."""

    time: int
    """The event's, in ms since 1970; of a label, when it became known."""
    transaction: int
    """64-bit hash of what makes the event one."""
    numbers: tuple[int, ...]
    """In the order of the plan, MISSING for none. An amount in another currency than `currency` is kept as missing."""
    counterparts: tuple[int, ...]
    """64-bit hashes in the order of the plan, NOBODY for none."""
    type: int = 0
    """The index of the event type in the plan."""
    currency: int = 0
    """`currency_number` of the first money that the event has, 0 for none."""
    filters: int = 0
    """A bit for each filter of the plan that holds for the event. Of a label: 1 if it says fraud, else 0."""
    kind: int = EVENT
    attempt: int = 0
    """Which of the attempts at a transaction appended the record. A withdrawal takes away that attempt alone.

    Of a label: its number among those of the transaction, from 1 on.
    """
    restored: bool = False
    """Read from the store after a loss: counts as having arrived before every record that is not restored."""


class RecordLayout:
    """The layout of the records of one kind of key."""

    __slots__ = ("_numbers", "counterparts_at", "numbers_at", "size", "struct", "words")

    def __init__(self, plan: KindPlan) -> None:
        self._numbers = len(plan.numbers)
        self.struct = struct.Struct(HEAD + "q" * self._numbers + "Q" * len(plan.counterparts))
        self.size = self.struct.size
        """Of a record, in bytes."""
        self.words = self.size // WORD
        self.numbers_at = 3
        """The word at which the numbers begin. The head is word 0, the time 1, the transaction 2."""
        self.counterparts_at = self.numbers_at + self._numbers

    def pack(self, record: LogRecord) -> bytes:
        """Raises struct.error for numbers beyond 64 bits and for other columns than the plan has."""
        time, transaction, numbers, counterparts, event_type, currency, filters, kind, attempt, restored = record
        if restored:
            kind |= RESTORED
        return self.struct.pack(
            time, transaction, kind, event_type, currency, filters, attempt, *numbers, *counterparts
        )

    def pack_all(self, records: Sequence[LogRecord]) -> bytes:
        return b"".join(map(self.pack, records))

    def label(
        self, known_ms: int, transaction: int, number: int, *, fraud: bool, tag: int = 0, restored: bool = False
    ) -> bytes:
        """Packs a label: when it became known, of which transaction it is, and which of its labels, from 1 on.

        `tag`, of 16 bits, tells the record from one of the same label that is appended another time.
        """
        kind = LABEL | RESTORED if restored else LABEL
        head = _HEAD.pack(known_ms, transaction, kind, 0, tag, fraud, number)
        return head + bytes(self.size - HEAD_BYTES)

    def restored_labels(self, transaction: int, labels: Iterable[SaidOfEvent]) -> bytes:
        """Packs the labels of a transaction that are read from the store, as such that were restored."""
        said = (
            self.label(known_ms, transaction, number, fraud=is_fraud, restored=True)
            for number, known_ms, is_fraud in labels
        )
        return b"".join(said)

    def unpack(self, data: bytes | bytearray, offset: int = 0) -> LogRecord:
        time, transaction, kind, event_type, currency, filters, attempt, *columns = self.struct.unpack_from(
            data, offset
        )
        numbers = self._numbers
        return LogRecord(
            time,
            transaction,
            tuple(columns[:numbers]),
            tuple(columns[numbers:]),
            event_type,
            currency,
            filters,
            kind & ~RESTORED,
            attempt,
            kind >= RESTORED,
        )

    def unpack_all(self, data: bytes | bytearray) -> list[LogRecord]:
        """The whole records of the data, without a torn one at its end."""
        return [self.unpack(data, offset) for offset in range(0, len(data) - self.torn(data), self.size)]

    def torn(self, data: bytes | bytearray) -> int:
        """How many bytes at the end are no whole record: other than 0, the log is damaged."""
        return len(data) % self.size


def any_restored(records: bytes, size: int) -> bool:
    """Tells whether any of some packed records, of a size, counts as having arrived before those in front of it."""
    return max(records[KIND_AT::size], default=EVENT) >= RESTORED


def attempt_of(head: bytes) -> tuple[int, int]:
    """Returns the transaction of a record with this head, and which attempt at it appended the record."""
    transaction, attempt = _ATTEMPT.unpack_from(head)
    return transaction, attempt


def withdrawal(head: bytes, size: int) -> bytes:
    """Returns the record, of a size, that withdraws the attempt whose record has this head."""
    return head[:KIND_AT] + bytes([WITHDRAWAL]) + head[KIND_AT + 1 : HEAD_BYTES] + bytes(size - HEAD_BYTES)


def currency_number(letters: str) -> int:
    """A number of 16 bits for a code of three capital letters, 0 for none. Raises ValueError for what is no code."""
    if not letters:
        return 0
    if len(letters) != 3 or not all("A" <= letter <= "Z" for letter in letters):
        raise ValueError(f"{letters!r} is no code of a currency")
    number = 0
    for letter in letters:
        number = number * LETTERS + ord(letter) - ord("A")
    return number + 1


@lru_cache(maxsize=512)
def currency_letters(number: int) -> str:
    """The code of a number that `currency_number` made, empty for 0."""
    if not number:
        return ""
    first, rest = divmod(number - 1, LETTERS * LETTERS)
    return "".join(chr(ord("A") + each) for each in (first, *divmod(rest, LETTERS)))
