"""A file of labels: how far it is entered, and which of its rows were refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

__all__ = ["MOST_REFUSED", "MOST_ROWS", "MOST_UNFINISHED_IMPORTS", "ImportedRows", "LabelImport", "RefusedRow"]

MOST_UNFINISHED_IMPORTS = 20
"""Of a tenant."""
MOST_REFUSED = 10_000
"""Rows of a file of which it is kept what is wrong."""
MOST_ROWS = 100_000
"""Of a file: 4 MiB have no more where transactions are named by UUIDs."""


class RefusedRow(NamedTuple):
    """A row that is no label."""

    row: int
    """In the file, from 1, with the names of columns counted."""
    field: str
    """Empty if it is the whole row."""
    message: str


class ImportedRows(NamedTuple):
    """What came of some rows."""

    stored: int
    unchanged: int
    refused: Sequence[RefusedRow]

    @property
    def rows(self) -> int:
        return self.stored + self.unchanged + len(self.refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelImport:
    """A file as it was given, and what came of it so far."""

    tenant_id: str
    import_id: str
    task_id: str = ""
    rows: int
    """Without the names of columns."""
    done: int = 0
    stored: int = 0
    unchanged: int = 0
    refused: int = 0
    created_by: str
    created_at: datetime
