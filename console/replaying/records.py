"""Reads transactions from CSV files, in our columns or in those of the Fraud Detection Handbook."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from console.failure import CommandFailure

AMOUNT = re.compile(r"[0-9]{1,13}(\.[0-9]+)?")
LABELS = {"": None, "0": False, "1": True, "false": False, "true": True}
LONGEST_ID = 128
KEYS = ("user_id", "merchant_id", "device_fingerprint", "ip_address", "card_fingerprint")


@dataclass(frozen=True)
class Layout:
    """Which column holds which field of a request, and what every request of such a file says besides."""

    columns: dict[str, str]
    label: str
    constants: dict[str, str] = field(default_factory=dict)
    prefixed: bool = False
    """True if identifiers are unique within the file only, so that they take its name in front."""


OWN = Layout(
    columns={
        "transaction_id": "transaction_id",
        "event_time": "event_time",
        "user_id": "user_id",
        "transaction_amount": "amount",
        "merchant_id": "merchant_id",
        "currency": "currency",
        "channel": "channel",
        "device_fingerprint": "device_fingerprint",
        "ip_address": "ip_address",
        "card_fingerprint": "card_fingerprint",
    },
    label="is_fraud",
)
HANDBOOK = Layout(
    columns={
        "transaction_id": "TRANSACTION_ID",
        "event_time": "TX_DATETIME",
        "user_id": "CUSTOMER_ID",
        "transaction_amount": "TX_AMOUNT",
        "merchant_id": "TERMINAL_ID",
    },
    label="TX_FRAUD",
    constants={"channel": "card_present"},
    prefixed=True,
)
REQUIRED = ("transaction_id", "event_time", "user_id", "transaction_amount")


@dataclass(frozen=True, slots=True)
class Record:
    """One transaction. `row` counts from 0, `event_time` is in seconds since 1970, `body` is the JSON request."""

    row: int
    transaction_id: str
    event_time: float
    keys: tuple[str, ...]
    body: bytes
    is_fraud: bool | None


class TransactionFile:
    """A CSV file, plain or compressed with gzip. `name` stands before identifiers that are not unique by themselves."""

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        self.name = name or path.name.removesuffix(".gz").removesuffix(".csv")
        self._is_named = name is not None

    def records(self, limit: int | None = None) -> Iterator[Record]:
        """Reads from the beginning. Raises Failure that names the line and column of what is wrong."""
        try:
            with self._open() as text:
                yield from islice(self._parse(csv.reader(text, strict=True)), limit)
        except (OSError, EOFError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise CommandFailure(f"Cannot read {self.path}: {said}.") from error

    def _open(self) -> io.TextIOBase:
        if self.path.suffix == ".gz":
            return gzip.open(self.path, "rt", encoding="utf-8-sig", newline="")
        return open(self.path, encoding="utf-8-sig", newline="")

    def _parse(self, reader: Iterator[list[str]]) -> Iterator[Record]:
        line = 1
        try:
            header = next(reader, [])
            row_reader = self._row_reader(header)
            for row, values in enumerate(reader):
                line = row + 2
                if len(values) != len(header):
                    raise _WrongValueError(f"has {len(values)} columns, the first line has {len(header)}")
                yield row_reader.read(row, values)
        except (csv.Error, _WrongValueError) as error:
            raise CommandFailure(f"{self.path}, line {line}: {error}.") from error

    def _row_reader(self, header: list[str]) -> _RowReader:
        layout = HANDBOOK if "TRANSACTION_ID" in header else OWN
        missing = [layout.columns[name] for name in REQUIRED if layout.columns[name] not in header]
        if missing:
            known = "the columns of `rampart simulate` or of the Fraud Detection Handbook"
            raise _WrongValueError(f"column {missing[0]} is missing; expected {known}")
        prefix = f"{self.name}-" if layout.prefixed or self._is_named else ""
        return _RowReader(layout, {column: place for place, column in enumerate(header)}, prefix)


class _WrongValueError(Exception):
    """A value that makes no request; the message starts with its column."""


class _RowReader:
    """Turns the values of a line into a record."""

    def __init__(self, layout: Layout, places: dict[str, int], prefix: str) -> None:
        self._columns = layout.columns
        self._places = {name: places[column] for name, column in layout.columns.items() if column in places}
        self._label = layout.label
        self._label_place = places.get(layout.label)
        self._constants = layout.constants
        self._prefix = prefix

    def read(self, row: int, values: list[str]) -> Record:
        texts = {name: values[place] for name, place in self._places.items() if values[place]}
        for name in REQUIRED:
            if name not in texts:
                raise self._wrong(name, "is empty")
        texts["transaction_id"] = transaction_id = self._prefix + texts["transaction_id"]
        if len(transaction_id) > LONGEST_ID:
            raise self._wrong("transaction_id", f"makes an identifier of more than {LONGEST_ID} characters")
        moment = self._time(texts["event_time"])
        texts["event_time"] = moment.isoformat().replace("+00:00", "Z")
        amount = texts["transaction_amount"]
        if not AMOUNT.fullmatch(amount):
            raise self._wrong("transaction_amount", f"{amount!r} is not an amount")
        request = texts | self._constants | {"transaction_amount": float(amount)}
        keys = tuple(f"{name}={texts[name]}" for name in KEYS if name in texts)
        body = json.dumps(request).encode()
        return Record(row, transaction_id, moment.timestamp(), keys, body, self._is_fraud(values))

    def _time(self, text: str) -> datetime:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise self._wrong("event_time", f"{text!r} is not a time") from None
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

    def _is_fraud(self, values: list[str]) -> bool | None:
        if self._label_place is None:
            return None
        text = values[self._label_place]
        if text not in LABELS:
            raise _WrongValueError(f"column {self._label}: {text!r} is neither 0 nor 1")
        return LABELS[text]

    def _wrong(self, name: str, what: str) -> _WrongValueError:
        return _WrongValueError(f"column {self._columns[name]}: {what}")
