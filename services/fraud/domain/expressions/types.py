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
        "let", "loop", "package", "namespace", "return", "var", "void", "while",
        "bool", "bytes", "double", "dyn", "int", "list", "map", "null_type", "string", "type", "uint",
        "profile", "ip", "lists",
    )
)  # fmt: skip
"""What no field and no feature may be called: words and types of the language, and where names with a dot begin."""
