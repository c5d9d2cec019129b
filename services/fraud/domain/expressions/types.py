"""Names the kinds of values that expressions see."""

from __future__ import annotations

from enum import Enum

__all__ = ["RESERVED_NAMES", "ValueKind"]


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


RESERVED_NAMES = frozenset(
    (
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import",
        "let", "loop", "package", "namespace", "return", "var", "void", "while", "profile", "ip", "lists",
    )
)  # fmt: skip
"""What no field and no feature may be called: words of the language, and the beginnings of names with a dot."""
