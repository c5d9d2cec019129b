"""Reads files of labels row by row, and lets others have their turn in between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import NamedTuple

from meshkit.errors import Violation, validation_failed
from services.fraud.domain.labels.imports import MOST_ROWS
from services.fraud.service.csv_records import csv_records

__all__ = ["FileRow", "counted_rows", "file_rows"]

TURN_SECONDS = 0.002
"""For so long rows are read while everything else waits."""
REQUIRED = ("transaction_id", "label")


class FileRow(NamedTuple):
    """A row of a file."""

    number: int
    """From 1, with the names of columns and empty lines counted."""
    cells: Sequence[str]
    values: Mapping[str, str]
    """Cells by the names of columns."""


async def counted_rows(data: bytes, columns: Sequence[str]) -> int:
    """Returns how many rows a file has. Raises VALIDATION_FAILED for one that cannot be entered."""
    rows = 0
    async with aclosing(file_rows(data, columns, most=MOST_ROWS)) as found:
        async for _ in found:
            rows += 1
    if not rows:
        raise validation_failed(Violation("body.data", "rows.min", "must have a row beside the names of columns"))
    return rows


async def file_rows(data: bytes, columns: Sequence[str], *, most: int | None = None) -> AsyncGenerator[FileRow, None]:
    """Yields the rows of a file. Empty lines are passed over.

    Raises VALIDATION_FAILED for what is no CSV, for other columns, and for more than `most` rows.
    """
    names: Sequence[str] | None = None
    begun = time.perf_counter()
    for number, cells in enumerate(csv_records(data), 1):
        if time.perf_counter() - begun > TURN_SECONDS:
            await asyncio.sleep(0)
            begun = time.perf_counter()
        if most is not None and number > most + 1:
            words = f"must have at most {most:,} rows, empty ones counted: cut it into several"
            raise validation_failed(Violation("body.data", "rows.max", words))
        if not cells:
            continue
        if names is None:
            names = [each.strip().lower() for each in cells]
            _check_names(names, columns)
            continue
        values = {name: cells[at] if at < len(cells) else "" for at, name in enumerate(names)}
        yield FileRow(number, cells, values)


def _check_names(names: Sequence[str], columns: Sequence[str]) -> None:
    if len(set(names)) < len(names) or not set(names) <= set(columns) or not set(REQUIRED) <= set(names):
        words = (
            f"the first row must name the columns: {' and '.join(REQUIRED)}, and any of "
            f"{', '.join(each for each in columns if each not in REQUIRED)}, each once"
        )
        raise validation_failed(Violation("body.data", "rows.columns", words))
