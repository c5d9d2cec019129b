"""Imports rows of CSV into a list: up to 20,000 in one request, or more in parts that are entered when all are there.

A part is checked when it arrives and kept until the import is committed. So a file of which any row is at fault, or
that has more rows than the list has room for, changes nothing. Then each part is entered in a transaction of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from services.fraud import errors
from services.fraud.domain.value_lists.lists import MAX_ENTRIES, Imported, ValueList
from services.fraud.ports.value_lists import Author, ImportPart, ListChanges, ListStore, Staged
from services.fraud.service.value_lists.csv_rows import ReadRows, read_rows
from services.fraud.service.value_lists.keeping import full, known_list
from services.fraud.service.value_lists.values import Values

__all__ = ["ListImports", "in_turns"]

MAX_WAITING = 200
"""Most parts that a tenant may have waiting: four imports of the largest size."""
COMMIT_SECONDS = 1.0
"""How long one request enters parts. The next one goes on."""

Result = TypeVar("Result")


class ListImports:
    """The use cases of imports. `monotonic` returns seconds."""

    def __init__(
        self, store: ListStore, clock: Callable[[], datetime], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._clock = clock
        self._monotonic = monotonic

    async def at_once(self, tenant_id: str, name: str, data: bytes, client_id: str) -> Imported:
        """Enters rows, all or none. Raises VALIDATION_FAILED, RESOURCE_NOT_FOUND."""
        read = await self._read(tenant_id, name, data, 1)
        async with self._begin(tenant_id) as changes:
            known = await known_list(changes, name)
            new, changed = await self._put(changes, known, read, client_id)
            return Imported(await known_list(changes, name), read.rows, read.rows, new, changed)

    async def stage(
        self, tenant_id: str, name: str, import_id: UUID, first_row: int, data: bytes, client_id: str
    ) -> Imported:
        """Keeps a part of an import; the same part again takes its place.

        Raises VALIDATION_FAILED, RESOURCE_NOT_FOUND, STATE_NOT_ALLOWED.
        """
        read = await self._read(tenant_id, name, data, first_row)
        async with self._begin(tenant_id) as changes:
            known = await known_list(changes, name)
            new = await changes.missing(known.number, [entry.value for entry in read.entries])
            part = ImportPart(import_id, first_row, read.rows, new, data)
            await changes.stage(known.number, part, Author(client_id, self._clock()))
            staged = await changes.staged(known.number, import_id)
            if staged.rows > MAX_ENTRIES:
                raise errors.list_full("body.data", MAX_ENTRIES)
            if await changes.waiting() > MAX_WAITING:
                raise errors.too_many_imports(MAX_WAITING)
        return Imported(known, staged.rows, staged.entered)

    async def commit(self, tenant_id: str, name: str, import_id: UUID, rows: int, client_id: str) -> Imported:
        """Enters parts of an import that has `rows` rows, for a second or so: to be called until all are entered.

        Raises RESOURCE_NOT_FOUND, STATE_NOT_ALLOWED if parts are missing, VALIDATION_FAILED if the list has no room.
        """
        until = self._monotonic() + COMMIT_SECONDS
        new = changed = 0
        async with self._begin(tenant_id) as changes:
            known = await known_list(changes, name)
            staged = await changes.staged(known.number, import_id)
        _check(known, staged, rows)
        while staged.entered < staged.rows:
            async with self._begin(tenant_id) as changes:
                known = await known_list(changes, name)
                part = await changes.next_part(known.number, import_id)
                if part is not None:
                    read = await in_turns(read_rows(part.data, part.first_row, Values(known)))
                    made = await self._put(changes, known, read, client_id)
                    new, changed = new + made[0], changed + made[1]
                    await changes.entered(known.number, part)
                staged = await changes.staged(known.number, import_id)
            if self._monotonic() >= until:
                break
        return Imported(await self._known(tenant_id, name), staged.rows, staged.entered, new, changed)

    async def _read(self, tenant_id: str, name: str, data: bytes, first_row: int) -> ReadRows:
        """Reads rows before the lists of the tenant are locked: that takes a while."""
        return await in_turns(read_rows(data, first_row, Values(await self._known(tenant_id, name))))

    async def _known(self, tenant_id: str, name: str) -> ValueList:
        known = await self._store.get(tenant_id, name)
        if known is None:
            raise errors.list_not_found()
        return known

    async def _put(self, changes: ListChanges, known: ValueList, read: ReadRows, client_id: str) -> tuple[int, int]:
        with full("body.data"):
            return await changes.put(known.number, read.entries, Author(client_id, self._clock()))

    def _begin(self, tenant_id: str) -> AbstractAsyncContextManager[ListChanges]:
        return self._store.begin(tenant_id)


async def in_turns(work: Generator[None, None, Result]) -> Result:
    """Does long work that lets others have their turn in between."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: Result = done.value
            return result
        await asyncio.sleep(0)


def _check(known: ValueList, staged: Staged, rows: int) -> None:
    if staged.rows != rows or not rows:
        raise errors.import_incomplete(staged.rows)
    if known.entries + staged.new > MAX_ENTRIES:
        raise errors.list_full("rows", MAX_ENTRIES)
