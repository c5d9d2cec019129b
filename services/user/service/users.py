"""Creates, reads, lists and changes users and their risk profiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from services.user import errors
from services.user.domain.users import ProfileChange, Revision, RiskProfile, User, UserChange, unknown_profile
from services.user.ports import Changes, Key, OtherStateError, Profiles, Users

__all__ = ["UserService"]


class UserService:
    """Keeps users and their risk profiles. `tenant_id` is that of the verified caller.

    What changes something does so in the transaction that it is given.
    """

    def __init__(
        self, *, users: Users, profiles: Profiles, clock: Callable[[], datetime], new_tag: Callable[[], UUID] = uuid4
    ) -> None:
        self._users = users
        self._profiles = profiles
        self._clock = clock
        self._new_tag = new_tag

    async def create(self, changes: Changes, user: Callable[[Revision], User]) -> User:
        """Raises RESOURCE_EXISTS."""
        made = user(self._revision(None))
        if not await changes.create_user(made):
            raise errors.user_exists()
        return made

    async def get(self, tenant_id: str, user_id: str) -> User:
        """Raises RESOURCE_NOT_FOUND."""
        user = await self._users.get(tenant_id, user_id)
        if user is None:
            raise errors.user_not_found()
        return user

    async def update(self, changes: Changes, user_id: str, change: UserChange, state: UUID | None = None) -> User:
        """Changes a user, only in the state named if one is. Raises RESOURCE_NOT_FOUND and ETAG_MISMATCH."""
        try:
            user = await changes.update_user(user_id, change, self._revision(state))
        except OtherStateError:
            raise errors.etag_mismatch() from None
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

    async def update_risk_profile(
        self, changes: Changes, user_id: str, change: ProfileChange, state: UUID | None = None
    ) -> RiskProfile:
        """Raises RESOURCE_NOT_FOUND, for a profile belongs to a user who exists, and ETAG_MISMATCH."""
        try:
            profile = await changes.update_profile(user_id, change, self._revision(state))
        except OtherStateError:
            raise errors.etag_mismatch() from None
        if profile is None:
            raise errors.user_not_found()
        return profile

    def _revision(self, state: UUID | None) -> Revision:
        return Revision(self._clock(), self._new_tag(), state)
