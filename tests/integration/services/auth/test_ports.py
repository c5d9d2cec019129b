"""What every implementation of the auth service's ports does."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from meshkit.ids import uuid7
from meshkit.storage.postgres import open_pool
from services.auth.adapters.memory_directory import MemoryDirectory
from services.auth.adapters.memory_keys import MemorySigningKeyStore
from services.auth.adapters.postgres_audit import PostgresAuditLog
from services.auth.adapters.postgres_directory import PostgresDirectory
from services.auth.adapters.postgres_keys import PostgresSigningKeyStore
from services.auth.domain.audit import AuditEvent
from services.auth.domain.keys import SigningKey
from services.auth.domain.tenants import Tenant, TenantPlan
from services.auth.ports import Directory, KeyChange, RecordedAct, SigningKeyStore
from tests.support.tenants import add_tenant

NOW = datetime(2026, 11, 21, 4, 10, 37, 123456, tzinfo=UTC)

PLAN = TenantPlan(500, 5, (("decision", 300), ("read", 200)), 40, 30, 20)


@dataclass
class Stores:
    directory: Directory
    keys: SigningKeyStore
    recorded: Callable[[str], Awaitable[int]]
    """Returns how many events the audit log of a tenant has."""


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    if request.param == "memory":
        memory = MemoryDirectory()

        async def kept(tenant_id: str) -> int:
            return sum(event.tenant_id == tenant_id for event in memory.events)

        yield Stores(memory, MemorySigningKeyStore(), kept)
        return
    pool = await open_pool(request.getfixturevalue("database").dsn)
    log = PostgresAuditLog(pool)

    async def stored(tenant_id: str) -> int:
        return (await log.head(tenant_id))[0]

    yield Stores(PostgresDirectory(pool), PostgresSigningKeyStore(pool), stored)
    await pool.close()


def tenant() -> Tenant:
    return Tenant(str(uuid7()), f"t-{secrets.token_hex(6)}", "EUR", NOW, PLAN)


async def test_tenant_is_found_by_name_as_stored(stores: Stores) -> None:
    made = tenant()
    assert await stores.directory.find_tenant(made.name) is None
    assert await add_tenant(stores.directory, made) == made
    assert await stores.directory.find_tenant(made.name) == made


async def test_second_tenant_of_a_name_is_the_first(stores: Stores) -> None:
    made = await add_tenant(stores.directory, tenant())
    again = replace(made, tenant_id=str(uuid7()), default_currency="USD")
    assert await add_tenant(stores.directory, again) == made
    assert [await stores.recorded(each.tenant_id) for each in (made, again)] == [1, 0]


async def test_tenants_created_at_once_under_one_name_are_one(stores: Stores) -> None:
    wanted = tenant()
    copies = [replace(wanted, tenant_id=str(uuid7())) for _ in range(8)]
    assert len(set(await asyncio.gather(*[add_tenant(stores.directory, copy) for copy in copies]))) == 1


@pytest.mark.parametrize(
    "plan", [TenantPlan(), TenantPlan(1, 2, (("write", 3),)), TenantPlan(user_rate_limit=1_000_000)]
)
async def test_plan_is_replaced_whole(stores: Stores, plan: TenantPlan) -> None:
    made = await add_tenant(stores.directory, tenant())
    other = await add_tenant(stores.directory, tenant())
    act = RecordedAct(AuditEvent("tenant.set_plan", made.tenant_id, NOW))
    for _ in range(2):
        assert await stores.directory.set_plan(made.tenant_id, plan, act) == replace(made, plan=plan)
        assert await stores.recorded(made.tenant_id) == 2
    assert await stores.directory.find_tenant(made.name) == replace(made, plan=plan)
    assert await stores.directory.find_tenant(other.name) == other


async def test_plan_of_no_tenant_is_nothing(stores: Stores) -> None:
    act = RecordedAct(AuditEvent("tenant.set_plan", str(uuid7()), NOW))
    assert await stores.directory.set_plan(act.event.tenant_id, PLAN, act) is None


async def test_tenant_is_suspended_since_the_first_time_until_it_goes_on(stores: Stores) -> None:
    made = await add_tenant(stores.directory, tenant())
    other = await add_tenant(stores.directory, tenant())
    stopped = replace(made, suspended_at=NOW)
    act = RecordedAct(AuditEvent("tenant.suspend", made.tenant_id, NOW))
    assert await stores.directory.suspend(made.tenant_id, NOW, act) == stopped
    assert await stores.directory.suspend(made.tenant_id, NOW + timedelta(hours=1), act) == stopped
    assert await stores.directory.find_tenant(made.name) == stopped
    assert await stores.directory.find_tenant(other.name) == other
    assert await stores.directory.resume(made.tenant_id, act) == made
    assert await stores.directory.resume(made.tenant_id, act) == made
    assert await stores.directory.find_tenant(made.name) == made


async def test_only_a_tenant_that_is_suspended_may_be_erased(stores: Stores) -> None:
    made = await add_tenant(stores.directory, tenant())
    act = RecordedAct(AuditEvent("tenant.allow_erasure", made.tenant_id, NOW))
    assert await stores.directory.allow_erasure(made.tenant_id, NOW, act) == made
    assert await stores.recorded(made.tenant_id) == 1
    await stores.directory.suspend(made.tenant_id, NOW, act)
    allowed = replace(made, suspended_at=NOW, erasure_allowed_at=NOW)
    assert await stores.directory.allow_erasure(made.tenant_id, NOW, act) == allowed
    assert await stores.directory.allow_erasure(made.tenant_id, NOW + timedelta(hours=1), act) == allowed
    assert await stores.recorded(made.tenant_id) == 3
    assert await stores.directory.find_tenant(made.name) == allowed
    assert await stores.directory.resume(made.tenant_id, act) == made
    assert await stores.directory.allow_erasure(str(uuid7()), NOW, act) is None


async def test_no_tenant_is_not_suspended(stores: Stores) -> None:
    act = RecordedAct(AuditEvent("tenant.suspend", str(uuid7()), NOW))
    assert await stores.directory.suspend(act.event.tenant_id, NOW, act) is None
    assert await stores.directory.resume(act.event.tenant_id, act) is None


async def test_keys_are_what_the_plans_made_of_them(stores: Stores) -> None:
    kids = [f"{secrets.token_hex(4)}-{number}" for number in range(3)]
    keys = [
        SigningKey(kid, secrets.token_bytes(90), {"kid": kid, "x": "é"}, 1.5e9, 1.6e9 + n) for n, kid in enumerate(kids)
    ]
    before = await stores.keys.revise(lambda _: KeyChange(add=keys))
    assert [key for key in before if key.kid in kids] == keys
    await stores.keys.revise(lambda _: KeyChange(remove=keys[:1]))
    after = await stores.keys.revise(lambda _: KeyChange())
    assert [key for key in after if key.kid in kids] == keys[1:]


async def test_plans_made_at_once_see_each_other(stores: Stores) -> None:
    kid = secrets.token_hex(4)
    key = SigningKey(kid, b"x", {"kid": kid}, 1.5e9, 1.6e9)

    async def ensure() -> None:
        await stores.keys.revise(lambda keys: KeyChange(add=[] if key in keys else [key]))

    await asyncio.gather(*[ensure() for _ in range(8)])
    assert [one for one in await stores.keys.revise(lambda _: KeyChange()) if one.kid == kid] == [key]


async def test_tenants_are_listed_by_name_from_any_place_on(stores: Stores) -> None:
    made = sorted([(await add_tenant(stores.directory, tenant())).name for _ in range(3)])
    listed = [each.name for each in await stores.directory.list_tenants("", 1_000)]
    assert listed == sorted(listed)
    assert set(made) <= set(listed)
    assert [each.name for each in await stores.directory.list_tenants(made[0], 1)] == [
        min(name for name in listed if name > made[0])
    ]
