"""What lists of values need from their store. The tenant is always that of the verified caller."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from meshkit.named_requests import Claims
from services.fraud.domain.value_lists.lists import EntryFilter, ListChange, ListEntry, StoredEntry, ValueList
from services.fraud.ports.features import UsingContent

__all__ = ["Author", "EntryPage", "ImportPart", "ListChanges", "ListContents", "ListFullError", "ListStore", "Staged"]


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes entries, and when."""

    client_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ImportPart:
    """A part of an import, kept until all of it is there."""

    import_id: UUID
    first_row: int
    rows: int
    new: int
    """Rows whose values were not on the list."""
    data: bytes
    """As it was sent, and found without fault."""


@dataclass(frozen=True, slots=True)
class Staged:
    """What is kept of an import."""

    parts: int = 0
    rows: int = 0
    new: int = 0
    """Rows whose values were not on the list, of parts that are still to be entered."""
    entered: int = 0
    """Rows of parts that are on the list."""


class ListFullError(Exception):
    """A list would have more entries than it may have."""


class ListChanges(Claims, Protocol):
    """One transaction on the lists of a tenant, which no other changes at the same time."""

    async def create(self, made: ValueList) -> ValueList | None:
        """Stores a list and returns it as it is stored; None if the tenant has one of that name."""
        ...

    async def count(self) -> int:
        """Returns how many lists the tenant has."""
        ...

    async def get(self, name: str) -> ValueList | None: ...

    async def update(self, name: str, change: ListChange) -> ValueList | None:
        """Returns the list after the change, None if there is none."""
        ...

    async def delete(self, name: str) -> bool:
        """Deletes a list, at once for all who read it; False if there is none. Its entries are cleared away later."""
        ...

    async def contents(self) -> Sequence[UsingContent]:
        """Returns what rules of the tenant say, in drafts and in versions at hand."""
        ...

    async def put(self, number: int, entries: Sequence[ListEntry], author: Author) -> tuple[int, int]:
        """Puts entries of different values on a list. Returns how many of them were new, and how many changed.

        One that is there already as it is asked for is neither. Raises ListFullError.
        """
        ...

    async def remove(self, number: int, values: Sequence[str], author: Author) -> int:
        """Takes values off a list and returns how many were there."""
        ...

    async def missing(self, number: int, values: Sequence[str]) -> int:
        """Returns how many of some different values are not on a list."""
        ...

    async def stage(self, number: int, part: ImportPart, author: Author) -> None:
        """Keeps a part of an import, in place of one that begins with the same row, unless that one is entered."""
        ...

    async def staged(self, number: int, import_id: UUID) -> Staged: ...

    async def waiting(self) -> int:
        """Returns how many parts of imports the tenant has that are still to be entered."""
        ...

    async def next_part(self, number: int, import_id: UUID) -> ImportPart | None:
        """Returns the first part that is still to be entered."""
        ...

    async def entered(self, number: int, part: ImportPart) -> None:
        """Notes that a part is on the list."""
        ...


class ListStore(Protocol):
    """The lists of each tenant. Every method raises MeshError UNAVAILABLE during an outage."""

    def begin(self, tenant_id: str) -> AbstractAsyncContextManager[ListChanges]:
        """Opens a transaction: what is done in the block is there after it, all of it, or nothing if it raises."""
        ...

    async def get(self, tenant_id: str, name: str) -> ValueList | None: ...

    async def page(self, tenant_id: str, after: str, limit: int) -> Sequence[ValueList]:
        """Returns at most `limit` lists whose names come after `after`, in their order."""
        ...

    async def entries(
        self, tenant_id: str, number: int, only: EntryFilter, after: str, limit: int, now: int
    ) -> Sequence[StoredEntry]:
        """Returns entries that have not ended, in the order of their values."""
        ...


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Entries as memory needs them, in columns."""

    groups: array[int]
    keys: array[int]
    ends: array[int]
    """When each ends; 0 for one that went."""
    changes: int = 0
    """The last change that is in this page."""

    def __len__(self) -> int:
        return len(self.keys)


class ListContents(Protocol):
    """What is on the lists, for those who answer from memory. Every method raises MeshError UNAVAILABLE."""

    async def revisions(self, tenants: Collection[str]) -> Mapping[str, int]:
        """Returns a number for each tenant that has lists; it grows with each change of any of them."""
        ...

    async def lists(self, tenant_id: str) -> Sequence[ValueList]:
        """Returns all lists of a tenant as they are now."""
        ...

    async def read(self, tenant_id: str, number: int, after: tuple[int, int] | None, limit: int) -> EntryPage:
        """Returns the entries of a list that follow a group and a key, in the order of their groups and keys.

        Keys are in the order that the store has for them.
        """
        ...

    async def changed(self, tenant_id: str, number: int, after: int, limit: int) -> EntryPage | None:
        """Returns the entries that changed after a change, in the order of the changes.

        None if not all of them are known any more: the list is to be read again.
        """
        ...
