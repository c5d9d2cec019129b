"""Reads a CSV file in parts of a size that one request takes, each with the number of its first row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console.csv_rows import Row, csv_rows
from console.failure import WrongArgument

__all__ = ["MOST_ROWS", "Part", "parts", "read_file"]

MOST_ROWS = 1_000_000
PART_ROWS = 15_000
PART_CHARACTERS = 256_000
"""Of at most four bytes each, so that a part stays within the body that a gateway takes."""
COLUMNS = ("value", "expire_time", "note")


@dataclass(frozen=True)
class Part:
    """Rows as they are sent: value, expire_time, note, without a header."""

    first_row: int
    rows: int
    data: bytes


def read_file(path: str) -> Sequence[Row]:
    """Returns the rows of a file, `-` for standard input, each with its number. Raises WrongArgument."""
    found = _in_order(csv_rows(path))
    count = sum(bool(row) for _, row in found)
    if not count:
        raise WrongArgument(f"{path} has no row.")
    if count > MOST_ROWS:
        raise WrongArgument(f"{path} has {count:,} rows; a list has at most {MOST_ROWS:,} entries.")
    return found


def parts(rows: Sequence[Row]) -> Iterator[Part]:
    """Yields the rows in parts, in their order."""
    text, first, count = io.StringIO(), 0, 0
    write = csv.writer(text, lineterminator="\n").writerow
    for number, row in rows:
        if count and (number - first >= PART_ROWS or text.tell() > PART_CHARACTERS):
            yield Part(first, count, text.getvalue().encode())
            text.seek(0)
            text.truncate()
            count = 0
        if not count and not row:
            continue
        first = first if count else number
        count += bool(row)
        write(row)
    if count:
        yield Part(first, count, text.getvalue().encode())


def _in_order(rows: Sequence[Row]) -> Sequence[Row]:
    """Puts the columns in their order, if a first row names them."""
    names = [name.strip() for name in rows[0][1]] if rows else []
    if not names or names[0] not in COLUMNS:
        return rows
    if "value" not in names or not set(names) <= set(COLUMNS) or len(set(names)) < len(names):
        raise WrongArgument(
            f"The first row may name the columns {', '.join(COLUMNS)}, each once, and value among them."
        )
    places = [names.index(name) if name in names else None for name in COLUMNS]
    return [(number, _ordered(row, places, len(names))) for number, row in rows[1:]]


def _ordered(row: Sequence[str], places: Sequence[int | None], width: int) -> Sequence[str]:
    if not row:
        return row
    ordered = [row[place] if place is not None and place < len(row) else "" for place in places]
    # What is too much stays, so that it is refused.
    return [*ordered, *row[width:]]
