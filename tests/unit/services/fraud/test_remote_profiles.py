"""Profiles that are kept until a change, with a user service that answers from a function."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from rampart.user.v1 import user_pb2, user_service_pb2

from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError, deadline_exceeded, unavailable
from meshkit.storage.changes import Change, Freshness
from services.fraud.adapters import remote_profiles
from services.fraud.adapters.remote_profiles import RemoteRiskProfiles, profile_of
from services.fraud.domain.profile import Profile


class UserService:
    """Stands where the batch client stands."""

    def __init__(self) -> None:
        self.tier = "standard"
        self.asked: list[str] = []
        self.gate: asyncio.Event | None = None
        self.errors: dict[str, MeshError] = {}
        self._tasks: set[asyncio.Future[bytes]] = set()

    def submit(self, request: bytes, context: CallContext) -> asyncio.Future[bytes]:
        user_id = user_service_pb2.GetRiskProfileRequest.FromString(request).user_id
        self.asked.append(user_id)
        task: asyncio.Future[bytes] = asyncio.ensure_future(self._answer(user_id, self.tier))
        self._tasks.add(task)
        return task

    async def _answer(self, user_id: str, tier: str) -> bytes:
        if user_id in self.errors:
            raise self.errors[user_id]
        if self.gate is not None:
            await self.gate.wait()
        profile = user_pb2.RiskProfile(user_id=user_id, known=True, tier=tier)
        return user_service_pb2.GetRiskProfileResponse(risk_profile=profile).SerializeToString()


class Reader:
    def __init__(self) -> None:
        self.service = UserService()
        client: Any = self.service
        self.freshness = Freshness(key=profile_of)
        self.freshness.live = True
        self.profiles = RemoteRiskProfiles(client, self.freshness)

    async def tier(self, user_id: str = "u1", tenant_id: str = "t", call: CallContext | None = None) -> str | None:
        (profile,) = await self.profiles.read([(call or CallContext(), tenant_id, user_id)], 10)
        assert profile is None or isinstance(profile, Profile)
        return profile.tier if profile is not None else None


@pytest.fixture
def reader() -> Reader:
    return Reader()


async def test_profile_is_read_once(reader: Reader) -> None:
    assert [await reader.tier() for _ in range(3)] == ["standard"] * 3
    assert reader.service.asked == ["u1"]


async def test_changed_profile_is_used_at_once_and_others_are_kept(reader: Reader) -> None:
    await reader.tier("u1")
    await reader.tier("u2")
    reader.service.tier = "blocked"
    reader.freshness.heard(Change("user", "t", "u1"))
    assert [await reader.tier("u1"), await reader.tier("u2")] == ["blocked", "standard"]
    assert reader.service.asked == ["u1", "u2", "u1"]


@pytest.mark.parametrize("change", [Change("user", "other", "u1"), Change("decision", "t", "u1")])
async def test_change_of_something_else_changes_nothing(reader: Reader, change: Change) -> None:
    await reader.tier()
    reader.freshness.heard(change)
    await reader.tier()
    assert reader.service.asked == ["u1"]


async def test_read_that_was_under_way_during_a_change_is_not_kept(reader: Reader) -> None:
    reader.service.gate = asyncio.Event()
    reading = asyncio.create_task(reader.tier())
    await asyncio.sleep(0.01)
    reader.service.tier = "blocked"
    reader.freshness.heard(Change("user", "t", "u1"))
    reader.service.gate.set()
    assert await reading == "standard"
    assert await reader.tier() == "blocked"


async def test_everything_is_read_again_when_changes_may_have_been_missed(reader: Reader) -> None:
    await reader.tier()
    reader.service.tier = "blocked"
    reader.freshness.everything_changed()
    assert await reader.tier() == "blocked"


async def test_profile_is_kept_for_less_while_nobody_tells_of_changes(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_profiles, "UNHEARD_SECONDS", 0.01)
    await reader.tier()
    reader.service.tier = "blocked"
    await asyncio.sleep(0.02)
    assert await reader.tier() == "standard"
    reader.freshness.live = False
    assert await reader.tier() == "blocked"


@pytest.mark.parametrize("kind", [Kind.INVALID_ARGUMENT, Kind.UNAUTHENTICATED, Kind.PERMISSION_DENIED])
async def test_users_that_are_refused_cost_others_no_profile(reader: Reader, kind: Kind) -> None:
    reader.service.errors["bad"] = MeshError(kind, kind.name, "no")
    assert [await reader.tier("bad") for _ in range(5)] == [None] * 5
    assert await reader.tier("u1", "another") == "standard"


async def test_callers_without_time_cost_others_no_profile(reader: Reader) -> None:
    reader.service.errors["late"] = deadline_exceeded()
    for _ in range(5):
        assert await reader.tier("late", call=CallContext(deadline=time.monotonic() - 1)) is None
    assert await reader.tier("u1", "another") == "standard"


async def test_service_that_does_not_answer_is_left_alone_for_a_while(reader: Reader) -> None:
    reader.service.errors["u1"] = unavailable("user")
    for _ in range(3):
        await reader.tier()
    asked = len(reader.service.asked)
    assert await reader.tier("u2") is None
    assert len(reader.service.asked) == asked
