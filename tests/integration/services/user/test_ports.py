"""What every implementation of the user service's ports does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from meshkit.ids import uuid7
from meshkit.postgres import open_pool
from services.user.adapters.memory import MemoryProfiles, MemoryRows, MemoryUsers
from services.user.adapters.postgres import PostgresProfiles, PostgresUsers
from services.user.domain.users import ProfileChange, RiskProfile, User, UserChange
from services.user.ports import Profiles, Users
from tests.support.servers import Database

NOW = datetime(2026, 11, 21, 4, 10, 37, 123456, tzinfo=UTC)
LATER = NOW + timedelta(seconds=90)


@dataclass
class Stores:
    users: Users
    profiles: Profiles


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest, databases: dict[str, Database]) -> AsyncIterator[Stores]:
    if request.param == "memory":
        rows: MemoryRows = {}
        yield Stores(MemoryUsers(rows), MemoryProfiles(rows))
        return
    pool = await open_pool(databases["user"].dsn)
    yield Stores(PostgresUsers(pool), PostgresProfiles(pool))
    await pool.close()


@pytest.fixture
def tenant() -> str:
    return str(uuid7())


def person(user_id: str) -> User:
    return User(user_id, f"Name of {user_id}", "a@example.com", "+4912345", "DE", NOW, NOW)


async def test_user_is_got_as_created(stores: Stores, tenant: str) -> None:
    assert await stores.users.get(tenant, "u1") is None
    assert await stores.users.create(tenant, person("u1"))
    assert await stores.users.get(tenant, "u1") == person("u1")


async def test_identifier_is_taken_within_its_tenant_only(stores: Stores, tenant: str) -> None:
    other = str(uuid7())
    assert await stores.users.create(tenant, person("u1"))
    assert not await stores.users.create(tenant, replace(person("u1"), display_name="Another"))
    assert await stores.users.create(other, replace(person("u1"), display_name="Theirs"))
    assert await stores.users.get(tenant, "u1") == person("u1")


async def test_user_created_at_once_many_times_exists_once(stores: Stores, tenant: str) -> None:
    created = await asyncio.gather(*[stores.users.create(tenant, person("u1")) for _ in range(8)])
    assert sorted(created) == [False] * 7 + [True]


async def test_update_changes_what_is_named_and_the_time(stores: Stores, tenant: str) -> None:
    await stores.users.create(tenant, person("u1"))
    wanted = replace(person("u1"), email="", country="FR", updated_at=LATER)
    assert await stores.users.update(tenant, "u1", UserChange(email="", country="FR"), LATER) == wanted
    assert await stores.users.get(tenant, "u1") == wanted


async def test_update_of_nobody_and_of_others_users_changes_nothing(stores: Stores, tenant: str) -> None:
    await stores.users.create(tenant, person("u1"))
    other = str(uuid7())
    assert await stores.users.update(tenant, "u2", UserChange(email=""), LATER) is None
    assert await stores.users.update(other, "u1", UserChange(email=""), LATER) is None
    assert await stores.profiles.update(tenant, "u2", ProfileChange(base_risk=1), LATER) is None
    assert await stores.profiles.update(other, "u1", ProfileChange(base_risk=1), LATER) is None
    assert await stores.users.get(tenant, "u1") == person("u1")


async def test_pages_follow_the_order_of_code_points(stores: Stores, tenant: str) -> None:
    names = ["a", "B", "b-1", "b1", "_", "é", "z", "Z", "0", "10", "9", "𝔘"]
    for name in names:
        await stores.users.create(tenant, person(name))
    await stores.users.create(str(uuid7()), person("c"))
    found: list[str] = []
    while page := await stores.users.page(tenant, found[-1] if found else "", 5):
        found += [user.user_id for user in page]
    assert found == sorted(names)


async def test_new_user_has_the_default_profile(stores: Stores, tenant: str) -> None:
    await stores.users.create(tenant, person("u1"))
    assert await stores.profiles.find([(tenant, "u1")]) == {
        (tenant, "u1"): RiskProfile("u1", True, 0.1, "standard", 0, "DE", NOW)
    }


async def test_profile_changes_what_is_named(stores: Stores, tenant: str) -> None:
    await stores.users.create(tenant, person("u1"))
    await stores.profiles.update(tenant, "u1", ProfileChange(tier="elevated", chargeback_count=3), LATER)
    changed = await stores.profiles.update(tenant, "u1", ProfileChange(base_risk=0.0), LATER)
    assert changed == RiskProfile("u1", True, 0.0, "elevated", 3, "DE", NOW)
    assert (await stores.profiles.find([(tenant, "u1")]))[tenant, "u1"] == changed
    assert await stores.users.get(tenant, "u1") == replace(person("u1"), updated_at=LATER)


async def test_profile_follows_the_users_country(stores: Stores, tenant: str) -> None:
    await stores.users.create(tenant, person("u1"))
    await stores.users.update(tenant, "u1", UserChange(country="FR"), LATER)
    assert (await stores.profiles.find([(tenant, "u1")]))[tenant, "u1"].country == "FR"


async def test_profiles_of_many_tenants_are_found_at_once_each_its_own(stores: Stores, tenant: str) -> None:
    other = str(uuid7())
    for owner, risk in ((tenant, 0.25), (other, 0.75)):
        await stores.users.create(owner, person("same"))
        await stores.profiles.update(owner, "same", ProfileChange(base_risk=risk), LATER)
    await stores.users.create(other, person("theirs"))
    found = await stores.profiles.find([(tenant, "same"), (other, "same"), (tenant, "theirs"), (other, "nobody")])
    assert {key: profile.base_risk for key, profile in found.items()} == {(tenant, "same"): 0.25, (other, "same"): 0.75}
    assert await stores.profiles.find([]) == {}
