"""Between rows of PostgreSQL and lists of values."""

from __future__ import annotations

import sys
from array import array

import asyncpg

from services.fraud.domain.value_lists.lists import ListedType, ListKind, ValueList

__all__ = ["LIST_COLUMNS", "column", "list_of", "stored_key"]

LIST_COLUMNS = """
    number, name, kind, field, type, description, seed, created_at, updated_at, tag, entries, changes"""


def list_of(row: asyncpg.Record) -> ValueList:
    values = dict(row.items())
    return ValueList(**values | {"kind": ListKind(values["kind"]), "type": ListedType(values["type"])})


def stored_key(key: int) -> int:
    """Returns a key as PostgreSQL has it, whose numbers of 64 bits have a sign."""
    return key - (1 << 64) if key >> 63 else key


def column(code: str, packed: bytes | None) -> array[int]:
    """Returns the numbers that the server has packed in network order."""
    numbers = array(code, packed or b"")
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers
