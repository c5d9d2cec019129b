"""What every implementation of the ports of event types does: in PostgreSQL as in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import asyncpg
import pytest

from meshkit.errors import MeshError
from meshkit.ids import uuid7
from meshkit.named_requests import Answered, NamedRequest
from meshkit.storage.named_requests import RequestRetention
from meshkit.storage.notifications import Notifications
from meshkit.storage.postgres import Pool, transaction
from meshkit.storage.reads import Reads
from services.fraud.adapters.engine_revisions import CHANNEL
from services.fraud.adapters.memory_event_types import MemoryDeclarations, MemoryEventTypes, MemoryEventTypeWriter
from services.fraud.adapters.postgres_declarations import PostgresDeclarations
from services.fraud.adapters.postgres_event_types import PostgresEventTypes, PostgresEventTypeWriter
from services.fraud.domain.declaring import DeclaredType
from services.fraud.domain.event_types import EventType, Field, FieldType
from services.fraud.ports import DeclarationStore, EventTypes, EventTypeWriter
from tests.support.fraud import new_tenant
from tests.support.servers import Database

QUOTE = EventType(
    "quote",
    (
        Field("user_id", FieldType.STRING, required=True, personal=True, key=True, description="Who asks"),
        Field("premium", FieldType.MONEY, retired=True),
    ),
    description='Asks for an "offer"',
)
ORDER = EventType("order", (Field("user_id", FieldType.STRING, key=True),))


@dataclass
class Stores:
    types: EventTypes
    writer: EventTypeWriter
    declarations: DeclarationStore

    async def put(self, tenant: str, *types: EventType) -> DeclaredType:
        async with self.writer.begin(tenant) as changes:
            for each in types:
                made = await changes.put(each)
        return made

    async def revision(self, tenant: str) -> int:
        revisions = await self.declarations.revisions([tenant])
        assert (await self.declarations.read(tenant)).revision == revisions.get(tenant, 0)
        return revisions.get(tenant, 0)


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        declarations = MemoryDeclarations()
        return Stores(MemoryEventTypes(declarations), MemoryEventTypeWriter(declarations), declarations)
    return in_postgres(request.getfixturevalue("pool"))


def in_postgres(pool: Pool) -> Stores:
    return Stores(PostgresEventTypes(Reads(pool)), PostgresEventTypeWriter(pool), PostgresDeclarations(pool))


@pytest.fixture
async def told(fraud_database: Database) -> AsyncIterator[asyncio.Queue[str]]:
    """What is told on the channel of changes, from now on."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    ready = asyncio.Event()
    listener = Notifications(fraud_database.dsn, CHANNEL, tell=heard.put_nowait, tell_all=ready.set)
    task = asyncio.create_task(listener.run())
    await asyncio.wait_for(ready.wait(), 10)
    yield heard
    task.cancel()
    await asyncio.wait([task])


async def test_event_types_are_read_as_they_were_put_by_their_tenants_alone(stores: Stores, tenant: str) -> None:
    other = new_tenant()
    made = await stores.put(tenant, QUOTE)
    assert (made.event_type, made.created_at) == (QUOTE, made.updated_at)
    await stores.put(tenant, ORDER)
    assert [each.event_type for each in await stores.types.all(tenant)] == [ORDER, QUOTE]
    assert made in await stores.types.all(tenant)
    assert list(await stores.types.all(other)) == list((await stores.declarations.read(other)).event_types) == []
    assert list((await stores.declarations.read(tenant)).event_types) == list(await stores.types.all(tenant))


async def test_next_version_takes_the_place_of_the_one_before(stores: Stores, tenant: str) -> None:
    made = await stores.put(tenant, QUOTE)
    after = replace(QUOTE, version=2, description="")
    changed = await stores.put(tenant, after)
    assert list(await stores.types.all(tenant)) == [changed]
    assert (changed.event_type, changed.created_at) == (after, made.created_at)
    assert changed.updated_at is not None and made.updated_at is not None and changed.updated_at > made.updated_at


async def test_every_version_is_kept_for_its_tenant_alone(stores: Stores, tenant: str) -> None:
    after = replace(QUOTE, version=2, description="")
    await stores.put(tenant, QUOTE)
    await stores.put(tenant, after)
    for version in (QUOTE, after):
        assert await stores.types.version(tenant, "quote", version.version) == version
        assert await stores.types.version(new_tenant(), "quote", version.version) is None
    assert await stores.types.version(tenant, "quote", 3) is None
    assert await stores.types.version(tenant, "order", 1) is None


async def test_every_change_moves_the_revision_of_its_tenant(stores: Stores, tenant: str) -> None:
    other = new_tenant()
    assert await stores.revision(tenant) == 0
    await stores.put(tenant, QUOTE)
    first = await stores.revision(tenant)
    await stores.put(tenant, ORDER)
    assert 0 < first < await stores.revision(tenant)
    assert await stores.declarations.revisions([other]) == {}
    assert set(await stores.declarations.revisions([tenant, other])) == {tenant}


async def test_change_revision_and_name_are_undone_together(stores: Stores, tenant: str) -> None:
    request = NamedRequest(uuid7(), "CreateEventType", b"content")
    with pytest.raises(ZeroDivisionError):
        async with stores.writer.begin(tenant) as changes:
            assert await changes.claim(request) is None
            await changes.put(QUOTE)
            await changes.answer(request.request_id, b"answer")
            raise ZeroDivisionError
    assert list(await stores.types.all(tenant)) == []
    assert await stores.revision(tenant) == 0
    async with stores.writer.begin(tenant) as changes:
        assert await changes.claim(request) is None
        await changes.answer(request.request_id, b"answer")
    async with stores.writer.begin(tenant) as changes:
        assert await changes.claim(request) == Answered("CreateEventType", b"content", b"answer")


async def test_of_changes_at_once_each_sees_those_before_it(stores: Stores, tenant: str) -> None:
    async def add(name: str) -> int:
        async with stores.writer.begin(tenant) as changes:
            seen = len(await changes.all())
            await changes.put(replace(ORDER, name=name))
            return seen

    assert sorted(await asyncio.gather(*[add(f"t{number}") for number in range(6)])) == list(range(6))


async def test_tenants_do_not_wait_for_each_other(pool: Pool, tenant: str) -> None:
    stores = in_postgres(pool)
    async with stores.writer.begin(tenant) as changes:
        await changes.all()
        async with asyncio.timeout(5):
            await stores.put(new_tenant(), QUOTE)


async def test_who_waits_too_long_for_another_change_is_told_to_come_again(pool: Pool, tenant: str) -> None:
    stores = in_postgres(pool)
    async with stores.writer.begin(tenant) as first:
        await first.all()
        with pytest.raises(MeshError) as caught:
            async with stores.writer.begin(tenant) as second:
                await second.all()
    assert (caught.value.reason, caught.value.retry_after) == ("CONFLICT", 1.0)


async def test_change_is_told_when_it_has_committed_and_not_before(
    pool: Pool, tenant: str, told: asyncio.Queue[str]
) -> None:
    async with in_postgres(pool).writer.begin(tenant) as changes:
        await changes.put(QUOTE)
        await changes.put(ORDER)
        await asyncio.sleep(0.2)
        assert told.empty()
    assert await asyncio.wait_for(told.get(), 10) == tenant


async def test_parts_are_read_at_one_moment(pool: Pool, tenant: str) -> None:
    stores = in_postgres(pool)
    await stores.put(tenant, QUOTE)
    async with transaction(pool, [tenant], snapshot=True) as connection:
        count = "SELECT count(*) FROM event_types"
        assert await connection.fetchval(count) == 1
        await stores.put(tenant, ORDER)
        assert await connection.fetchval(count) == 1
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("UPDATE event_types SET version = 1")


@pytest.mark.parametrize("table", ["engine_revisions", "event_type_versions", "event_types", "requests"])
async def test_rows_belong_to_their_tenants(pool: Pool, table: str) -> None:
    tenants = [new_tenant(), new_tenant()]
    for tenant in tenants:
        async with in_postgres(pool).writer.begin(tenant) as changes:
            await changes.claim(NamedRequest(uuid7(), "CreateEventType", b""))
            await changes.put(QUOTE)

    async def seen(*named: str) -> set[str]:
        async with transaction(pool, named) as connection:
            return {str(row[0]) for row in await connection.fetch(f"SELECT tenant_id FROM {table}")}

    assert [await seen(), await seen(tenants[0]), await seen(*tenants)] == [set(), {tenants[0]}, set(tenants)]
    copied = {
        "engine_revisions": "SELECT $1::uuid, 1",
        "event_type_versions": "SELECT $1::uuid, 'forged', 1, '', '[]'",
        "event_types": "SELECT $1::uuid, 'forged', 1",
        "requests": "SELECT $1::uuid, gen_random_uuid(), '', '', ''",
    }[table]
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with transaction(pool, tenants[:1]) as connection:
            await connection.execute(f"INSERT INTO {table} {copied}", tenants[1])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event_type_versions SET fields = '[]'",
        "DELETE FROM event_type_versions",
        "DELETE FROM event_types",
        "DELETE FROM engine_revisions",
    ],
)
async def test_versions_never_change_and_nothing_goes(pool: Pool, tenant: str, statement: str) -> None:
    await in_postgres(pool).put(tenant, QUOTE)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(pool, [tenant]) as connection:
            await connection.execute(statement)


async def test_old_answers_are_deleted_and_young_ones_not(pool: Pool, tenant: str) -> None:
    old, young = (NamedRequest(uuid7(), "CreateEventType", b"") for _ in range(2))
    async with in_postgres(pool).writer.begin(tenant) as changes:
        for request in (old, young):
            assert await changes.claim(request) is None
    aged = "UPDATE requests SET created_at = now() - interval '25 hours' WHERE request_id = $1"
    async with transaction(pool, [tenant]) as connection:
        await connection.execute(aged, old.request_id)
    await RequestRetention(pool).delete()
    async with transaction(pool, [tenant]) as connection:
        assert [row[0] for row in await connection.fetch("SELECT request_id FROM requests")] == [young.request_id]


async def test_store_that_is_away_says_so(pool: Pool, tenant: str) -> None:
    pool.terminate()
    stores = in_postgres(pool)
    for call in (stores.types.all(tenant), stores.declarations.revisions([tenant]), stores.put(tenant, QUOTE)):
        with pytest.raises(MeshError) as caught:
            await call
        assert caught.value.reason == "DEPENDENCY_UNAVAILABLE"
