"""Reads rows of CSV (RFC 4180) as entries of a list: value, then expire_time and note where there are any."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from meshkit.errors import Violation, validation_failed
from services.fraud.domain.value_lists.lists import NEVER, ListEntry, ends_of
from services.fraud.service.csv_records import csv_records
from services.fraud.service.value_lists.values import Values, WrongValueError

__all__ = ["MAX_NOTE", "MAX_ROWS", "ReadRows", "read_rows"]

COLUMNS = ("value", "expire_time", "note")
MAX_ROWS = 20_000
"""Most rows of one request, so that they can be entered in one transaction."""
MAX_NOTE = 256
MOST_FAULTS = 100
"""Most rows of which a refusal says what is wrong."""
TURN_ROWS = 200
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ReadRows:
    """The entries of some rows: of a value that comes twice the last."""

    rows: int
    entries: Sequence[ListEntry]


def read_rows(data: bytes, first_row: int, values: Values) -> Generator[None, None, ReadRows]:
    """Returns the entries, in turns. A first row that names the columns may put them in any order.

    Raises VALIDATION_FAILED with the number of each row at fault: `first_row` is that of the first one here.
    """
    rows = csv_records(data)
    places = _Places()
    found: dict[str, ListEntry] = {}
    faults: list[Violation] = []
    count = 0
    for number, row in enumerate(rows, first_row):
        if number == first_row and row and row[0].strip() in COLUMNS and first_row == 1:
            places = _Places.named(row)
            continue
        if not row:
            continue
        count += 1
        if count > MAX_ROWS:
            raise validation_failed(Violation("body.data", "rows.max", f"must have at most {MAX_ROWS} rows"))
        try:
            entry = places.entry(row, values)
            found[entry.value] = entry
        except WrongValueError as wrong:
            faults.append(Violation("body.data", wrong.rule, f"row {number}: {wrong.words}"))
            if len(faults) == MOST_FAULTS:
                break
        if not count % TURN_ROWS:
            yield
    if faults:
        raise validation_failed(*faults)
    if not count:
        raise validation_failed(Violation("body.data", "rows.min", "must have a row"))
    return ReadRows(count, list(found.values()))


class _Places:
    """Where in a row the columns are."""

    def __init__(self, places: Mapping[str, int] | None = None, width: int = len(COLUMNS)) -> None:
        self._places = {name: place for place, name in enumerate(COLUMNS)} if places is None else places
        self._width = width

    @classmethod
    def named(cls, row: Sequence[str]) -> _Places:
        """Raises VALIDATION_FAILED."""
        names = [name.strip() for name in row]
        if "value" not in names or len(set(names)) < len(names) or not set(names) <= set(COLUMNS):
            words = f"row 1: may name the columns {', '.join(COLUMNS)}, each once, and value among them"
            raise validation_failed(Violation("body.data", "rows.columns", words))
        return cls({name: place for place, name in enumerate(names)}, len(names))

    def entry(self, row: Sequence[str], values: Values) -> ListEntry:
        """Raises WrongValueError."""
        if len(row) > self._width:
            raise WrongValueError("rows.columns", f"must have at most {self._width} columns")
        note = self._cell(row, "note")
        if len(note) > MAX_NOTE or "\0" in note:
            raise WrongValueError("note.length", f"note must have at most {MAX_NOTE} characters and no NUL")
        return values.entry(self._cell(row, "value"), _ends(self._cell(row, "expire_time").strip()), note)

    def _cell(self, row: Sequence[str], name: str) -> str:
        place = self._places.get(name)
        return row[place] if place is not None and place < len(row) else ""


def _ends(text: str) -> int:
    if not text:
        return NEVER
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None or not FIRST <= time < LAST:
        words = "expire_time must be a time with its zone from 2000 to 2099, such as 2027-01-31T00:00:00Z"
        raise WrongValueError("timestamp.range", words)
    return ends_of(time)
