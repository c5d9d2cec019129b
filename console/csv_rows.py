"""Reads CSV files."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from console.failure import WrongArgument

__all__ = ["Row", "csv_rows"]

Row: TypeAlias = tuple[int, Sequence[str]]
"""A row and its number in the file, from 1; one without values is a blank line."""


def csv_rows(path: str) -> Sequence[Row]:
    """Returns the rows of a file in UTF-8, `-` for standard input. Raises WrongArgument."""
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return list(enumerate(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True), 1))
    except OSError as error:
        raise WrongArgument(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise WrongArgument(f"{path} is no CSV in UTF-8: {error}.") from error
