"""What every store of revocations does, and how those of PostgreSQL become visible."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from meshkit.context import SYSTEM_TENANT
from meshkit.errors import MeshError
from meshkit.identity.revocations import Revocations
from meshkit.ids import uuid7
from meshkit.storage.postgres import Pool, open_pool, transaction
from services.auth.adapters import audit_rows, revocation_rows
from services.auth.adapters.memory_revocations import MemoryRevocations
from services.auth.adapters.postgres_directory import PostgresDirectory
from services.auth.adapters.postgres_erased import PostgresErasedTenants
from services.auth.adapters.postgres_revocations import PostgresRevocations
from services.auth.convert.revocations import revocation_to_tokens
from services.auth.domain.revocations import Revocation, RevocationKind
from services.auth.domain.tenants import Tenant
from services.auth.ports.revocations import RevocationSource
from services.auth.service.erasing import TenantErasure
from services.auth.service.revoking.feed import RevocationFeed
from services.auth.service.suspension import TenantControl
from tests.support.servers import Database
from tests.support.tenants import add_tenant

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)


@dataclass
class Store:
    source: RevocationSource
    tenant: str
    append: Callable[[Revocation], Awaitable[None]]
    lift: Callable[[RevocationKind, str], Awaitable[None]]

    async def known(self) -> dict[tuple[RevocationKind, str], Revocation]:
        """Returns what is known of the tenant of the test."""
        found = [record.revocation for record in (await self.source.read(0)).records]
        return {(each.kind, each.name): each for each in found if each.tenant_id == self.tenant}


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(database.dsn, size=3)
    yield pool
    await pool.close()


async def new_tenant(pool: Pool) -> str:
    wanted = Tenant(str(uuid7()), f"t-{secrets.token_hex(6)}", "EUR", NOW)
    return (await add_tenant(PostgresDirectory(pool), wanted)).tenant_id


@pytest.fixture(params=["memory", "postgres"])
async def store(request: pytest.FixtureRequest, pool: Pool) -> Store:
    tenant = await new_tenant(pool)
    if request.param == "memory":
        memory = MemoryRevocations(lambda: datetime.now(UTC))

        async def keep(revocation: Revocation) -> None:
            memory.append(revocation)

        async def free(kind: RevocationKind, name: str) -> None:
            memory.lift(Revocation(kind, tenant, name, NOW, NOW + HOUR))

        return Store(memory, tenant, keep, free)

    async def append(revocation: Revocation) -> None:
        async with transaction(pool, [tenant]) as connection:
            await revocation_rows.append(connection, revocation)

    async def lift(kind: RevocationKind, name: str) -> None:
        async with transaction(pool, [tenant]) as connection:
            await revocation_rows.lift(connection, Revocation(kind, tenant, name, NOW, NOW + HOUR))

    return Store(PostgresRevocations(pool), tenant, append, lift)


def of_client(store: Store, before: datetime | None, until: datetime | None, name: str = "shop") -> Revocation:
    return Revocation(RevocationKind.CLIENT, store.tenant, name, before, until)


async def test_revocation_is_read_as_written(store: Store) -> None:
    written = of_client(store, NOW, NOW + HOUR)
    await store.append(written)
    assert await store.known() == {(RevocationKind.CLIENT, "shop"): written}


@pytest.mark.parametrize("first", [NOW, NOW - HOUR, None])
@pytest.mark.parametrize("then", [NOW, NOW - HOUR, None])
async def test_later_revocation_never_narrows_an_earlier_one(
    store: Store, first: datetime | None, then: datetime | None
) -> None:
    await store.append(of_client(store, first, first and first + HOUR))
    await store.append(of_client(store, then, then and then + HOUR))
    widest = None if first is None or then is None else max(first, then)
    expected = of_client(store, widest, widest and widest + HOUR)
    assert (await store.known())[RevocationKind.CLIENT, "shop"] == expected


async def test_lifting_keeps_what_was_issued_before_refused(store: Store) -> None:
    await store.append(of_client(store, None, None))
    await store.lift(RevocationKind.CLIENT, "shop")
    assert (await store.known())[RevocationKind.CLIENT, "shop"] == of_client(store, NOW, NOW + HOUR)


async def test_lifting_leaves_alone_what_refuses_tokens_up_to_a_time(store: Store) -> None:
    await store.append(of_client(store, NOW - HOUR, NOW))
    await store.lift(RevocationKind.CLIENT, "shop")
    assert (await store.known())[RevocationKind.CLIENT, "shop"] == of_client(store, NOW - HOUR, NOW)


async def test_only_what_is_over_is_forgotten(store: Store) -> None:
    await store.append(of_client(store, NOW - HOUR, NOW - HOUR, "over"))
    await store.append(of_client(store, NOW, NOW + HOUR, "current"))
    await store.append(of_client(store, None, None, "for ever"))
    assert await store.source.forget() >= 1
    assert {name for _, name in await store.known()} == {"current", "for ever"}


async def test_what_is_read_since_the_last_place_is_what_was_written_since(store: Store) -> None:
    await store.append(of_client(store, NOW, NOW + HOUR, "early"))
    place = (await store.source.read(0)).next
    await store.append(of_client(store, NOW, NOW + HOUR, "late"))
    page = await store.source.read(place)
    assert [record.revocation.name for record in page.records] == ["late"]


async def test_revocation_that_commits_after_a_later_one_is_not_missed(pool: Pool) -> None:
    tenant = await new_tenant(pool)
    feed = RevocationFeed(PostgresRevocations(pool), lambda: NOW)
    names = [Revocation(RevocationKind.SESSION, tenant, name, NOW, NOW + HOUR) for name in ("slow", "quick")]
    async with transaction(pool, [tenant]) as slow:
        await revocation_rows.append(slow, names[0])
        async with transaction(pool, [tenant]) as quick:
            await revocation_rows.append(quick, names[1])
        await feed.refresh()
        first = feed.since(0)
        assert "quick" in {each.name for each in first.revocations}
    await feed.refresh()
    assert "slow" in {each.name for each in feed.since(first.next).revocations}


async def test_tenant_cannot_write_a_revocation_of_another(pool: Pool) -> None:
    own, other = await new_tenant(pool), await new_tenant(pool)
    foreign = Revocation(RevocationKind.TENANT, other, "", None, None)
    with pytest.raises(Exception, match="row-level security"):
        async with transaction(pool, [own]) as connection:
            await revocation_rows.append(connection, foreign)


async def test_erasure_is_allowed_until_the_tenant_goes_on(pool: Pool) -> None:
    directory = PostgresDirectory(pool)
    made = await directory.get_tenant(await new_tenant(pool))
    assert made is not None
    control = TenantControl(directory, clock=lambda: datetime.now(UTC))

    async def allowed() -> bool:
        known = Revocations()
        found = [record.revocation for record in (await PostgresRevocations(pool).read(0)).records]
        known.replace(map(revocation_to_tokens, found))
        return known.may_be_erased(made.tenant_id)

    await control.suspend(made.name)
    assert not await allowed()
    for _ in range(2):
        await control.allow_erasure(made.name, made.tenant_id)
        assert await allowed()
        await control.resume(made.name)
        assert not await allowed()
        await control.suspend(made.name)
        assert not await allowed()


async def test_end_of_an_erasure_and_its_event_are_one(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await new_tenant(pool)
    async with transaction(pool, [tenant]) as connection:
        await revocation_rows.append(connection, Revocation.of_tenant(tenant))

    async def events(of: str) -> int:
        async with transaction(pool, [of]) as connection:
            wanted = f"%tenants/{tenant}%"
            return int(await connection.fetchval("SELECT count(*) FROM audit_events WHERE content LIKE $1", wanted))

    async def killed(*_: object) -> None:
        raise ConnectionResetError

    erasure = TenantErasure(PostgresErasedTenants(pool), clock=lambda: NOW)
    with monkeypatch.context() as patched, pytest.raises(MeshError):
        patched.setattr(audit_rows, "append", killed)
        await erasure.forget(tenant)
    before = await events(SYSTEM_TENANT)
    for _ in range(2):
        await erasure.forget(tenant)
        assert await events(SYSTEM_TENANT) == before + 1
