"""Configurations are read once, kept the newest, and outlive their store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

import pytest

from meshkit.errors import MeshError
from services.fraud.adapters.memory_event_types import MemoryDeclarations, MemoryEventTypeWriter
from services.fraud.domain.event_types import EventType, Field, FieldType
from services.fraud.ports import Declarations
from services.fraud.service.tenants.configuration import Configuration, Configurations, compiled
from services.fraud.service.tenants.feature_sets import ConfiguredFeatures

QUOTE = EventType("quote", (Field("user_id", FieldType.STRING, key=True),))


class CountingStore(MemoryDeclarations):
    """Counts what is read, and answers once `gate` is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()
        self.reads: list[str] = []
        self.looks = 0
        self.late = False
        """True for answers that hold what was there when they were asked for."""

    async def read(self, tenant_id: str) -> Declarations:
        self.reads.append(tenant_id)
        before = self.of(tenant_id)
        await self.gate.wait()
        return before if self.late else await super().read(tenant_id)

    async def revisions(self, tenants: Collection[str]) -> Mapping[str, int]:
        self.looks += 1
        return await super().revisions(tenants)

    async def declare(self, tenant_id: str, name: str) -> None:
        async with MemoryEventTypeWriter(self).begin(tenant_id) as changes:
            await changes.put(EventType(name, QUOTE.fields))


@pytest.fixture
async def store() -> CountingStore:
    return CountingStore()


@asynccontextmanager
async def running(configurations: Configurations) -> AsyncIterator[None]:
    task = asyncio.create_task(configurations.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def names(configurations: Configurations, tenant: str = "t") -> set[str]:
    return set((await configurations.of(tenant)).readers)


async def until_seen(configurations: Configurations, name: str, tenant: str = "t") -> None:
    async with asyncio.timeout(10):
        while name not in await names(configurations, tenant):
            await asyncio.sleep(0.01)


async def test_tenant_without_declarations_has_the_built_in_types(store: CountingStore) -> None:
    found = await Configurations(store).of("t")
    assert (set(found.readers), found.revision) == ({"claim", "login", "payment", "signup"}, 0)
    assert found.readers["payment"].event_type.name == "payment"
    _, faults = found.readers["login"].read({"user_id": "u", "success": True, "ip_address": "203.0.113.7"})
    assert not faults


async def test_all_who_ask_at_first_share_one_read(store: CountingStore) -> None:
    configurations = Configurations(store)
    store.gate.clear()
    asking = [asyncio.create_task(configurations.of("t")) for _ in range(5)]
    await asyncio.sleep(0)
    asking.pop().cancel()
    store.gate.set()
    found = await asyncio.gather(*asking, configurations.of("t"))
    assert len(set(map(id, found))) == 1
    assert store.reads == ["t"]


async def test_change_is_seen_once_it_is_told(store: CountingStore) -> None:
    configurations = Configurations(store, poll=3600)
    await configurations.of("t")
    async with running(configurations):
        await store.declare("t", "quote")
        configurations.changed("somebody else")
        configurations.changed("t")
        await until_seen(configurations, "quote")
    assert store.reads == ["t", "t"]


async def test_change_that_nobody_tells_is_seen_by_looking(store: CountingStore) -> None:
    configurations = Configurations(store, poll=0.06)
    await configurations.of("t")
    async with running(configurations):
        await store.declare("t", "quote")
        await until_seen(configurations, "quote")


async def test_changes_that_were_missed_are_looked_for_when_they_may_have_been(store: CountingStore) -> None:
    configurations = Configurations(store, poll=3600)
    await configurations.of("t")
    async with running(configurations):
        await store.declare("t", "quote")
        configurations.everything_changed()
        await until_seen(configurations, "quote")


async def test_change_during_the_first_read_is_seen(store: CountingStore) -> None:
    configurations = Configurations(store, poll=0.06)
    store.late = True
    store.gate.clear()
    first = asyncio.create_task(configurations.of("t"))
    await asyncio.sleep(0.01)
    await store.declare("t", "quote")
    store.gate.set()
    assert "quote" not in (await first).readers
    store.late = False
    async with running(configurations):
        await until_seen(configurations, "quote")


async def test_what_has_not_changed_is_not_read_again(store: CountingStore) -> None:
    configurations = Configurations(store)
    await store.declare("t", "quote")
    first = await configurations.of("t")
    await configurations.of("u")
    for _ in range(3):
        await configurations.refresh()
    await store.declare("u", "order")
    await configurations.refresh()
    assert store.reads == ["t", "u", "u"]
    assert await configurations.of("t") is first


async def test_nobody_looks_for_changes_of_nothing(store: CountingStore) -> None:
    await Configurations(store).refresh()
    assert store.looks == 0


async def test_last_known_configuration_outlives_its_store_and_changes_are_seen_afterwards(
    store: CountingStore, caplog: pytest.LogCaptureFixture
) -> None:
    configurations = Configurations(store, poll=0.06)
    known = await configurations.of("t")
    async with running(configurations):
        await store.declare("t", "quote")
        store.available = False
        looks = store.looks
        async with asyncio.timeout(10):
            while store.looks < looks + 3:
                await asyncio.sleep(0.01)
        assert await configurations.of("t") is known
        with pytest.raises(MeshError) as caught:
            await configurations.of("u")
        assert caught.value.reason == "DEPENDENCY_UNAVAILABLE"
        store.available = True
        await until_seen(configurations, "quote")
        assert await names(configurations, "u")
    said = [each.getMessage() for each in caplog.records if each.name == Configurations.__module__]
    assert [words.partition(":")[0] for words in said] == ["changes of configurations are not seen"], "once an outage"


async def test_configuration_that_cannot_be_compiled_leaves_the_one_before_and_holds_up_nobody(
    store: CountingStore,
) -> None:
    made: list[int] = []

    def make(declarations: Declarations) -> Configuration:
        made.append(declarations.revision)
        if any(each.event_type.name == "broken" for each in declarations.event_types):
            raise ZeroDivisionError
        return compiled(declarations)

    configurations = Configurations(store, make)
    known = await configurations.of("t")
    await configurations.of("u")
    await store.declare("t", "broken")
    await store.declare("u", "quote")
    for _ in range(3):
        await configurations.refresh()
    assert await configurations.of("t") is known
    assert "quote" in await names(configurations, "u")
    assert made == [0, 0, 1, 1], "one that cannot be compiled is not tried again"


async def test_tenants_asked_for_last_are_kept(store: CountingStore) -> None:
    configurations = Configurations(store, most=2)
    for tenant in ("a", "b", "a", "c", "a", "b"):
        await configurations.of(tenant)
    assert store.reads == ["a", "b", "c", "b"]
    for tenant in ("a", "b", "c"):
        await store.declare(tenant, "quote")
    await configurations.refresh()
    assert sorted(store.reads[4:]) == ["a", "b"]


async def test_database_of_before_is_taken_for_what_it_is(store: CountingStore) -> None:
    configurations = Configurations(store)
    await store.declare("t", "quote")
    await configurations.of("t")
    store.declared.clear()
    await configurations.refresh()
    assert "quote" not in await names(configurations)


async def test_nothing_is_recorded_by_a_configuration_that_nobody_has_compared_for_long(store: CountingStore) -> None:
    now = [0.0]
    configurations = Configurations(store, clock=lambda: now[0])
    sets = ConfiguredFeatures(configurations, stale_seconds=10.0)
    await sets.prepare(["t"])
    await store.declare("t", "quote")
    for second, known in ((10.0, False), (10.1, True)):
        now[0] = second
        await asyncio.gather(*[sets.prepare(["t"]) for _ in range(5)])
        assert ("quote" in configurations.at_hand("t").readers) is known
    assert store.looks == 1
    now[0], store.available = 30.0, False
    with pytest.raises(MeshError):
        await sets.prepare(["t"])
