"""Reads transactions from CSV files and checks them before any is sent."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from console.arguments import in_utc, rfc3339
from console.failure import CommandFailure
from console.replaying.contract import violations
from console.replaying.layout import REQUIRED, Layout, WrongHeaderError, layout_of
from meshkit.canonical import canonical_address

AMOUNT = re.compile(r"[0-9]{1,13}(\.[0-9]+)?", re.ASCII)
LABELS = {"": None, "0": False, "1": True, "false": False, "true": True}
KEYS = ("user_id", "merchant_id", "device_fingerprint", "ip_address", "card_fingerprint")
Contract = Callable[[Mapping[str, Any], datetime], list[tuple[str, str]]]
"""Returns the fields of a request that break its contract, each with what was expected."""
SHOWN_LINES = 10
"""Wrong lines that are named at once."""
SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Record:
    """One transaction. `row` counts from 0, `event_time` is in seconds since 1970, `body` is the JSON request."""

    row: int
    line: int
    transaction_id: str
    event_time: float
    keys: tuple[str, ...]
    body: bytes
    is_fraud: bool | None
    layout: Layout

    def fault(self, field: str, expected: str) -> str:
        """Says where the value of a field came from, what it is and what was expected."""
        return f"line {self.line}, {_fault(self.layout, field, json.loads(self.body).get(field), expected)}"


@dataclass(frozen=True, slots=True)
class WrongLine:
    """A line that makes no request, and why."""

    line: int
    what: str


class TransactionFile:
    """A CSV file, plain or compressed with gzip. `name` stands before identifiers that are not unique by themselves."""

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        self.name = name or path.name.removesuffix(".gz").removesuffix(".csv")
        self._is_named = name is not None

    def check(self, limit: int | None = None) -> list[bool | None]:
        """Reads everything and returns the labels. Raises CommandFailure that names lines, columns and values."""
        labels: list[bool | None] = []
        # Hashes: a file may have millions of identifiers.
        identifiers: set[int] = set()
        wrong: list[str] = []
        for each in self._lines(limit, violations):
            if isinstance(each, WrongLine):
                said = f"line {each.line}, {each.what}"
            elif (identifier := hash(each.transaction_id)) in identifiers:
                said = each.fault("transaction_id", "stands in an earlier line as well")
            else:
                identifiers.add(identifier)
                labels.append(each.is_fraud)
                continue
            if len(wrong) == SHOWN_LINES:
                wrong.append("and further lines")
                break
            wrong.append(f"{self.path}, {said}")
        if wrong:
            raise CommandFailure("\n".join([*wrong, "Nothing was sent."]))
        return labels

    def records(self, limit: int | None = None) -> Iterator[Record]:
        """Reads what `check` has accepted. Raises CommandFailure if it has changed into what makes no request."""
        for each in self._lines(limit, _no_violations):
            if isinstance(each, WrongLine):
                raise CommandFailure(f"{self.path}, line {each.line}, {each.what}")
            yield each

    def _lines(self, limit: int | None, contract: Contract) -> Iterator[Record | WrongLine]:
        try:
            with self._open() as text:
                yield from islice(self._parse(csv.reader(text, strict=True), contract), limit)
        except UnicodeDecodeError:
            raise CommandFailure(f"{self.path}, {self._undecodable()}. Nothing was sent.") from None
        except (OSError, EOFError) as error:
            said = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise CommandFailure(f"Cannot read {self.path}: {said}.") from error

    def _undecodable(self) -> str:
        """Says where the file is no UTF-8."""
        with gzip.open(self.path) if self.path.suffix == ".gz" else open(self.path, "rb") as file:
            for line, content in enumerate(file, 1):
                try:
                    content.decode()
                except UnicodeDecodeError as error:
                    wrong = content[error.start]
                    return f"line {line}: byte {error.start + 1} of it is {wrong:#04x}; expected text in UTF-8"
        return "no line can be read as UTF-8"

    def _open(self) -> io.TextIOBase:
        if self.path.suffix == ".gz":
            return gzip.open(self.path, "rt", encoding="utf-8-sig", newline="")
        return open(self.path, encoding="utf-8-sig", newline="")

    def _parse(self, reader: Any, contract: Contract) -> Iterator[Record | WrongLine]:
        line = 1
        try:
            header: list[str] = next(reader, [])
            lines = _LineReader(header, layout_of(header), self._prefix, contract)
            line = reader.line_num + 1
            for row, values in enumerate(reader):
                yield lines.read(row, line, values)
                line = reader.line_num + 1
        except (csv.Error, WrongHeaderError) as error:
            raise CommandFailure(f"{self.path}, line {line}: {error}. Nothing was sent.") from error

    def _prefix(self, layout: Layout) -> str:
        return f"{self.name}-" if layout.prefixed or self._is_named else ""


def _canonical(name: str, text: str) -> str:
    """Returns an identifier as the platform counts it: an address has more than one spelling."""
    return (canonical_address(text) or text) if name == "ip_address" else text


class _WrongValueError(Exception):
    """A value that makes no request; the message starts with its column."""


class _LineReader:
    """Turns the values of a line into a record."""

    def __init__(self, header: list[str], layout: Layout, prefix: Callable[[Layout], str], contract: Contract) -> None:
        places = {column: place for place, column in enumerate(header)}
        self._width = len(header)
        self._layout = layout
        self._places = {name: places[column] for name, column in layout.columns.items() if column in places}
        self._label_place = places.get(layout.label)
        self._prefix = prefix(layout)
        self._contract = contract

    def read(self, row: int, line: int, values: list[str]) -> Record | WrongLine:
        try:
            return self._record(row, line, values)
        except _WrongValueError as error:
            return WrongLine(line, str(error))

    def _record(self, row: int, line: int, values: list[str]) -> Record:
        if len(values) != self._width:
            raise _WrongValueError(f"has {len(values)} columns; expected {self._width} as in the first line")
        texts = {name: values[place] for name, place in self._places.items() if values[place]}
        for name in REQUIRED:
            if name not in texts:
                raise self._wrong(name, "", "is required")
        moment = self._time(texts["event_time"])
        request: dict[str, Any] = {
            **texts,
            **self._layout.constants,
            "transaction_id": self._prefix + texts["transaction_id"],
            "event_time": moment.isoformat().replace("+00:00", "Z"),
            "transaction_amount": self._amount(texts["transaction_amount"]),
        }
        if found := self._contract(request, moment):
            raise _WrongValueError(
                "; ".join(_fault(self._layout, name, request.get(name), said) for name, said in found)
            )
        keys = tuple(f"{name}={_canonical(name, texts[name])}" for name in KEYS if name in texts)
        body = json.dumps(request).encode()
        return Record(
            row, line, request["transaction_id"], moment.timestamp(), keys, body, self._is_fraud(values), self._layout
        )

    def _time(self, text: str) -> datetime:
        try:
            return in_utc(rfc3339(text))
        except (ValueError, OverflowError):
            raise self._wrong("event_time", text, "must be a time such as 2026-01-31T08:00:00Z (RFC 3339)") from None

    def _amount(self, text: str) -> float:
        """A double carries amounts: what it cannot hold would be another amount."""
        if not AMOUNT.fullmatch(text):
            raise self._wrong("transaction_amount", text, "must be an amount such as 12.50")
        amount = float(text)
        if Decimal(repr(amount)) != Decimal(text):
            raise self._wrong("transaction_amount", text, "must have no more digits than a double holds, some 15")
        return amount

    def _is_fraud(self, values: list[str]) -> bool | None:
        if self._label_place is None:
            return None
        text = values[self._label_place]
        if text not in LABELS:
            raise _WrongValueError(f"column {self._layout.label}: {_shown(text)} must be 0 or 1")
        return LABELS[text]

    def _wrong(self, name: str, value: str, expected: str) -> _WrongValueError:
        return _WrongValueError(_fault(self._layout, name, value, expected))


def _no_violations(request: Mapping[str, Any], event_time: datetime) -> list[tuple[str, str]]:
    """Stands in for the contract where it has been checked before."""
    return []


def _fault(layout: Layout, field: str, value: Any, expected: str) -> str:
    column = layout.columns.get(field, field)
    return f"column {column}: {_shown(value)} {expected}" if value is not None else f"column {column}: {expected}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."
