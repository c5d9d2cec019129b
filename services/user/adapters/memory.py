"""Keeps users, profiles and idempotency records in memory. All views share the rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID

from meshkit.named_requests import Answered
from meshkit.storage.named_requests import MemoryClaims
from services.user.domain.users import ProfileChange, Revision, RiskProfile, User, UserChange, unknown_profile
from services.user.ports import Changes, Key, OtherStateError

__all__ = ["MemoryChanges", "MemoryProfiles", "MemoryUserRows", "MemoryUsers", "MemoryWriter"]


@dataclass
class MemoryUserRows:
    """What the store holds."""

    users: dict[Key, tuple[User | None, RiskProfile]] = field(default_factory=dict)
    """By tenant and identifier. There may be a profile alone."""
    requests: dict[tuple[str, UUID], Answered] = field(default_factory=dict)


class MemoryUsers:
    """Implements `Users`."""

    def __init__(self, rows: MemoryUserRows) -> None:
        self._rows = rows

    async def get(self, tenant_id: str, user_id: str) -> User | None:
        row = self._rows.users.get((tenant_id, user_id))
        return row[0] if row else None

    async def page(self, tenant_id: str, after: str, limit: int) -> list[User]:
        rows = self._rows.users.items()
        users = [user for (tenant, _), (user, _) in rows if tenant == tenant_id and user and user.user_id > after]
        return sorted(users, key=lambda user: user.user_id)[:limit]


class MemoryProfiles:
    """Implements `Profiles`."""

    def __init__(self, rows: MemoryUserRows) -> None:
        self._rows = rows

    async def find(self, keys: Sequence[Key]) -> Mapping[Key, RiskProfile]:
        return {key: self._rows.users[key][1] for key in keys if key in self._rows.users}


class MemoryWriter:
    """Implements `Writer`: one transaction at a time."""

    def __init__(self, rows: MemoryUserRows) -> None:
        self._rows = rows
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[Changes]:
        async with self._lock:
            users, requests = dict(self._rows.users), dict(self._rows.requests)
            try:
                yield MemoryChanges(self._rows, tenant_id)
            except BaseException:
                self._rows.users, self._rows.requests = users, requests
                raise


class MemoryChanges(MemoryClaims):
    """Implements `Changes`."""

    def __init__(self, rows: MemoryUserRows, tenant_id: str) -> None:
        super().__init__(rows.requests, tenant_id)
        self._rows = rows

    async def create_user(self, user: User) -> bool:
        key = (self._tenant_id, user.user_id)
        there, profile = self._stored(user.user_id)
        if there is not None:
            return False
        profile = replace(profile, known=True, country=user.country, created_at=user.created_at, tag=user.tag)
        self._rows.users[key] = user, profile
        return True

    async def update_user(self, user_id: str, change: UserChange, revision: Revision) -> User | None:
        user, profile = self._stored(user_id)
        if user is None:
            return None
        _check(user.tag, revision)
        if change == UserChange():
            return user
        user = replace(user, **_named(change), updated_at=revision.at, tag=revision.tag)
        if user.country != profile.country:
            profile = replace(profile, country=user.country, tag=revision.tag)
        self._rows.users[self._tenant_id, user_id] = user, profile
        return user

    async def delete_user(self, user_id: str, state: UUID | None) -> bool:
        row = self._rows.users.get((self._tenant_id, user_id))
        if row is None:
            return False
        if state not in (None, (row[0] or row[1]).tag):
            raise OtherStateError
        del self._rows.users[self._tenant_id, user_id]
        return True

    async def update_profile(self, user_id: str, change: ProfileChange, revision: Revision) -> RiskProfile:
        user, profile = self._stored(user_id)
        _check(profile.tag, revision)
        if change == ProfileChange():
            return profile
        profile = replace(profile, **_named(change), tag=revision.tag)
        changed = replace(user, updated_at=revision.at, tag=revision.tag) if user is not None else None
        self._rows.users[self._tenant_id, user_id] = changed, profile
        return profile

    def _stored(self, user_id: str) -> tuple[User | None, RiskProfile]:
        return self._rows.users.get((self._tenant_id, user_id)) or (None, unknown_profile(user_id))


def _check(tag: UUID, revision: Revision) -> None:
    if revision.of is not None and revision.of != tag:
        raise OtherStateError


def _named(change: UserChange | ProfileChange) -> dict[str, Any]:
    return {name: value for name, value in asdict(change).items() if value is not None}
