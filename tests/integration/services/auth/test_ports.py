"""What every implementation of the auth service's ports does."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from meshkit.ids import uuid7
from meshkit.storage.postgres import open_pool
from services.auth.adapters.memory_directory import MemoryDirectory
from services.auth.adapters.memory_keys import MemorySigningKeyStore
from services.auth.adapters.postgres_directory import PostgresDirectory
from services.auth.adapters.postgres_keys import PostgresSigningKeyStore
from services.auth.domain.audit import AuditEvent
from services.auth.domain.keys import SigningKey
from services.auth.domain.tenants import Tenant, TenantPlan
from services.auth.ports import Directory, KeyChange, RecordedAct, SigningKeyStore
from tests.integration.conftest import FreshDatabase
from tests.support.servers import Database

NOW = datetime(2026, 11, 21, 4, 10, 37, 123456, tzinfo=UTC)

PLAN = TenantPlan(500, 5, (("decision", 300), ("read", 200)))


@dataclass
class Stores:
    directory: Directory
    keys: SigningKeyStore


@pytest.fixture(scope="module")
def database(fresh_database: FreshDatabase) -> Database:
    return fresh_database("auth")


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    if request.param == "memory":
        yield Stores(MemoryDirectory(), MemorySigningKeyStore())
        return
    pool = await open_pool(request.getfixturevalue("database").dsn)
    yield Stores(PostgresDirectory(pool), PostgresSigningKeyStore(pool))
    await pool.close()


def tenant() -> Tenant:
    return Tenant(str(uuid7()), f"t-{secrets.token_hex(6)}", "EUR", NOW, PLAN)


async def test_tenant_is_found_by_name_as_stored(stores: Stores) -> None:
    made = tenant()
    assert await stores.directory.find_tenant(made.name) is None
    assert await stores.directory.create_tenant(made) == made
    assert await stores.directory.find_tenant(made.name) == made


async def test_second_tenant_of_a_name_is_the_first(stores: Stores) -> None:
    made = await stores.directory.create_tenant(tenant())
    again = replace(made, tenant_id=str(uuid7()), default_currency="USD")
    assert await stores.directory.create_tenant(again) == made


async def test_tenants_created_at_once_under_one_name_are_one(stores: Stores) -> None:
    wanted = tenant()
    copies = [replace(wanted, tenant_id=str(uuid7())) for _ in range(8)]
    assert len(set(await asyncio.gather(*[stores.directory.create_tenant(copy) for copy in copies]))) == 1


@pytest.mark.parametrize(
    "plan", [TenantPlan(), TenantPlan(1, 2, (("write", 3),)), TenantPlan(user_rate_limit=1_000_000)]
)
async def test_plan_is_replaced_whole(stores: Stores, plan: TenantPlan) -> None:
    made = await stores.directory.create_tenant(tenant())
    other = await stores.directory.create_tenant(tenant())
    assert await stores.directory.set_plan(made.name, plan) == replace(made, plan=plan)
    assert await stores.directory.find_tenant(made.name) == replace(made, plan=plan)
    assert await stores.directory.find_tenant(other.name) == other


async def test_plan_of_no_tenant_is_nothing(stores: Stores) -> None:
    assert await stores.directory.set_plan(f"t-{secrets.token_hex(6)}", PLAN) is None


async def test_tenant_is_suspended_since_the_first_time_until_it_goes_on(stores: Stores) -> None:
    made = await stores.directory.create_tenant(tenant())
    other = await stores.directory.create_tenant(tenant())
    stopped = replace(made, suspended_at=NOW)
    act = RecordedAct(AuditEvent("tenant.suspend", made.tenant_id, NOW))
    assert await stores.directory.suspend(made.tenant_id, NOW, act) == stopped
    assert await stores.directory.suspend(made.tenant_id, NOW + timedelta(hours=1), act) == stopped
    assert await stores.directory.find_tenant(made.name) == stopped
    assert await stores.directory.find_tenant(other.name) == other
    assert await stores.directory.resume(made.tenant_id, act) == made
    assert await stores.directory.resume(made.tenant_id, act) == made
    assert await stores.directory.find_tenant(made.name) == made


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
    made = sorted([(await stores.directory.create_tenant(tenant())).name for _ in range(3)])
    listed = [each.name for each in await stores.directory.list_tenants("", 1_000)]
    assert listed == sorted(listed)
    assert set(made) <= set(listed)
    assert [each.name for each in await stores.directory.list_tenants(made[0], 1)] == [
        min(name for name in listed if name > made[0])
    ]
