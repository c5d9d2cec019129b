"""What every implementation of the user service's ports does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from meshkit.ids import uuid7
from meshkit.named_requests import Answered, NamedRequest
from meshkit.storage.postgres import open_pool
from services.user.adapters.memory import MemoryProfiles, MemoryUserRows, MemoryUsers, MemoryWriter
from services.user.adapters.postgres import PostgresProfiles, PostgresUsers
from services.user.adapters.postgres_changes import PostgresWriter
from services.user.domain.users import (
    ABSENT,
    ProfileChange,
    Revision,
    RiskProfile,
    User,
    UserChange,
    unknown_profile,
)
from services.user.ports import OtherStateError, Profiles, Users, Writer
from tests.support.servers import Database

NOW = datetime(2026, 11, 21, 4, 10, 37, 123456, tzinfo=UTC)
LATER = NOW + timedelta(seconds=90)
FIRST, SECOND, THIRD = UUID(int=1), UUID(int=2), UUID(int=3)


@dataclass
class Stores:
    users: Users
    profiles: Profiles
    writer: Writer

    async def create(self, tenant: str, user: User) -> bool:
        async with self.writer.begin(tenant) as changes:
            return await changes.create_user(user)

    async def update(self, tenant: str, user_id: str, change: UserChange, revision: Revision) -> User | None:
        async with self.writer.begin(tenant) as changes:
            return await changes.update_user(user_id, change, revision)

    async def update_profile(self, tenant: str, user_id: str, change: ProfileChange, revision: Revision) -> RiskProfile:
        async with self.writer.begin(tenant) as changes:
            return await changes.update_profile(user_id, change, revision)

    async def delete(self, tenant: str, user_id: str, state: UUID | None = None) -> bool:
        async with self.writer.begin(tenant) as changes:
            return await changes.delete_user(user_id, state)

    async def profile(self, tenant: str, user_id: str) -> RiskProfile:
        return (await self.profiles.find([(tenant, user_id)]))[tenant, user_id]


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest, databases: dict[str, Database]) -> AsyncIterator[Stores]:
    if request.param == "memory":
        rows = MemoryUserRows()
        yield Stores(MemoryUsers(rows), MemoryProfiles(rows), MemoryWriter(rows))
        return
    pool = await open_pool(databases["user"].dsn)
    yield Stores(PostgresUsers(pool), PostgresProfiles(pool), PostgresWriter(pool))
    await pool.close()


@pytest.fixture
def tenant() -> str:
    return str(uuid7())


def person(user_id: str) -> User:
    return User(user_id, f"Name of {user_id}", "a@example.com", "+4912345", "DE", NOW, NOW, FIRST)


def second(of: UUID | None = None) -> Revision:
    return Revision(LATER, SECOND, of)


async def test_user_is_got_as_created(stores: Stores, tenant: str) -> None:
    assert await stores.users.get(tenant, "u1") is None
    assert await stores.create(tenant, person("u1"))
    assert await stores.users.get(tenant, "u1") == person("u1")


async def test_identifier_is_taken_within_its_tenant_only(stores: Stores, tenant: str) -> None:
    other = str(uuid7())
    assert await stores.create(tenant, person("u1"))
    assert not await stores.create(tenant, replace(person("u1"), display_name="Another"))
    assert await stores.create(other, replace(person("u1"), display_name="Theirs"))
    assert await stores.users.get(tenant, "u1") == person("u1")


async def test_user_created_at_once_many_times_exists_once(stores: Stores, tenant: str) -> None:
    created = await asyncio.gather(*[stores.create(tenant, person("u1")) for _ in range(8)])
    assert sorted(created) == [False] * 7 + [True]


async def test_update_changes_what_is_named_and_the_time(stores: Stores, tenant: str) -> None:
    await stores.create(tenant, person("u1"))
    wanted = replace(person("u1"), email="", country="FR", updated_at=LATER, tag=SECOND)
    assert await stores.update(tenant, "u1", UserChange(email="", country="FR"), second()) == wanted
    assert await stores.users.get(tenant, "u1") == wanted


async def test_update_of_nobody_and_of_others_users_changes_nothing(stores: Stores, tenant: str) -> None:
    await stores.create(tenant, person("u1"))
    other = str(uuid7())
    assert await stores.update(tenant, "u2", UserChange(email=""), second()) is None
    assert await stores.update(other, "u1", UserChange(email=""), second()) is None
    assert not await stores.delete(other, "u1")
    assert not await stores.delete(tenant, "u2", FIRST)
    assert await stores.users.get(tenant, "u1") == person("u1")


async def test_profile_is_stored_before_its_user_and_becomes_the_users(stores: Stores, tenant: str) -> None:
    other = str(uuid7())
    assert await stores.update_profile(tenant, "u1", ProfileChange(), second()) == unknown_profile("u1")
    assert await stores.profiles.find([(tenant, "u1")]) == {}
    alone = await stores.update_profile(tenant, "u1", ProfileChange(base_risk=0.0, chargeback_count=2), second(ABSENT))
    assert alone == RiskProfile("u1", False, 0.0, "standard", 2, "", None, SECOND)
    assert await stores.profile(tenant, "u1") == alone
    changed = await stores.update_profile(tenant, "u1", ProfileChange(tier="blocked"), Revision(LATER, THIRD, SECOND))
    assert changed == replace(alone, tier="blocked", tag=THIRD)
    assert await stores.users.get(tenant, "u1") is None
    assert await stores.users.page(tenant, "", 5) == []
    assert await stores.update(tenant, "u1", UserChange(email=""), second()) is None
    assert await stores.update(tenant, "u1", UserChange(email=""), second(THIRD)) is None
    assert await stores.profiles.find([(other, "u1")]) == {}
    assert await stores.create(tenant, person("u1"))
    assert not await stores.create(tenant, person("u1"))
    assert await stores.users.get(tenant, "u1") == person("u1")
    assert await stores.profile(tenant, "u1") == replace(changed, known=True, country="DE", created_at=NOW, tag=FIRST)


async def test_profiles_stored_at_once_as_the_first_are_stored_once(stores: Stores, tenant: str) -> None:
    revisions = [Revision(LATER, uuid4(), ABSENT) for _ in range(6)]
    done = await asyncio.gather(
        *[stores.update_profile(tenant, "u1", ProfileChange(tier="blocked"), each) for each in revisions],
        return_exceptions=True,
    )
    (made,) = [profile for profile in done if isinstance(profile, RiskProfile)]
    assert [type(error) for error in done if error is not made] == [OtherStateError] * 5
    assert await stores.profile(tenant, "u1") == made


async def test_user_and_its_first_profile_may_come_at_once(stores: Stores, tenant: str) -> None:
    await asyncio.gather(
        stores.create(tenant, person("u1")), stores.update_profile(tenant, "u1", ProfileChange(base_risk=0.7), second())
    )
    profile = await stores.profile(tenant, "u1")
    assert (profile.known, profile.base_risk, profile.created_at) == (True, 0.7, NOW)
    user = await stores.users.get(tenant, "u1")
    assert user is not None
    assert user.email == "a@example.com"


async def test_deleted_user_leaves_nothing_and_may_be_created_again(stores: Stores, tenant: str) -> None:
    other = str(uuid7())
    for each in (tenant, other):
        await stores.create(each, person("u1"))
    await stores.update_profile(tenant, "u1", ProfileChange(tier="blocked"), second())
    with pytest.raises(OtherStateError):
        await stores.delete(tenant, "u1", FIRST)
    assert await stores.delete(tenant, "u1", SECOND)
    assert not await stores.delete(tenant, "u1")
    assert await stores.users.get(tenant, "u1") is None
    assert await stores.profiles.find([(tenant, "u1")]) == {}
    assert await stores.users.get(other, "u1") == person("u1")
    assert await stores.create(tenant, person("u1"))
    assert (await stores.profile(tenant, "u1")).tier == "standard"
    await stores.update_profile(tenant, "u2", ProfileChange(tier="blocked"), second())
    assert await stores.delete(tenant, "u2"), "a profile without a user goes the same way"


async def test_pages_follow_the_order_of_code_points(stores: Stores, tenant: str) -> None:
    names = ["a", "B", "b-1", "b1", "_", "é", "z", "Z", "0", "10", "9", "𝔘"]
    for name in names:
        await stores.create(tenant, person(name))
    await stores.create(str(uuid7()), person("c"))
    found: list[str] = []
    while page := await stores.users.page(tenant, found[-1] if found else "", 5):
        found += [user.user_id for user in page]
    assert found == sorted(names)


async def test_new_user_has_the_default_profile(stores: Stores, tenant: str) -> None:
    await stores.create(tenant, person("u1"))
    assert await stores.profiles.find([(tenant, "u1")]) == {
        (tenant, "u1"): RiskProfile("u1", True, 0.1, "standard", 0, "DE", NOW, FIRST)
    }


async def test_profile_changes_what_is_named(stores: Stores, tenant: str) -> None:
    await stores.create(tenant, person("u1"))
    await stores.update_profile(tenant, "u1", ProfileChange(tier="elevated", chargeback_count=3), second())
    changed = await stores.update_profile(tenant, "u1", ProfileChange(base_risk=0.0), Revision(LATER, THIRD))
    assert changed == RiskProfile("u1", True, 0.0, "elevated", 3, "DE", NOW, THIRD)
    assert (await stores.profiles.find([(tenant, "u1")]))[tenant, "u1"] == changed
    assert await stores.users.get(tenant, "u1") == replace(person("u1"), updated_at=LATER, tag=THIRD)


async def test_profile_follows_the_users_country(stores: Stores, tenant: str) -> None:
    await stores.create(tenant, person("u1"))
    await stores.update(tenant, "u1", UserChange(country="FR"), second())
    profile = await stores.profile(tenant, "u1")
    assert (profile.country, profile.tag) == ("FR", SECOND)


async def test_profile_keeps_its_state_when_nothing_of_it_changes(stores: Stores, tenant: str) -> None:
    await stores.create(tenant, person("u1"))
    await stores.update(tenant, "u1", UserChange(email="b@example.com", country="DE"), second())
    assert (await stores.profile(tenant, "u1")).tag == FIRST


async def test_change_of_nothing_makes_no_new_state(stores: Stores, tenant: str) -> None:
    await stores.create(tenant, person("u1"))
    profile = await stores.profile(tenant, "u1")
    for of in (None, FIRST):
        assert await stores.update(tenant, "u1", UserChange(), second(of)) == person("u1")
        assert await stores.update_profile(tenant, "u1", ProfileChange(), second(of)) == profile
    assert await stores.update(tenant, "u2", UserChange(), second()) is None


async def test_only_the_state_that_is_named_is_changed(stores: Stores, tenant: str) -> None:
    await stores.create(tenant, person("u1"))
    profile = await stores.profile(tenant, "u1")
    for change in (UserChange(), UserChange(email="b@example.com")):
        with pytest.raises(OtherStateError):
            await stores.update(tenant, "u1", change, second(THIRD))
        assert await stores.update(tenant, "u2", change, second(FIRST)) is None
    for other in (ProfileChange(), ProfileChange(tier="blocked")):
        with pytest.raises(OtherStateError):
            await stores.update_profile(tenant, "u1", other, second(THIRD))
        with pytest.raises(OtherStateError):
            await stores.update_profile(tenant, "u1", other, second(ABSENT))
        with pytest.raises(OtherStateError):
            await stores.update_profile(tenant, "u2", other, second(FIRST))
    assert await stores.users.get(tenant, "u1") == person("u1")
    assert await stores.profile(tenant, "u1") == profile
    assert await stores.update(tenant, "u1", UserChange(email="b@example.com"), second(FIRST)) is not None
    assert await stores.update_profile(tenant, "u1", ProfileChange(tier="blocked"), second(FIRST)) is not None


async def test_of_changes_of_one_state_at_once_one_is_made(stores: Stores, tenant: str) -> None:
    await stores.create(tenant, person("u1"))
    revisions = [Revision(LATER, uuid4(), FIRST) for _ in range(6)]
    done = await asyncio.gather(
        *[stores.update(tenant, "u1", UserChange(email="b@example.com"), each) for each in revisions],
        return_exceptions=True,
    )
    (made,) = [user for user in done if isinstance(user, User)]
    assert [type(error) for error in done if error is not made] == [OtherStateError] * 5
    assert await stores.users.get(tenant, "u1") == made


def named(fingerprint: bytes = b"content") -> NamedRequest:
    return NamedRequest(uuid7(), "CreateUser", fingerprint)


async def test_name_is_claimed_once_and_then_has_its_answer(stores: Stores, tenant: str) -> None:
    request = named()
    async with stores.writer.begin(tenant) as changes:
        assert await changes.claim(request) is None
        await changes.answer(request.request_id, b"\x00answer")
    for fingerprint in (b"content", b"other"):
        async with stores.writer.begin(tenant) as changes:
            again = NamedRequest(request.request_id, "UpdateUser", fingerprint)
            assert await changes.claim(again) == Answered("CreateUser", b"content", b"\x00answer")


async def test_name_is_claimed_within_its_tenant_only(stores: Stores, tenant: str) -> None:
    request = named()
    for each in (tenant, str(uuid7())):
        async with stores.writer.begin(each) as changes:
            assert await changes.claim(request) is None


async def test_change_and_claim_are_undone_together(stores: Stores, tenant: str) -> None:
    request = named()
    with pytest.raises(ZeroDivisionError):
        async with stores.writer.begin(tenant) as changes:
            await changes.claim(request)
            await changes.create_user(person("u1"))
            await changes.answer(request.request_id, b"answer")
            raise ZeroDivisionError
    assert await stores.users.get(tenant, "u1") is None
    async with stores.writer.begin(tenant) as changes:
        assert await changes.claim(request) is None


async def test_second_claim_waits_for_the_first_to_end(stores: Stores, tenant: str) -> None:
    request = named()

    async def again() -> Answered | None:
        async with stores.writer.begin(tenant) as changes:
            return await changes.claim(request)

    async with stores.writer.begin(tenant) as changes:
        await changes.claim(request)
        second = asyncio.create_task(again())
        done, _ = await asyncio.wait([second], timeout=0.2)
        assert not done
        await changes.answer(request.request_id, b"answer")
    assert await second == Answered("CreateUser", b"content", b"answer")


async def test_second_claim_is_the_first_if_that_one_fails(stores: Stores, tenant: str) -> None:
    request = named()

    async def again() -> Answered | None:
        async with stores.writer.begin(tenant) as changes:
            return await changes.claim(request)

    with pytest.raises(ZeroDivisionError):
        async with stores.writer.begin(tenant) as changes:
            await changes.claim(request)
            second = asyncio.create_task(again())
            await asyncio.sleep(0.1)
            raise ZeroDivisionError
    assert await second is None


async def test_profiles_of_many_tenants_are_found_at_once_each_its_own(stores: Stores, tenant: str) -> None:
    other = str(uuid7())
    for owner, risk in ((tenant, 0.25), (other, 0.75)):
        await stores.create(owner, person("same"))
        await stores.update_profile(owner, "same", ProfileChange(base_risk=risk), second())
    await stores.create(other, person("theirs"))
    found = await stores.profiles.find([(tenant, "same"), (other, "same"), (tenant, "theirs"), (other, "nobody")])
    assert {key: profile.base_risk for key, profile in found.items()} == {(tenant, "same"): 0.25, (other, "same"): 0.75}
    assert await stores.profiles.find([]) == {}
