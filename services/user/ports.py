"""What the user service needs from its store. The tenant is always that of the verified caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from services.user.domain.users import ProfileChange, RiskProfile, User, UserChange

__all__ = ["Key", "Profiles", "Users"]

Key = tuple[str, str]
"""Tenant and user."""


class Users(Protocol):
    """The users of each tenant."""

    async def create(self, tenant_id: str, user: User) -> bool:
        """Stores a user with the default risk profile; False if the tenant has one with that identifier."""
        ...

    async def get(self, tenant_id: str, user_id: str) -> User | None: ...

    async def update(self, tenant_id: str, user_id: str, change: UserChange, now: datetime) -> User | None:
        """Returns the changed user, None if there is none."""
        ...

    async def page(self, tenant_id: str, after: str, limit: int) -> list[User]:
        """Returns at most `limit` users whose identifiers come after `after`, in their order."""
        ...


class Profiles(Protocol):
    """The risk profiles of existing users."""

    async def find(self, keys: Sequence[Key]) -> Mapping[Key, RiskProfile]:
        """Returns the profiles of those users that exist, of any tenants at once."""
        ...

    async def update(self, tenant_id: str, user_id: str, change: ProfileChange, now: datetime) -> RiskProfile | None:
        """Returns the changed profile, None if there is no such user."""
        ...
