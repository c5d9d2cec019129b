"""Creates, reads, changes and deletes lists of values and what is on them. The tenant is the verified caller's."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar
from uuid import UUID, uuid4

from meshkit.errors import Violation, validation_failed
from meshkit.preconditions import etag_mismatch
from services.fraud import errors
from services.fraud.domain.names import FieldFault, name_faults
from services.fraud.domain.scenarios.uses import asks_list
from services.fraud.domain.value_lists.keys import SEED_BYTES
from services.fraud.domain.value_lists.lists import (
    MAX_ENTRIES,
    MAX_LISTS,
    EntryFilter,
    EntryRequest,
    ListChange,
    ListKind,
    NewList,
    StoredEntry,
    ValueList,
    type_of_field,
)
from services.fraud.ports.value_lists import Author, ListChanges, ListFullError, ListStore
from services.fraud.service.value_lists.values import Values, WrongValueError

__all__ = ["AdmitsList", "ListKeeper", "full", "known_list"]

AdmitsList = Callable[[ValueList], bool]
"""Tells whether a list, in the state that it is in, may be changed."""
MOST_FAULTS = 100
ChecksList = Callable[[ValueList], None]
Asked = TypeVar("Asked")
Read = TypeVar("Read")


class ListKeeper:
    """The use cases. What changes something does so in the transaction that it is given."""

    def __init__(self, store: ListStore, clock: Callable[[], datetime], new_tag: Callable[[], UUID] = uuid4) -> None:
        self._store = store
        self._clock = clock
        self._new_tag = new_tag

    async def create(self, changes: ListChanges, new: NewList) -> ValueList:
        """Raises VALIDATION_FAILED, also of one list too many, and RESOURCE_EXISTS."""
        faults = list(name_faults(new.name, "list.name"))
        if new.kind is not ListKind.CUSTOM and not new.field:
            words = "must name the field whose values the list allows or blocks"
            faults.append(FieldFault("list.field", "list.field", words))
        if faults:
            raise errors.fields_invalid(faults)
        if await changes.count() >= MAX_LISTS:
            raise errors.too_many_lists(MAX_LISTS)
        stored = await changes.create(self._made(new))
        if stored is None:
            raise errors.list_exists()
        return stored

    async def get(self, tenant_id: str, name: str) -> ValueList:
        """Raises RESOURCE_NOT_FOUND."""
        return _found(await self._store.get(tenant_id, name))

    async def page(self, tenant_id: str, after: str, limit: int) -> tuple[Sequence[ValueList], bool]:
        """Returns a page of at most `limit` lists, and whether there are more."""
        found = await self._store.page(tenant_id, after, limit + 1)
        return found[:limit], len(found) > limit

    async def update(
        self,
        changes: ListChanges,
        name: str,
        description: str | None,
        admits: AdmitsList | None = None,
        check: ChecksList | None = None,
    ) -> ValueList:
        """Changes the description, only of a list that is admitted and in which `check` finds nothing wrong.

        Raises RESOURCE_NOT_FOUND and ETAG_MISMATCH, and what `check` raises.
        """
        found = await _admitted(changes, name, admits)
        if check is not None:
            check(found)
        if description in (None, found.description):
            return found
        return _found(await changes.update(name, ListChange(description, self._clock(), self._new_tag())))

    async def delete(self, changes: ListChanges, name: str, admits: AdmitsList | None = None) -> None:
        """Deletes a list with what is on it.

        Raises RESOURCE_NOT_FOUND, ETAG_MISMATCH, and STATE_NOT_ALLOWED for one that rules ask.
        """
        await _admitted(changes, name, admits)
        using = [each.name for each in await changes.contents() if asks_list(each.content, name)]
        if using:
            raise errors.list_in_use(using)
        await changes.delete(name)

    async def add(
        self, changes: ListChanges, name: str, asked: Sequence[EntryRequest], client_id: str
    ) -> tuple[ValueList, int, int]:
        """Puts entries on a list, all or none. Returns the list, how many were new, and how many changed.

        Of a value that comes twice the last counts. Raises VALIDATION_FAILED, also where the list has no room, and
        RESOURCE_NOT_FOUND.
        """
        found = await known_list(changes, name)
        values = Values(found)
        read = _each(
            asked,
            lambda each: values.entry(each.value, each.ends, each.note),
            lambda place: f"entries[{place}].value",
        )
        entries = list({entry.value: entry for entry in read}.values())
        with full("entries"):
            new, changed = await changes.put(found.number, entries, Author(client_id, self._clock()))
        return await known_list(changes, name), new, changed

    async def remove(
        self, changes: ListChanges, name: str, asked: Sequence[str], client_id: str
    ) -> tuple[ValueList, int]:
        """Takes values off a list. Returns the list and how many were there.

        Raises VALIDATION_FAILED, RESOURCE_NOT_FOUND.
        """
        found = await known_list(changes, name)
        values = dict.fromkeys(_each(asked, Values(found).canonical, lambda place: f"values[{place}]"))
        removed = await changes.remove(found.number, list(values), Author(client_id, self._clock()))
        return await known_list(changes, name), removed

    async def entries(
        self, tenant_id: str, name: str, only: EntryFilter, after: str, limit: int
    ) -> tuple[Sequence[StoredEntry], bool]:
        """Returns a page of at most `limit` entries that have not ended, and whether there are more.

        Raises VALIDATION_FAILED, RESOURCE_NOT_FOUND.
        """
        found = _found(await self._store.get(tenant_id, name))
        if only.value:
            (value,) = _each([only.value], Values(found).canonical, lambda _: "value")
            only = dataclasses.replace(only, value=value)
        now = int(self._clock().timestamp())
        entries = await self._store.entries(tenant_id, found.number, only, after, limit + 1, now)
        return entries[:limit], len(entries) > limit

    def _made(self, new: NewList) -> ValueList:
        now = self._clock()
        return ValueList(
            number=0,
            name=new.name,
            kind=new.kind,
            field=new.field,
            type=new.type or type_of_field(new.field),
            description=new.description,
            seed=secrets.token_bytes(SEED_BYTES),
            created_at=now,
            updated_at=now,
            tag=self._new_tag(),
        )


async def known_list(changes: ListChanges, name: str) -> ValueList:
    """Returns a list of this name. Raises RESOURCE_NOT_FOUND."""
    return _found(await changes.get(name))


@contextmanager
def full(path: str) -> Iterator[None]:
    """Says of a list that would have too many entries that it is full. Raises VALIDATION_FAILED."""
    try:
        yield
    except ListFullError:
        raise errors.list_full(path, MAX_ENTRIES) from None


async def _admitted(changes: ListChanges, name: str, admits: AdmitsList | None) -> ValueList:
    found = await known_list(changes, name)
    if admits is not None and not admits(found):
        raise etag_mismatch()
    return found


def _found(known: ValueList | None) -> ValueList:
    if known is None:
        raise errors.list_not_found()
    return known


def _each(asked: Iterable[Asked], read: Callable[[Asked], Read], place: Callable[[int], str]) -> list[Read]:
    """Reads each value. Raises VALIDATION_FAILED with all that are wrong."""
    found: list[Read] = []
    wrong: list[Violation] = []
    for number, each in enumerate(asked):
        try:
            found.append(read(each))
        except WrongValueError as error:
            wrong.append(Violation(place(number), error.rule, error.words))
    if wrong:
        raise validation_failed(*wrong[:MOST_FAULTS])
    return found
