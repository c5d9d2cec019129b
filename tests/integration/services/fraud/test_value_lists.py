"""Lists of values are kept for each tenant alone, whole or not at all: in PostgreSQL as in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from meshkit.errors import MeshError
from meshkit.storage.postgres import Pool
from services.fraud.adapters.memory_lists import MemoryLists
from services.fraud.adapters.postgres_list_contents import PostgresListContents
from services.fraud.adapters.postgres_lists import PostgresLists
from services.fraud.domain.value_lists.lists import NEVER, EntryFilter, ListChange, ListEntry, ValueList
from services.fraud.ports.value_lists import Author, EntryPage, ImportPart, ListContents, ListStore, Staged
from services.fraud.service.value_lists.values import Values
from tests.support.fraud import new_tenant
from tests.support.value_lists import AUTHOR, NOW, create, value_list

SECONDS = int(NOW.timestamp())
EVERYTHING = EntryFilter()
Stores = tuple[ListStore, ListContents]


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        memory = MemoryLists()
        return memory, memory
    pool = request.getfixturevalue("pool")
    return PostgresLists(pool), PostgresListContents(pool)


@pytest.fixture
def store(stores: Stores) -> ListStore:
    return stores[0]


def entry(value: str, ends: int = NEVER, note: str = "", about: ValueList = value_list()) -> ListEntry:
    return Values(about).entry(value, ends, note)


async def put(store: ListStore, tenant: str, about: ValueList, *entries: ListEntry) -> tuple[int, int]:
    async with store.begin(tenant) as changes:
        return await changes.put(about.number, entries, AUTHOR)


async def remove(store: ListStore, tenant: str, about: ValueList, *values: str) -> int:
    async with store.begin(tenant) as changes:
        return await changes.remove(about.number, values, AUTHOR)


async def values(store: ListStore, tenant: str, about: ValueList, **asked: Any) -> Sequence[str]:
    found = await store.entries(
        tenant, about.number, asked.get("only", EVERYTHING), asked.get("after", ""), asked.get("limit", 100), SECONDS
    )
    return [each.value for each in found]


def rows(page: EntryPage | None) -> set[tuple[int, int, int]]:
    assert page is not None
    return set(zip(page.groups, page.keys, page.ends, strict=True))


def row(made: ListEntry, ends: int | None = None) -> tuple[int, int, int]:
    return made.group, made.key, made.ends if ends is None else ends


async def test_list_is_read_as_it_was_created(store: ListStore) -> None:
    tenant = new_tenant()
    made = await create(store, tenant, "blocked")
    assert made.number > 0
    assert await store.get(tenant, "blocked") == made
    assert (await store.get(tenant, "other"), await store.get(new_tenant(), "blocked")) == (None, None)


async def test_name_is_there_once_and_free_again_when_its_list_is_deleted(store: ListStore) -> None:
    tenant = new_tenant()
    first = await create(store, tenant)
    async with store.begin(tenant) as changes:
        assert await changes.create(value_list()) is None
        assert await changes.count() == 1
        assert await changes.delete("blocked")
        assert not await changes.delete("blocked")
        assert await changes.count() == 0
    assert await store.get(tenant, "blocked") is None
    second = await create(store, tenant)
    await put(store, tenant, second, entry("ada"))
    assert second.number != first.number
    assert await values(store, tenant, first) == []


async def test_lists_are_listed_in_the_order_of_their_names(store: ListStore) -> None:
    tenant = new_tenant()
    for name in ("c", "a_b", "a", "b"):
        await create(store, tenant, name)
    assert [each.name for each in await store.page(tenant, "", 3)] == ["a", "a_b", "b"]
    assert [each.name for each in await store.page(tenant, "b", 3)] == ["c"]


async def test_description_changes_alone_and_entries_leave_the_declaration_as_it_is(store: ListStore) -> None:
    tenant = new_tenant()
    made = await create(store, tenant)
    change = ListChange("of today", NOW + timedelta(hours=1), uuid4())
    async with store.begin(tenant) as changes:
        changed = await changes.update("blocked", change)
        assert await changes.update("other", change) is None
    assert changed == replace(made, description="of today", updated_at=change.at, tag=change.tag)
    await put(store, tenant, made, entry("ada"))
    stored = await store.get(tenant, "blocked")
    assert stored is not None
    assert (stored.tag, stored.updated_at, stored.entries) == (change.tag, change.at, 1)


async def test_what_fails_changes_nothing(store: ListStore) -> None:
    tenant = new_tenant()
    made = await create(store, tenant)
    with pytest.raises(ZeroDivisionError):
        async with store.begin(tenant) as changes:
            await changes.put(made.number, [entry("ada")], AUTHOR)
            await changes.delete("blocked")
            raise ZeroDivisionError
    assert await store.get(tenant, "blocked") == made
    assert await values(store, tenant, made) == []


async def test_entries_count_once_however_often_they_are_put(store: ListStore) -> None:
    tenant = new_tenant()
    made = await create(store, tenant)
    assert await put(store, tenant, made, entry("ada"), entry("bob", SECONDS + 60, "till then")) == (2, 2)
    assert await put(store, tenant, made, entry("ada"), entry("bob", SECONDS + 60, "till then")) == (0, 0)
    assert await put(store, tenant, made, entry("ada", note="why"), entry("eve")) == (1, 2)
    assert await remove(store, tenant, made, "ada", "nobody") == 1
    assert await remove(store, tenant, made, "ada") == 0
    assert await put(store, tenant, made, entry("ada")) == (1, 1)
    stored = await store.get(tenant, "blocked")
    assert stored is not None
    assert stored.entries == 3


async def test_entry_says_who_put_it_there_and_when(store: ListStore) -> None:
    tenant = new_tenant()
    made = await create(store, tenant)
    later = Author("client-2", NOW + timedelta(minutes=5))
    await put(store, tenant, made, entry("ada", SECONDS + 60, "first"), entry("bob"))
    async with store.begin(tenant) as changes:
        await changes.put(made.number, [entry("ada", note="second"), entry("bob")], later)
    found = {each.value: each for each in await store.entries(tenant, made.number, EVERYTHING, "", 10, SECONDS)}
    assert (found["ada"].ends, found["ada"].note, found["ada"].changed_by) == (NEVER, "second", "client-2")
    assert (found["ada"].changed_at, found["bob"].changed_at) == (later.at, NOW)
    assert found["bob"].changed_by == "client-1", "what is asked for as it is there is not changed"


async def test_entries_are_listed_by_value_prefix_and_page_without_those_that_ended(store: ListStore) -> None:
    tenant = new_tenant()
    made = await create(store, tenant)
    ended = entry("ab-ended", SECONDS), entry("ab-ends", SECONDS + 1)
    await put(store, tenant, made, *map(entry, ("ab", "Ab", "abc", "a%c", "b", "ß", "gone")), *ended)
    await remove(store, tenant, made, "gone")
    assert await values(store, tenant, made) == ["Ab", "a%c", "ab", "ab-ends", "abc", "b", "ß"]
    assert await values(store, tenant, made, only=EntryFilter(prefix="ab")) == ["ab", "ab-ends", "abc"]
    assert await values(store, tenant, made, only=EntryFilter(prefix="a%")) == ["a%c"]
    assert await values(store, tenant, made, only=EntryFilter(value="ab")) == ["ab"]
    assert await values(store, tenant, made, only=EntryFilter(value="ab", prefix="a")) == ["ab"]
    assert await values(store, tenant, made, only=EntryFilter(value="ab", prefix="b")) == []
    assert await values(store, tenant, made, after="ab", limit=2) == ["ab-ends", "abc"]


async def test_revision_of_a_tenant_grows_with_each_change_of_its_own(stores: Stores) -> None:
    store, contents = stores
    tenant, other = new_tenant(), new_tenant()
    made = await create(store, tenant)
    seen = [await contents.revisions([tenant, other])]
    await put(store, tenant, made, entry("ada"))
    seen.append(await contents.revisions([tenant, other]))
    await create(store, other)
    seen.append(await contents.revisions([tenant]))
    assert set(seen[0]) == {tenant}
    assert seen[0][tenant] < seen[1][tenant] == seen[2][tenant]


async def test_contents_are_read_in_pages_that_miss_nothing(stores: Stores) -> None:
    store, contents = stores
    tenant = new_tenant()
    made = await create(store, tenant)
    entries = [entry(f"user-{number}", SECONDS + number) for number in range(25)]
    await put(store, tenant, made, *entries)
    await remove(store, tenant, made, "user-3")
    found: set[tuple[int, int, int]] = set()
    after: tuple[int, int] | None = None
    while True:
        page = await contents.read(tenant, made.number, after, 10)
        found |= rows(page)
        if len(page) < 10:
            break
        after = page.groups[-1], page.keys[-1]
    assert found == {row(each) for each in entries if each.value != "user-3"}


async def test_changes_after_one_are_read_in_their_order_and_removed_entries_with_them(stores: Stores) -> None:
    store, contents = stores
    tenant = new_tenant()
    made = await create(store, tenant)
    ada, bob, eve = entry("ada"), entry("bob"), entry("eve", SECONDS + 9)
    await put(store, tenant, made, ada, bob)
    (seen,) = await contents.lists(tenant)
    assert rows(await contents.changed(tenant, made.number, 0, 10)) == {row(ada), row(bob)}
    assert rows(await contents.changed(tenant, made.number, seen.changes, 10)) == set()
    await put(store, tenant, made, ada, eve)
    await remove(store, tenant, made, "bob")
    first = await contents.changed(tenant, made.number, seen.changes, 1)
    assert rows(first) == {row(eve)}
    assert first is not None
    second = await contents.changed(tenant, made.number, first.changes, 10)
    assert rows(second) == {row(bob, 0)}
    assert second is not None
    assert second.changes == (await contents.lists(tenant))[0].changes


async def test_changes_of_what_is_no_list_of_the_tenant_are_not_known(stores: Stores) -> None:
    store, contents = stores
    made = await create(store, new_tenant())
    assert await contents.changed(new_tenant(), made.number, 0, 10) is None


def part(import_id: UUID, first_row: int, rows: int, new: int = 0) -> ImportPart:
    return ImportPart(import_id, first_row, rows, new, b"ada\n")


async def test_parts_of_an_import_are_kept_until_they_are_entered(store: ListStore) -> None:
    tenant, import_id = new_tenant(), uuid4()
    made = await create(store, tenant)
    async with store.begin(tenant) as changes:
        assert await changes.staged(made.number, import_id) == Staged()
        for each in (part(import_id, 11, 5, 5), part(import_id, 1, 7), part(import_id, 1, 10, 4), part(uuid4(), 1, 1)):
            await changes.stage(made.number, each, AUTHOR)
        assert await changes.staged(made.number, import_id) == Staged(parts=2, rows=15, new=9)
        assert await changes.waiting() == 3
        first = await changes.next_part(made.number, import_id)
        assert first == part(import_id, 1, 10, 4)
        await changes.entered(made.number, first)
        await changes.stage(made.number, part(import_id, 1, 99), AUTHOR)
        assert await changes.staged(made.number, import_id) == Staged(parts=2, rows=15, new=5, entered=10)
        last = await changes.next_part(made.number, import_id)
        assert last == part(import_id, 11, 5, 5)
        await changes.entered(made.number, last)
        assert await changes.next_part(made.number, import_id) is None


async def test_imports_of_two_lists_under_one_identifier_are_two(store: ListStore) -> None:
    tenant, import_id = new_tenant(), uuid4()
    ours, others = await create(store, tenant), await create(store, tenant, "others")
    async with store.begin(tenant) as changes:
        for each in (ours, others):
            await changes.stage(each.number, part(import_id, 1, 5), AUTHOR)
        await changes.entered(ours.number, part(import_id, 1, 5))
        assert await changes.staged(others.number, import_id) == Staged(parts=1, rows=5)
        assert await changes.next_part(others.number, import_id) == part(import_id, 1, 5)


async def test_missing_values_are_those_that_are_not_on_the_list(store: ListStore) -> None:
    tenant = new_tenant()
    made = await create(store, tenant)
    await put(store, tenant, made, entry("ada"), entry("bob"))
    await remove(store, tenant, made, "bob")
    async with store.begin(tenant) as changes:
        assert await changes.missing(made.number, ["ada", "bob", "eve"]) == 2


async def test_store_that_is_away_says_so(pool: Pool) -> None:
    pool.terminate()
    with pytest.raises(MeshError) as caught:
        await create(PostgresLists(pool), new_tenant())
    assert caught.value.reason == "DEPENDENCY_UNAVAILABLE"
