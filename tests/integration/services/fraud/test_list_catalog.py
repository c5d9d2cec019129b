"""Processes answer from memory what is on the lists, and learn of each change: told at once, else by looking."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from meshkit.errors import MeshError, unavailable
from meshkit.storage.notifications import Notifications
from meshkit.storage.postgres import Pool
from services.fraud.adapters.engine_revisions import CHANNEL
from services.fraud.adapters.memory_lists import MemoryLists
from services.fraud.adapters.postgres_list_contents import PostgresListContents
from services.fraud.adapters.postgres_lists import PostgresLists
from services.fraud.domain.value_lists.lists import NEVER, ListedType, ListKind, ValueList
from services.fraud.ports.value_lists import ListContents, ListStore
from services.fraud.service.value_lists import catalog as catalog_module
from services.fraud.service.value_lists.catalog import ListCatalog
from services.fraud.service.value_lists.values import Values
from tests.support.fraud import new_tenant
from tests.support.servers import Database
from tests.support.value_lists import AUTHOR, create

PACE_SECONDS = 2.0
"""Within which every process is to know of a change."""
Process = Callable[..., AbstractAsyncContextManager[ListCatalog]]


@asynccontextmanager
async def background(*work: object) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(each) for each in work]  # type: ignore[call-overload]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def process(fraud_database: Database, pool: Pool) -> Process:
    """What a process has: its own memory, and its own session that listens."""

    @asynccontextmanager
    async def start(told: bool = True) -> AsyncIterator[ListCatalog]:
        catalog = ListCatalog(PostgresListContents(pool))
        news = Notifications(fraud_database.dsn, CHANNEL, tell=catalog.tell, tell_all=catalog.tell_all)
        async with background(catalog.run(), *([news.run()] if told else [])):
            yield catalog

    return start


async def put(store: ListStore, tenant: str, about: ValueList, *values: str, ends: int = NEVER) -> None:
    read = [Values(about).entry(value, ends) for value in values]
    async with store.begin(tenant) as changes:
        await changes.put(about.number, read, AUTHOR)


async def remove(store: ListStore, tenant: str, about: ValueList, *values: str) -> None:
    async with store.begin(tenant) as changes:
        await changes.remove(about.number, values, AUTHOR)


async def until(met: Callable[[], bool], seconds: float = PACE_SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not met():
            await asyncio.sleep(0.01)


def holds(catalog: ListCatalog, tenant: str, name: str, value: str) -> bool:
    lists = catalog.known(tenant)
    return lists is not None and name in lists.by_name and value in lists.by_name[name]


@pytest.mark.parametrize("told", [True, False], ids=["told", "by looking"])
async def test_change_reaches_every_process_within_the_pace(
    pool: Pool, process: Process, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    if told:
        monkeypatch.setattr(catalog_module, "POLL_SECONDS", 60.0)
    tenant, store = new_tenant(), PostgresLists(pool)
    about = await create(store, tenant, type=ListedType.IP)
    await put(store, tenant, about, "203.0.113.7")
    async with process(told) as first, process(told) as second:
        for each in (first, second):
            assert "203.0.113.7" in (await each.of(tenant)).by_name["blocked"]
        await put(store, tenant, about, "198.51.100.0/24")
        await until(lambda: all(holds(each, tenant, "blocked", "198.51.100.9") for each in (first, second)))
        await remove(store, tenant, about, "203.0.113.7")
        await until(lambda: not any(holds(each, tenant, "blocked", "203.0.113.7") for each in (first, second)))
        await create(store, tenant, "other")
        await until(lambda: all("other" in names(each, tenant) for each in (first, second)))
        async with store.begin(tenant) as changes:
            await changes.delete("blocked")
        await until(lambda: not any(holds(each, tenant, "blocked", "198.51.100.9") for each in (first, second)))


def names(catalog: ListCatalog, tenant: str) -> Collection[str]:
    lists = catalog.known(tenant)
    return lists.by_name if lists is not None else ()


async def test_what_was_missed_while_the_store_was_away_is_caught_up(process: Process, pool: Pool) -> None:
    class Away(PostgresListContents):
        away = False

        async def revisions(self, tenants: Collection[str]) -> Mapping[str, int]:
            if self.away:
                raise unavailable("postgres")
            return await super().revisions(tenants)

    tenant, store, contents = new_tenant(), PostgresLists(pool), Away(pool)
    about = await create(store, tenant)
    await put(store, tenant, about, "ada")
    catalog = ListCatalog(contents)
    async with background(catalog.run()):
        assert "ada" in (await catalog.of(tenant)).by_name["blocked"]
        contents.away = True
        await put(store, tenant, about, "bob")
        await asyncio.sleep(1.2)
        assert holds(catalog, tenant, "blocked", "ada"), "what was known goes on"
        assert catalog.seconds_behind(tenant) > 1
        contents.away = False
        await until(lambda: holds(catalog, tenant, "blocked", "bob"), 2 * PACE_SECONDS)
        assert catalog.seconds_behind(tenant) < 1


async def test_first_reading_fails_for_who_waits_and_the_next_one_is_tried(pool: Pool) -> None:
    class Once(MemoryLists):
        failed = False

        async def revisions(self, tenants: Collection[str]) -> Mapping[str, int]:
            if not self.failed:
                self.failed = True
                raise unavailable("postgres")
            return await super().revisions(tenants)

    store = Once()
    tenant = new_tenant()
    await create(store, tenant)
    catalog = ListCatalog(store)
    with pytest.raises(MeshError):
        await catalog.of(tenant)
    assert "blocked" in (await catalog.of(tenant)).by_name


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest) -> tuple[ListStore, ListContents]:
    if request.param == "memory":
        memory = MemoryLists()
        return memory, memory
    pool = request.getfixturevalue("pool")
    return PostgresLists(pool), PostgresListContents(pool)


@pytest.mark.parametrize("reload", [0, 1_000_000], ids=["read anew", "by changes"])
async def test_memory_is_what_the_store_has_after_many_changes(
    stores: tuple[ListStore, ListContents], monkeypatch: pytest.MonkeyPatch, reload: int
) -> None:
    for name, value in (("RELOAD_CHANGES", reload), ("PAGE_ROWS", 7), ("TURN_ROWS", 3)):
        monkeypatch.setattr(catalog_module, name, value)
    store, contents = stores
    tenant = new_tenant()
    about = await create(store, tenant, type=ListedType.IP)
    addresses = [f"10.0.{number}.0/{24 + number % 8}" for number in range(100)]
    await put(store, tenant, about, *addresses[:60])
    catalog = ListCatalog(contents)
    before = (await catalog.of(tenant)).by_name["blocked"]
    await remove(store, tenant, about, *addresses[20:40], "10.0.0.0/24")
    await put(store, tenant, about, *addresses[35:])
    await put(store, tenant, about, *addresses[50:55], ends=int(time.time()) - 1)
    async with background(catalog.run()):
        catalog.tell(tenant)
        await until(lambda: revision(catalog, tenant) > before.revision)
    after = (await catalog.of(tenant)).by_name["blocked"]
    there = {*addresses[1:20], *addresses[35:50], *addresses[55:]}
    assert {each for each in addresses if each.partition("/")[0] in after} == there
    assert {each for each in addresses if each.partition("/")[0] in before} == set(addresses[:60]), "as it was"


def revision(catalog: ListCatalog, tenant: str) -> int:
    lists = catalog.known(tenant)
    return lists.by_name["blocked"].revision if lists is not None else 0


async def test_lists_that_nobody_asks_for_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_module, "IDLE_SECONDS", 0.0)
    store, tenant = MemoryLists(), new_tenant()
    await create(store, tenant)
    catalog = ListCatalog(store)
    await catalog.of(tenant)
    async with background(catalog.run()):
        catalog.tell_all()
        await until(lambda: catalog.known(tenant) is None)


async def test_lists_of_one_tenant_are_no_others_and_are_found_by_their_kind(pool: Pool) -> None:
    store, catalog = PostgresLists(pool), ListCatalog(PostgresListContents(pool))
    first, second, third = new_tenant(), new_tenant(), new_tenant()
    for tenant, value in ((first, "ada"), (second, "bob")):
        about = await create(store, tenant, kind=ListKind.BLOCK, field="user_id")
        await put(store, tenant, about, value)
    found = {tenant: (await catalog.of(tenant)).by_name for tenant in (first, second, third)}
    assert ["ada" in found[tenant]["blocked"] for tenant in (first, second)] == [True, False]
    assert dict(found[third]) == {}
    (blocked,) = (await catalog.of(first)).of_kind(ListKind.BLOCK)
    assert blocked.about.field == "user_id"
    assert list((await catalog.of(first)).of_kind(ListKind.ALLOW)) == []


async def test_entry_ends_in_memory_without_any_news(pool: Pool) -> None:
    now = [1_900_000_000.0]
    store, tenant = PostgresLists(pool), new_tenant()
    catalog = ListCatalog(PostgresListContents(pool), clock=lambda: now[0])
    about = await create(store, tenant)
    await put(store, tenant, about, "ada", ends=1_900_000_010)
    lists = (await catalog.of(tenant)).by_name["blocked"]
    answers = []
    for now[0] in (1_900_000_009.999, 1_900_000_010.0):
        answers.append("ada" in lists)
    assert answers == [True, False]


async def test_concurrent_first_questions_are_one_reading() -> None:
    class Counting(MemoryLists):
        reads = 0

        async def revisions(self, tenants: Collection[str]) -> Mapping[str, int]:
            self.reads += 1
            await asyncio.sleep(0)
            return await super().revisions(tenants)

    store, tenant = Counting(), new_tenant()
    await create(store, tenant)
    catalog = ListCatalog(store)
    await asyncio.gather(*[catalog.of(tenant) for _ in range(20)])
    assert store.reads == 1
