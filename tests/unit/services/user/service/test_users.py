"""The use cases of the user service on its ports in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from rampart.user.v1 import user_pb2

from meshkit.errors import Kind, MeshError
from services.user import convert
from services.user.adapters.memory import MemoryProfiles, MemoryUserRows, MemoryUsers, MemoryWriter
from services.user.domain.users import ABSENT, ProfileChange, RiskProfile, User, UserChange, unknown_profile
from services.user.service.users import UserService
from tests.support.clock import Clock

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock[datetime]:
    return Clock(NOW)


class Users:
    """The use cases, each change in a transaction of its own."""

    def __init__(self, clock: Clock[datetime]) -> None:
        rows = MemoryUserRows()
        self.of = UserService(users=MemoryUsers(rows), profiles=MemoryProfiles(rows), clock=clock)
        self._writer = MemoryWriter(rows)

    async def create(self, tenant: str, name: str) -> User:
        async with self._writer.begin(tenant) as changes:
            return await self.of.create(changes, partial(convert.user_from_proto, user_pb2.User(user_id=name)))

    async def update(self, tenant: str, name: str, change: UserChange, state: UUID | None = None) -> User:
        async with self._writer.begin(tenant) as changes:
            return await self.of.update(changes, name, change, state)

    async def delete(self, tenant: str, name: str, state: UUID | None = None) -> None:
        async with self._writer.begin(tenant) as changes:
            await self.of.delete(changes, name, state)

    async def update_profile(
        self, tenant: str, name: str, change: ProfileChange, state: UUID | None = None
    ) -> RiskProfile:
        async with self._writer.begin(tenant) as changes:
            return await self.of.update_risk_profile(changes, name, change, state)


@pytest.fixture
async def users(clock: Clock[datetime]) -> Users:
    users = Users(clock)
    for name in ("u1", "u2", "u3"):
        await users.create("ours", name)
    return users


async def test_profiles_come_in_the_order_asked_also_repeated_and_unknown(users: Users) -> None:
    await users.update_profile("ours", "u2", ProfileChange(base_risk=0.5))
    keys = [("ours", "u2"), ("theirs", "u2"), ("ours", "u9"), ("ours", "u1"), ("ours", "u2")]
    profiles = await users.of.risk_profiles(keys)
    assert [(profile.user_id, profile.known, profile.base_risk) for profile in profiles] == [
        ("u2", True, 0.5), ("u2", False, 0.1), ("u9", False, 0.1), ("u1", True, 0.1), ("u2", True, 0.5),
    ]  # fmt: skip
    assert await users.of.risk_profiles([]) == []


@pytest.mark.parametrize(
    ("after", "limit", "names", "more"),
    [("", 2, ["u1", "u2"], True), ("u2", 2, ["u3"], False), ("", 3, ["u1", "u2", "u3"], False), ("u3", 5, [], False)],
)
async def test_page_says_whether_there_are_more(
    users: Users, after: str, limit: int, names: list[str], more: bool
) -> None:
    found, found_more = await users.of.page("ours", after, limit)
    assert ([user.user_id for user in found], found_more) == (names, more)


async def test_change_of_nothing_leaves_the_update_time(users: Users, clock: Clock[datetime]) -> None:
    clock.now = NOW + timedelta(seconds=1)
    assert (await users.update("ours", "u1", UserChange())).updated_at == NOW
    assert (await users.update_profile("ours", "u1", ProfileChange())).known
    assert (await users.update("ours", "u1", UserChange(email="a@example.com"))).updated_at == clock.now


@pytest.mark.parametrize("change", [UserChange(), UserChange(email="")])
async def test_unknown_user_cannot_be_changed(users: Users, change: UserChange) -> None:
    with pytest.raises(MeshError) as caught:
        await users.update("theirs", "u1", change)
    assert (caught.value.kind, caught.value.metadata) == (Kind.NOT_FOUND, {"resource": "user"})


async def test_profile_may_be_there_before_its_user_and_becomes_the_users(users: Users) -> None:
    assert (await users.update_profile("theirs", "u1", ProfileChange())).tag == ABSENT
    before = await users.update_profile("theirs", "u1", ProfileChange(tier="blocked"), ABSENT)
    assert (before.known, before.tier, before.base_risk, before.created_at) == (False, "blocked", 0.1, None)
    with pytest.raises(MeshError) as caught:
        await users.update_profile("theirs", "u1", ProfileChange(tier="trusted"), ABSENT)
    assert caught.value.reason == "ETAG_MISMATCH"
    for call in (users.of.get("theirs", "u1"), users.update("theirs", "u1", UserChange(email=""))):
        with pytest.raises(MeshError) as caught:
            await call
        assert caught.value.reason == "RESOURCE_NOT_FOUND"
    assert await users.of.page("theirs", "", 10) == ([], False)
    user = await users.create("theirs", "u1")
    (profile,) = await users.of.risk_profiles([("theirs", "u1")])
    assert profile == replace(before, known=True, created_at=user.created_at, tag=user.tag)


async def test_user_is_deleted_with_its_profile_in_the_state_named(users: Users) -> None:
    user = await users.of.get("ours", "u1")
    await users.update_profile("ours", "u1", ProfileChange(tier="blocked"))
    with pytest.raises(MeshError) as caught:
        await users.delete("ours", "u1", user.tag)
    assert caught.value.reason == "ETAG_MISMATCH"
    await users.delete("ours", "u1", (await users.of.get("ours", "u1")).tag)
    for call in (users.of.get("ours", "u1"), users.delete("ours", "u1"), users.delete("theirs", "u2")):
        with pytest.raises(MeshError) as caught:
            await call
        assert caught.value.reason == "RESOURCE_NOT_FOUND"
    assert await users.of.risk_profiles([("ours", "u1")]) == [unknown_profile("u1")]
    await users.create("ours", "u1")
    (anew,) = await users.of.risk_profiles([("ours", "u1")])
    assert (anew.known, anew.tier) == (True, "standard")


async def test_change_of_another_state_is_refused_and_changes_nothing(users: Users) -> None:
    first = await users.of.get("ours", "u1")
    second = await users.update("ours", "u1", UserChange(email="a@example.com"), first.tag)
    for change in (UserChange(email="b@example.com"), UserChange()):
        for state in (first.tag, uuid4()):
            with pytest.raises(MeshError) as caught:
                await users.update("ours", "u1", change, state)
            assert (caught.value.kind, caught.value.reason) == (Kind.ABORTED, "ETAG_MISMATCH")
    assert await users.of.get("ours", "u1") == second


async def test_profile_has_a_state_of_its_own(users: Users) -> None:
    (before,) = await users.of.risk_profiles([("ours", "u1")])
    await users.update("ours", "u1", UserChange(email="a@example.com"))
    after = await users.update_profile("ours", "u1", ProfileChange(tier="blocked"), before.tag)
    assert after.tag != before.tag
    with pytest.raises(MeshError) as caught:
        await users.update_profile("ours", "u1", ProfileChange(tier="trusted"), before.tag)
    assert caught.value.reason == "ETAG_MISMATCH"


async def test_state_of_an_unknown_user_is_that_there_is_none(users: Users) -> None:
    with pytest.raises(MeshError) as caught:
        await users.update("ours", "u9", UserChange(email="a@example.com"), uuid4())
    assert caught.value.reason == "RESOURCE_NOT_FOUND"
