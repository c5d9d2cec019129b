"""Keeps in memory what is on the lists of the tenants that decide here, and brings it up to date as it changes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from prometheus_client import Counter, Gauge

from meshkit.errors import MeshError
from services.fraud.domain.value_lists.lists import ListKind, ValueList
from services.fraud.domain.value_lists.members import Clock, Members, Row, empty
from services.fraud.ports.value_lists import EntryPage, ListContents
from services.fraud.service.value_lists.importing import in_turns

__all__ = ["READINGS", "ListCatalog", "LoadedList", "TenantLists"]

_log = logging.getLogger(__name__)

_loads = Counter("value_list_loads", "Lists of values that were read as a whole.")
_entries = Gauge("value_list_entries", "Entries of lists of values that this process has in memory.")

POLL_SECONDS = 1.0
IDLE_SECONDS = 3_600.0
"""After which the lists of a tenant that nobody asked for are forgotten."""
PAGE_ROWS = 20_000
TURN_ROWS = 4_096
READINGS = 4
"""Tenants whose lists are read at once."""
RELOAD_CHANGES = 100_000
"""More changes than these are slower than reading the list anew."""


@dataclass(frozen=True, slots=True)
class LoadedList:
    """A list and what is on it."""

    about: ValueList
    """As it was declared when it was read."""
    members: Members
    revision: int
    """The last change that is in it."""

    def __contains__(self, value: object) -> bool:
        return value in self.members


@dataclass(frozen=True, slots=True)
class TenantLists:
    """The lists of a tenant in one state. A later state is another object."""

    revision: int = 0
    by_name: Mapping[str, LoadedList] = field(default_factory=lambda: MappingProxyType({}))

    def of_kind(self, kind: ListKind) -> Iterator[LoadedList]:
        return (each for each in self.by_name.values() if each.about.kind is kind)


@dataclass(slots=True)
class _Known:
    lists: TenantLists
    asked_at: float
    fresh_at: float


class ListCatalog:
    """The lists by tenant. `run` keeps them up to date: at once when told, else by a poll each second."""

    def __init__(self, contents: ListContents, clock: Clock = time.time) -> None:
        self._contents = contents
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._loading: dict[str, asyncio.Task[TenantLists]] = {}
        self._news = asyncio.Event()
        self._turns = asyncio.Semaphore(READINGS)

    def known(self, tenant_id: str) -> TenantLists | None:
        """Returns the lists of a tenant without waiting; None before they were read for the first time."""
        known = self._known.get(tenant_id)
        if known is None:
            return None
        known.asked_at = time.monotonic()
        return known.lists

    async def of(self, tenant_id: str) -> TenantLists:
        """Returns the lists of a tenant, which are read if nobody has asked for them before. Raises UNAVAILABLE.

        Who asks while they are read waits for the same reading, which goes on when nobody waits any more.
        """
        known = self.known(tenant_id)
        return known if known is not None else await asyncio.shield(self._loading_of(tenant_id))

    def seconds_behind(self, tenant_id: str) -> float:
        """Returns how long ago it was last known that the lists are up to date."""
        known = self._known.get(tenant_id)
        return float("inf") if known is None else time.monotonic() - known.fresh_at

    def tell(self, tenant_id: str) -> None:
        """Says that the lists of a tenant have changed."""
        if tenant_id in self._known:
            self._news.set()

    def tell_all(self) -> None:
        """Says that news may have been missed."""
        self._news.set()

    async def run(self) -> None:
        """Works until it is cancelled. Outages are waited out: what is known meanwhile is what was known last."""
        while True:
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()
            try:
                await self._poll()
            except MeshError as error:
                _log.warning("lists cannot be read again: %s", error.message)
                await asyncio.sleep(POLL_SECONDS)

    async def _poll(self) -> None:
        """Has the lists read again that have changed. Long ones of one tenant hold up no other's."""
        now = time.monotonic()
        for tenant_id in [each for each, known in self._known.items() if now - known.asked_at > IDLE_SECONDS]:
            del self._known[tenant_id]
        tenants = list(self._known)
        revisions = await self._contents.revisions(tenants) if tenants else {}
        for tenant_id in tenants:
            known = self._known[tenant_id]
            if revisions.get(tenant_id, 0) == known.lists.revision:
                known.fresh_at = now
            else:
                self._loading_of(tenant_id)
        _entries.set(sum(len(each.members) for known in self._known.values() for each in known.lists.by_name.values()))

    def _loading_of(self, tenant_id: str) -> asyncio.Task[TenantLists]:
        """Returns the reading of a tenant's lists that is under way, or begins one."""
        loading = self._loading.get(tenant_id)
        if loading is None:
            loading = self._loading[tenant_id] = asyncio.create_task(self._load(tenant_id))
            loading.add_done_callback(lambda done: self._loaded(tenant_id, done))
        return loading

    async def _load(self, tenant_id: str) -> TenantLists:
        async with self._turns:
            now = time.monotonic()
            revision = (await self._contents.revisions([tenant_id])).get(tenant_id, 0)
            before = self._known.get(tenant_id)
            lists = await self._read(tenant_id, revision, before.lists if before else TenantLists())
            self._known[tenant_id] = _Known(lists, before.asked_at if before else now, now)
            return lists

    def _loaded(self, tenant_id: str, done: asyncio.Task[TenantLists]) -> None:
        del self._loading[tenant_id]
        # Nobody may wait for it any more.
        error = None if done.cancelled() else done.exception()
        if isinstance(error, MeshError):
            _log.warning("lists cannot be read: %s", error.message)
        elif error is not None:
            _log.error("lists cannot be read", exc_info=error)

    async def _read(self, tenant_id: str, revision: int, before: TenantLists) -> TenantLists:
        """Returns the lists at `revision` or later. What has not changed is what it was."""
        if not revision:
            return TenantLists()
        loaded = {known.about.number: known for known in before.by_name.values()}
        by_name = {
            about.name: await self._list(tenant_id, about, loaded.get(about.number))
            for about in await self._contents.lists(tenant_id)
        }
        return TenantLists(revision, MappingProxyType(by_name))

    async def _list(self, tenant_id: str, about: ValueList, before: LoadedList | None) -> LoadedList:
        if before is not None and about.changes - before.revision <= RELOAD_CHANGES:
            followed = await self._follow(tenant_id, LoadedList(about, before.members, before.revision))
            if followed is not None:
                return followed
        return await self._whole(tenant_id, about)

    async def _whole(self, tenant_id: str, about: ValueList) -> LoadedList:
        """Reads a list as it was after the last change that `about` knows of, or partly later."""
        _loads.inc()
        members = empty(about.type, about.seed, self._clock, about.entries)
        after: tuple[int, int] | None = None
        while True:
            page = await self._contents.read(tenant_id, about.number, after, PAGE_ROWS)
            members = await _with(members, page)
            if len(page) < PAGE_ROWS:
                return LoadedList(about, members, about.changes)
            after = page.groups[-1], page.keys[-1]

    async def _follow(self, tenant_id: str, loaded: LoadedList) -> LoadedList | None:
        """Applies the changes up to that which `about` knows of; None if they are not known any more."""
        members, revision = loaded.members, loaded.revision
        while revision < loaded.about.changes:
            page = await self._contents.changed(tenant_id, loaded.about.number, revision, PAGE_ROWS)
            if page is None:
                return None
            members, revision = await _with(members, page), page.changes
        return LoadedList(loaded.about, members, revision)


async def _with(members: Members, page: EntryPage) -> Members:
    for start in range(0, len(page), TURN_ROWS):
        part = slice(start, start + TURN_ROWS)
        rows: Iterator[Row] = zip(page.groups[part], page.keys[part], page.ends[part], strict=True)
        members = await in_turns(members.changed(rows))
    return members
