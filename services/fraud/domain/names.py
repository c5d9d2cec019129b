"""Names that tenants give: of event types, fields, features and lists. Expressions use them as they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["RESERVED", "FieldFault", "name_faults"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

_OF_EVENTS = {"profile", "ip", "lists"}
"""What expressions know of the current event besides its fields."""
_OF_CEL = {
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let",
    "loop", "package", "namespace", "return", "var", "void", "while",
}  # fmt: skip
_TYPES_OF_CEL = {
    "bool", "bytes", "double", "dyn", "int", "list", "map", "null_type", "string", "type", "uint",
}  # fmt: skip
"""A variable of such a name would be declared twice."""
RESERVED = frozenset(_OF_EVENTS | _OF_CEL | _TYPES_OF_CEL)
"""Names that no field and no feature can have."""


class FieldFault(NamedTuple):
    """What is wrong with a declaration or an event."""

    path: str
    """Which part of it, such as `fields[2].name`; empty for all of it."""
    rule: str
    """Which rule it breaks, such as `name.reserved`."""
    words: str
    """What it must be, to follow the path."""


def name_faults(name: str, path: str) -> Sequence[FieldFault]:
    """Returns what is wrong with the name of a field or a feature."""
    if not _NAME.fullmatch(name):
        words = "must be 1 to 63 lower-case letters, digits and underscores, the first a letter"
        return [FieldFault(path, "name.pattern", words)]
    if name in RESERVED:
        return [FieldFault(path, "name.reserved", "must not be a word that expressions use otherwise")]
    return []
