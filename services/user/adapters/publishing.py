"""Publishes which users a transaction has changed: a decorator of `Writer`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from meshkit.named_requests import Answered, NamedRequest
from meshkit.storage.changes import Change
from services.user.domain.users import ProfileChange, Revision, RiskProfile, User, UserChange
from services.user.ports import Changes, Writer

__all__ = ["TOPIC", "PublishingWriter"]

TOPIC = "user"
"""Users and their risk profiles: the `cache_topic` of the methods that read them."""


class PublishingWriter:
    """Tells which users a transaction has changed, when it has ended and before its caller goes on."""

    def __init__(self, inner: Writer, publish: Callable[[Change], Awaitable[None]]) -> None:
        self._inner = inner
        self._publish = publish

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[Changes]:
        touched: set[str] = set()
        try:
            async with self._inner.begin(tenant_id) as changes:
                yield _Noting(changes, touched)
        finally:
            # Also after an error: who does not know how its commit ended may have changed something.
            for user_id in touched:
                await self._publish(Change(TOPIC, tenant_id, user_id))


class _Noting:
    """Notes the users that are changed."""

    def __init__(self, inner: Changes, touched: set[str]) -> None:
        self._inner = inner
        self._touched = touched

    async def create_user(self, user: User) -> bool:
        self._touched.add(user.user_id)
        return await self._inner.create_user(user)

    async def update_user(self, user_id: str, change: UserChange, revision: Revision) -> User | None:
        self._touched.add(user_id)
        return await self._inner.update_user(user_id, change, revision)

    async def delete_user(self, user_id: str, state: UUID | None) -> bool:
        self._touched.add(user_id)
        return await self._inner.delete_user(user_id, state)

    async def update_profile(self, user_id: str, change: ProfileChange, revision: Revision) -> RiskProfile:
        self._touched.add(user_id)
        return await self._inner.update_profile(user_id, change, revision)

    async def claim(self, request: NamedRequest) -> Answered | None:
        return await self._inner.claim(request)

    async def answer(self, request_id: UUID, response: bytes) -> None:
        await self._inner.answer(request_id, response)
