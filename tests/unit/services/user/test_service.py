"""The use cases of the user service on its ports in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from meshkit.errors import Kind, MeshError
from services.user.adapters.memory import MemoryProfiles, MemoryRows, MemoryUsers
from services.user.domain.users import ProfileChange, User, UserChange
from services.user.service import UserService

NOW = datetime(2026, 11, 21, tzinfo=UTC)


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def service(clock: Clock) -> UserService:
    rows: MemoryRows = {}
    service = UserService(users=MemoryUsers(rows), profiles=MemoryProfiles(rows), clock=clock)
    for name in ("u1", "u2", "u3"):
        await service.create("ours", User(name, "", "", "", "", NOW, NOW))
    return service


async def test_profiles_come_in_the_order_asked_also_repeated_and_unknown(service: UserService) -> None:
    await service.update_risk_profile("ours", "u2", ProfileChange(base_risk=0.5))
    keys = [("ours", "u2"), ("theirs", "u2"), ("ours", "u9"), ("ours", "u1"), ("ours", "u2")]
    profiles = await service.risk_profiles(keys)
    assert [(profile.user_id, profile.known, profile.base_risk) for profile in profiles] == [
        ("u2", True, 0.5), ("u2", False, 0.1), ("u9", False, 0.1), ("u1", True, 0.1), ("u2", True, 0.5),
    ]  # fmt: skip
    assert await service.risk_profiles([]) == []


@pytest.mark.parametrize(
    ("after", "limit", "names", "more"),
    [("", 2, ["u1", "u2"], True), ("u2", 2, ["u3"], False), ("", 3, ["u1", "u2", "u3"], False), ("u3", 5, [], False)],
)
async def test_page_says_whether_there_are_more(
    service: UserService, after: str, limit: int, names: list[str], more: bool
) -> None:
    users, found_more = await service.page("ours", after, limit)
    assert ([user.user_id for user in users], found_more) == (names, more)


async def test_change_of_nothing_leaves_the_update_time(service: UserService, clock: Clock) -> None:
    clock.now = NOW + timedelta(seconds=1)
    assert (await service.update("ours", "u1", UserChange())).updated_at == NOW
    assert (await service.update_risk_profile("ours", "u1", ProfileChange())).known
    assert (await service.update("ours", "u1", UserChange(email="a@example.com"))).updated_at == clock.now


@pytest.mark.parametrize("change", [UserChange(), UserChange(email="")])
async def test_unknown_user_cannot_be_changed(service: UserService, change: UserChange) -> None:
    with pytest.raises(MeshError) as caught:
        await service.update("theirs", "u1", change)
    assert (caught.value.kind, caught.value.metadata) == (Kind.NOT_FOUND, {"resource": "user"})


@pytest.mark.parametrize("change", [ProfileChange(), ProfileChange(tier="blocked")])
async def test_unknown_users_profile_cannot_be_changed(service: UserService, change: ProfileChange) -> None:
    with pytest.raises(MeshError) as caught:
        await service.update_risk_profile("theirs", "u1", change)
    assert caught.value.reason == "RESOURCE_NOT_FOUND"
