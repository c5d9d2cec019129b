"""The use cases of the user service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from services.user import errors
from services.user.domain.users import ProfileChange, RiskProfile, User, UserChange, unknown_profile
from services.user.ports import Key, Profiles, Users

__all__ = ["UserService"]


class UserService:
    """Keeps users and their risk profiles. `tenant_id` is that of the verified caller."""

    def __init__(self, *, users: Users, profiles: Profiles, clock: Callable[[], datetime]) -> None:
        self._users = users
        self._profiles = profiles
        self._clock = clock

    def now(self) -> datetime:
        return self._clock()

    async def create(self, tenant_id: str, user: User) -> User:
        """Raises RESOURCE_EXISTS."""
        if not await self._users.create(tenant_id, user):
            raise errors.user_exists()
        return user

    async def get(self, tenant_id: str, user_id: str) -> User:
        """Raises RESOURCE_NOT_FOUND."""
        user = await self._users.get(tenant_id, user_id)
        if user is None:
            raise errors.user_not_found()
        return user

    async def update(self, tenant_id: str, user_id: str, change: UserChange) -> User:
        """Raises RESOURCE_NOT_FOUND. A change of nothing leaves the update time as it is."""
        if change == UserChange():
            return await self.get(tenant_id, user_id)
        user = await self._users.update(tenant_id, user_id, change, self._clock())
        if user is None:
            raise errors.user_not_found()
        return user

    async def page(self, tenant_id: str, after: str, limit: int) -> tuple[list[User], bool]:
        """Returns a page of at most `limit` users and whether there are more."""
        users = await self._users.page(tenant_id, after, limit + 1)
        return users[:limit], len(users) > limit

    async def risk_profiles(self, keys: Sequence[Key]) -> list[RiskProfile]:
        """Returns a profile for each key, in order; users who do not exist have one of defaults."""
        found = await self._profiles.find(sorted(set(keys))) if keys else {}
        return [found.get(key) or unknown_profile(key[1]) for key in keys]

    async def update_risk_profile(self, tenant_id: str, user_id: str, change: ProfileChange) -> RiskProfile:
        """Raises RESOURCE_NOT_FOUND: a profile belongs to a user who exists."""
        if change == ProfileChange():
            profile = (await self._profiles.find([(tenant_id, user_id)])).get((tenant_id, user_id))
        else:
            profile = await self._profiles.update(tenant_id, user_id, change, self._clock())
        if profile is None:
            raise errors.user_not_found()
        return profile
