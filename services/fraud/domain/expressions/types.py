"""Names the kinds of values that expressions see."""

from __future__ import annotations

from enum import Enum

__all__ = ["ValueKind"]


class ValueKind(Enum):
    """The kind of a value. A value that is missing is None, whatever its kind."""

    STRING = "string"
    INT = "int"
    DOUBLE = "double"
    BOOL = "bool"
    TIME = "time"
    """An aware datetime in UTC."""
    STRING_LIST = "list"
    """Anything that tells what it contains: a list of the tenant."""
