"""The ports of the user service in memory. Both views share the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from services.user.domain.users import ProfileChange, RiskProfile, User, UserChange, unknown_profile
from services.user.ports import Key

__all__ = ["MemoryProfiles", "MemoryRows", "MemoryUsers"]

MemoryRows = dict[Key, tuple[User, RiskProfile]]


class MemoryUsers:
    """Implements `Users`."""

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    async def create(self, tenant_id: str, user: User) -> bool:
        key = (tenant_id, user.user_id)
        if key in self._rows:
            return False
        profile = unknown_profile(user.user_id)
        self._rows[key] = user, replace(profile, known=True, country=user.country, created_at=user.created_at)
        return True

    async def get(self, tenant_id: str, user_id: str) -> User | None:
        row = self._rows.get((tenant_id, user_id))
        return row[0] if row else None

    async def update(self, tenant_id: str, user_id: str, change: UserChange, now: datetime) -> User | None:
        row = self._rows.get((tenant_id, user_id))
        if row is None:
            return None
        user = replace(row[0], **_named(change), updated_at=now)
        self._rows[tenant_id, user_id] = user, replace(row[1], country=user.country)
        return user

    async def page(self, tenant_id: str, after: str, limit: int) -> list[User]:
        users = [user for (tenant, user_id), (user, _) in self._rows.items() if tenant == tenant_id and user_id > after]
        return sorted(users, key=lambda user: user.user_id)[:limit]


class MemoryProfiles:
    """Implements `Profiles`."""

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    async def find(self, keys: Sequence[Key]) -> Mapping[Key, RiskProfile]:
        return {key: self._rows[key][1] for key in keys if key in self._rows}

    async def update(self, tenant_id: str, user_id: str, change: ProfileChange, now: datetime) -> RiskProfile | None:
        row = self._rows.get((tenant_id, user_id))
        if row is None:
            return None
        profile = replace(row[1], **_named(change))
        self._rows[tenant_id, user_id] = replace(row[0], updated_at=now), profile
        return profile


def _named(change: UserChange | ProfileChange) -> dict[str, Any]:
    return {name: value for name, value in asdict(change).items() if value is not None}
