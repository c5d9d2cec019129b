"""Lists of a tenant and what stands in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from services.fraud.domain.event_types import BUILT_IN, FieldType

__all__ = [
    "MAX_ENTRIES",
    "MAX_LISTS",
    "MAX_VALUE",
    "NEVER",
    "EntryFilter",
    "EntryRequest",
    "Imported",
    "ListChange",
    "ListEntry",
    "ListKind",
    "ListedType",
    "NewList",
    "StoredEntry",
    "ValueList",
    "ends_of",
    "type_of_field",
]

MAX_LISTS = 100
"""Most lists of a tenant."""
MAX_ENTRIES = 1_000_000
"""Most entries of a list."""
MAX_VALUE = 256
"""Most characters of a value."""
NEVER = (1 << 32) - 1
"""The end of an entry that has none, in seconds since 1970."""


class ListKind(Enum):
    """What a list does by itself. Rules may ask any list."""

    ALLOW = "allow"
    """An event whose field is in it is approved before any rule."""
    BLOCK = "block"
    """An event whose field is in it is declined before it is scored."""
    CUSTOM = "custom"
    """Nothing."""


class ListedType(Enum):
    """What the values of a list are, hence which spellings are one value."""

    STRING = "string"
    """Compared code point by code point."""
    IP = "ip"
    """Addresses, and networks that stand for every address in them."""
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class ValueList:
    """A list as it is declared."""

    number: int
    """Names the list in the store, also among those of its name that were deleted."""
    name: str
    kind: ListKind
    field: str
    """The field of events that a list of allowed or blocked values is about. Empty where a custom list names none."""
    type: ListedType
    description: str
    seed: bytes
    """Key of the hashes by which values are looked up."""
    created_at: datetime
    updated_at: datetime
    """When the declaration was last changed."""
    tag: UUID
    """Names this state of the declaration: entries have no part in it."""
    entries: int = 0
    """Entries, also those that have ended and are not cleared away yet."""
    changes: int = 0
    """Number of the last change of an entry: the revision of the contents."""


@dataclass(frozen=True, slots=True)
class ListChange:
    """A new description, and what it makes of the declaration."""

    description: str | None
    at: datetime
    tag: UUID


@dataclass(frozen=True, slots=True)
class ListEntry:
    """A value to put on a list, in its canonical form, with the key by which it is looked up."""

    value: str
    group: int
    key: int
    ends: int = NEVER
    """Second since 1970 from which on the value is not in the list."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A value on a list."""

    value: str
    ends: int
    note: str
    changed_by: str
    """The client that put it there, or changed it last."""
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries to list. Empty fields do not restrict."""

    value: str = ""
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class NewList:
    """A list to create. `type` None is that of the field."""

    name: str
    kind: ListKind
    field: str = ""
    type: ListedType | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class EntryRequest:
    """An entry as it is asked for."""

    value: str
    ends: int = NEVER
    note: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """How far an import has come."""

    list: ValueList
    rows: int
    """Rows that were sent so far."""
    entered: int
    """Rows that are on the list."""
    new: int = 0
    """Entries that this request has made."""
    changed: int = 0
    """Entries that this request has made or changed."""


def ends_of(time: datetime | None) -> int:
    """Returns the second at which an entry ends: parts of one do not count."""
    return NEVER if time is None else int(time.timestamp())


def type_of_field(field: str) -> ListedType:
    """Returns the type that values of a field have: that of the built-in events, else text."""
    for event_type in BUILT_IN.values():
        declared = event_type.field(field)
        if declared is not None:
            return _TYPES.get(declared.type, ListedType.STRING)
    return ListedType.STRING


_TYPES = {FieldType.IP: ListedType.IP, FieldType.EMAIL: ListedType.EMAIL}
