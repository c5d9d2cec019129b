"""Lists of values in memory: plain enough to be believed, to hold those in PostgreSQL against."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
from array import array
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from meshkit.named_requests import Answered
from meshkit.storage.named_requests import MemoryClaims
from services.fraud.domain.value_lists.lists import (
    MAX_ENTRIES,
    EntryFilter,
    ListChange,
    ListEntry,
    StoredEntry,
    ValueList,
)
from services.fraud.ports.features import UsingContent
from services.fraud.ports.value_lists import Author, EntryPage, ImportPart, ListChanges, ListFullError, Staged

__all__ = ["MemoryLists"]


@dataclass(slots=True)
class _Row:
    entry: ListEntry
    author: Author
    change: int
    removed: bool = False


@dataclass(slots=True)
class _Tenant:
    revision: int = 0
    lists: dict[int, ValueList] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    rows: dict[int, dict[str, _Row]] = field(default_factory=dict)
    requests: dict[tuple[str, UUID], Answered] = field(default_factory=dict)
    parts: dict[tuple[int, UUID, int], tuple[ImportPart, bool]] = field(default_factory=dict)

    def named(self, name: str) -> ValueList | None:
        return next((each for each in self.there() if each.name == name), None)

    def there(self) -> Sequence[ValueList]:
        return [each for number, each in self.lists.items() if number not in self.deleted]


class MemoryLists:
    """Implements `ListStore` and `ListContents`. `contents` are those of every tenant's rules."""

    def __init__(self) -> None:
        self.contents: list[UsingContent] = []
        self._tenants: dict[str, _Tenant] = {}
        self._lock = asyncio.Lock()
        self._numbers = iter(range(1, 1 << 62))

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[ListChanges]:
        async with self._lock:
            tenant = copy.deepcopy(self._of(tenant_id))
            tenant.revision += 1
            yield _Changes(tenant, self._numbers, self.contents)
            self._tenants[tenant_id] = tenant

    async def get(self, tenant_id: str, name: str) -> ValueList | None:
        return self._of(tenant_id).named(name)

    async def page(self, tenant_id: str, after: str, limit: int) -> Sequence[ValueList]:
        found = [each for each in self._of(tenant_id).there() if each.name > after]
        return sorted(found, key=lambda each: each.name)[:limit]

    async def entries(
        self, tenant_id: str, number: int, only: EntryFilter, after: str, limit: int, now: int
    ) -> Sequence[StoredEntry]:
        rows = self._of(tenant_id).rows.get(number, {})
        return [
            StoredEntry(value, row.entry.ends, row.entry.note, row.author.client_id, row.author.at)
            for value, row in sorted(rows.items())
            if value > after and not row.removed and row.entry.ends > now
            and only.value in ("", value) and value.startswith(only.prefix)
        ][:limit]  # fmt: skip

    async def revisions(self, tenants: Collection[str]) -> Mapping[str, int]:
        return {each: self._tenants[each].revision for each in tenants if each in self._tenants}

    async def lists(self, tenant_id: str) -> Sequence[ValueList]:
        return sorted(self._of(tenant_id).there(), key=lambda each: each.name)

    async def read(self, tenant_id: str, number: int, after: tuple[int, int] | None, limit: int) -> EntryPage:
        rows = self._of(tenant_id).rows.get(number, {}).values()
        found = sorted((row for row in rows if not row.removed), key=_place)
        return _page([row for row in found if after is None or _place(row) > after][:limit])

    async def changed(self, tenant_id: str, number: int, after: int, limit: int) -> EntryPage | None:
        tenant = self._of(tenant_id)
        if number not in tenant.lists:
            return None
        rows = sorted(tenant.rows.get(number, {}).values(), key=lambda row: row.change)
        found = [row for row in rows if row.change > after][:limit]
        return _page(found, found[-1].change if len(found) == limit else tenant.lists[number].changes)

    def _of(self, tenant_id: str) -> _Tenant:
        return self._tenants.get(tenant_id) or _Tenant()


class _Changes(MemoryClaims):
    """Implements `ListChanges` on a copy of what the tenant has."""

    def __init__(self, tenant: _Tenant, numbers: Iterable[int], contents: Sequence[UsingContent]) -> None:
        super().__init__(tenant.requests, "")
        self._contents = contents
        self._tenant = tenant
        self._numbers = iter(numbers)

    async def create(self, made: ValueList) -> ValueList | None:
        if self._tenant.named(made.name) is not None:
            return None
        number = next(self._numbers)
        self._tenant.rows[number] = {}
        return self._keep(dataclasses.replace(made, number=number))

    async def count(self) -> int:
        return len(self._tenant.there())

    async def get(self, name: str) -> ValueList | None:
        return self._tenant.named(name)

    async def update(self, name: str, change: ListChange) -> ValueList | None:
        found = self._tenant.named(name)
        if found is None:
            return None
        description = found.description if change.description is None else change.description
        return self._keep(dataclasses.replace(found, description=description, updated_at=change.at, tag=change.tag))

    async def delete(self, name: str) -> bool:
        found = self._tenant.named(name)
        if found is not None:
            self._tenant.deleted.add(found.number)
        return found is not None

    async def contents(self) -> Sequence[UsingContent]:
        return self._contents

    async def put(self, number: int, entries: Sequence[ListEntry], author: Author) -> tuple[int, int]:
        rows, base = self._tenant.rows[number], self._tenant.lists[number].changes
        before = {entry.value: rows.get(entry.value) for entry in entries}
        new = changed = 0
        for place, entry in enumerate(entries, 1):
            there = before[entry.value]
            if there is None or there.removed or there.entry != entry:
                rows[entry.value] = _Row(entry, author, base + place)
                new += there is None or there.removed
                changed += 1
        self._count(number, len(entries) if changed else 0, new)
        return new, changed

    async def remove(self, number: int, values: Sequence[str], author: Author) -> int:
        rows, base = self._tenant.rows[number], self._tenant.lists[number].changes
        gone = [(place, value) for place, value in enumerate(values, 1) if value in rows and not rows[value].removed]
        for place, value in gone:
            rows[value] = _Row(rows[value].entry, author, base + place, removed=True)
        self._count(number, len(values) if gone else 0, -len(gone))
        return len(gone)

    async def missing(self, number: int, values: Sequence[str]) -> int:
        rows = self._tenant.rows[number]
        return sum(value not in rows or rows[value].removed for value in values)

    async def stage(self, number: int, part: ImportPart, author: Author) -> None:
        place = (number, part.import_id, part.first_row)
        if not self._tenant.parts.get(place, (part, False))[1]:
            self._tenant.parts[place] = part, False

    async def staged(self, number: int, import_id: UUID) -> Staged:
        parts = self._parts(number, import_id)
        return Staged(
            parts=len(parts),
            rows=sum(part.rows for part, _ in parts),
            new=sum(part.new for part, entered in parts if not entered),
            entered=sum(part.rows for part, entered in parts if entered),
        )

    async def waiting(self) -> int:
        return sum(not entered for _, entered in self._tenant.parts.values())

    async def next_part(self, number: int, import_id: UUID) -> ImportPart | None:
        return next((part for part, entered in self._parts(number, import_id) if not entered), None)

    async def entered(self, number: int, part: ImportPart) -> None:
        self._tenant.parts[number, part.import_id, part.first_row] = dataclasses.replace(part, data=b""), True

    def _parts(self, number: int, import_id: UUID) -> Sequence[tuple[ImportPart, bool]]:
        return [each for place, each in sorted(self._tenant.parts.items()) if place[:2] == (number, import_id)]

    def _count(self, number: int, changes: int, entries: int) -> None:
        known = self._tenant.lists[number]
        if known.entries + entries > MAX_ENTRIES:
            raise ListFullError
        self._keep(dataclasses.replace(known, changes=known.changes + changes, entries=known.entries + entries))

    def _keep(self, made: ValueList) -> ValueList:
        self._tenant.lists[made.number] = made
        return made


def _place(row: _Row) -> tuple[int, int]:
    return row.entry.group, row.entry.key


def _page(rows: Sequence[_Row], changes: int = 0) -> EntryPage:
    return EntryPage(
        array("h", [row.entry.group for row in rows]),
        array("Q", [row.entry.key for row in rows]),
        array("I", [0 if row.removed else row.entry.ends for row in rows]),
        changes,
    )
