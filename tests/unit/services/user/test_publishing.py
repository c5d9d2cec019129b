from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from meshkit.named_requests import NamedRequest
from meshkit.storage.changes import Change
from services.user.adapters.memory import MemoryUserRows, MemoryUsers, MemoryWriter
from services.user.adapters.publishing import PublishingWriter
from services.user.domain.users import ProfileChange, Revision, User, UserChange

NOW = datetime(2026, 11, 21, tzinfo=UTC)
REVISION = Revision(tag=UUID(int=1), at=NOW)


class Store:
    """A writer in memory, with what others were told and what the store held at that moment."""

    def __init__(self) -> None:
        self.rows = MemoryUserRows()
        self.users = MemoryUsers(self.rows)
        self.told: list[Change] = []
        self.names: list[str | None] = []
        self.writer = PublishingWriter(MemoryWriter(self.rows), self._publish)

    async def _publish(self, change: Change) -> None:
        await asyncio.sleep(0)
        self.told.append(change)
        user = await self.users.get(change.tenant_id, change.key)
        self.names.append(user.display_name if user is not None else None)

    async def create(self, user_id: str) -> None:
        async with self.writer.begin("t") as changes:
            assert await changes.create_user(User(user_id, "old", "", "", "", NOW, NOW, UUID(int=9)))


@pytest.fixture
async def store() -> Store:
    store = Store()
    await store.create("u1")
    return store


async def test_others_are_told_after_the_change_is_there(store: Store) -> None:
    assert store.told == [Change("user", "t", "u1")]
    async with store.writer.begin("t") as changes:
        assert await changes.update_user("u1", UserChange(display_name="new"), REVISION) is not None
        assert len(store.told) == 1, "not before its end"
    assert store.told[1:] == [Change("user", "t", "u1")]
    assert store.names == ["old", "new"]


async def test_each_changed_user_is_told_of_once(store: Store) -> None:
    await store.create("u2")
    store.told.clear()
    async with store.writer.begin("t") as changes:
        for user_id in ("u1", "u2", "u1"):
            await changes.update_profile(user_id, ProfileChange(tier="blocked"), REVISION)
    assert sorted(store.told) == [Change("user", "t", "u1"), Change("user", "t", "u2")]


async def test_change_that_failed_is_told_of_because_it_may_have_happened(store: Store) -> None:
    with pytest.raises(ConnectionError):
        async with store.writer.begin("t") as changes:
            await changes.update_user("u1", UserChange(display_name="new"), REVISION)
            raise ConnectionError("during the commit")
    assert store.told[1:] == [Change("user", "t", "u1")]


async def test_nothing_is_told_of_where_nothing_was_changed(store: Store) -> None:
    async with store.writer.begin("t") as changes:
        await changes.claim(NamedRequest(UUID(int=7), "UpdateUser", b"f"))
        await changes.answer(UUID(int=7), b"response")
    assert len(store.told) == 1
