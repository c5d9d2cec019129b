"""Reads who paid, when, and whether it was fraud, of all transactions of a file."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random

from console.failure import CommandFailure
from console.replaying.records import Record

__all__ = ["Transactions", "day_of"]

USER = "user_id="


def day_of(seconds: float) -> date:
    """Returns the day, in UTC, of a time in seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).date()


class Transactions:
    """The transactions of a file by their place in it."""

    def __init__(self) -> None:
        self.customers: list[str] = []
        self.fraud = bytearray()
        self.times = array("d")
        self.identifiers: list[str] = []
        self._days: dict[date, tuple[int, int]] = {}
        self._compromised: dict[date, set[str]] = {}

    @classmethod
    def read(cls, records: Iterable[Record], shuffled_by: int | None = None) -> Transactions:
        """Reads a file; with a seed the frauds of each day are other transactions of that day, drawn at random.

        Raises CommandFailure unless each has a label and they are in the order of their days.
        """
        found = cls()
        names: dict[str, str] = {}
        for record in records:
            found._add(record, names)
        if not found.customers:
            raise CommandFailure("The file has no transactions.")
        if shuffled_by is not None:
            found._shuffle(Random(shuffled_by))
        found._note_compromised()
        return found

    def _add(self, record: Record, names: dict[str, str]) -> None:
        day, place = day_of(record.event_time), len(self.customers)
        if record.is_fraud is None:
            raise CommandFailure(f"Line {record.line} does not say whether it is fraud.")
        if day not in self._days and self._days and day < self.last:
            raise CommandFailure(f"Line {record.line} is of {day}, after lines of {self.last}: sort the file by time.")
        customer = next((key.removeprefix(USER) for key in record.keys if key.startswith(USER)), "")
        # Thousands of names stand for millions of transactions.
        customer = names.setdefault(customer, customer)
        self._days[day] = self._days.get(day, (place, place))[0], place + 1
        self.customers.append(customer)
        self.fraud.append(record.is_fraud)
        self.times.append(record.event_time)
        self.identifiers.append(record.transaction_id)

    def _shuffle(self, dice: Random) -> None:
        for first, end in self._days.values():
            frauds = list(self.fraud[first:end])
            dice.shuffle(frauds)
            self.fraud[first:end] = bytes(frauds)

    def _note_compromised(self) -> None:
        for day, places in self._days.items():
            self._compromised[day] = {self.customers[place] for place in range(*places) if self.fraud[place]}

    def __len__(self) -> int:
        return len(self.customers)

    @property
    def first(self) -> date:
        return next(iter(self._days))

    @property
    def last(self) -> date:
        return next(reversed(self._days))

    def of(self, day: date) -> range:
        """Returns the places of the transactions of a day."""
        return range(*self._days.get(day, (0, 0)))

    def compromised(self, day: date) -> set[str]:
        """Returns the customers of whom there is fraud on a day."""
        return self._compromised.get(day, set())

    def frauds(self, since: date, until: date) -> Sequence[int]:
        """Returns the places of the frauds from one day to before another."""
        days = ((since + timedelta(days=day)) for day in range((until - since).days))
        return [place for day in days for place in self.of(day) if self.fraud[place]]
