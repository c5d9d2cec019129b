"""Creates, reads, lists and changes users and their risk profiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from meshkit.preconditions import etag_mismatch
from services.user import errors
from services.user.domain.users import ProfileChange, Revision, RiskProfile, User, UserChange, unknown_profile
from services.user.ports import Changes, Key, OtherStateError, Profiles, Users

__all__ = ["Admits", "UserService"]

Admits = Callable[[UUID], bool]
"""Tells of a tag whether the state that it names may be changed."""


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
        return _found(await self._users.get(tenant_id, user_id))

    async def update(
        self,
        changes: Changes,
        user_id: str,
        change: UserChange,
        state: UUID | None = None,
        check: Callable[[User], None] | None = None,
        admits: Admits | None = None,
    ) -> User:
        """Changes a user, only in a state that is named and admitted, and only if `check` finds nothing wrong with it.

        Raises RESOURCE_NOT_FOUND and ETAG_MISMATCH, and what `check` raises.
        """
        try:
            if admits is not None:
                state = _admitted(admits, _found(await self._seen(changes, user_id, state)).tag)
            if check is not None:
                check(_found(await self._seen(changes, user_id, state)))
            return _found(await changes.update_user(user_id, change, self._revision(state)))
        except OtherStateError:
            raise etag_mismatch() from None

    async def delete(
        self, changes: Changes, user_id: str, state: UUID | None = None, admits: Admits | None = None
    ) -> None:
        """Deletes a user with its risk profile. Raises RESOURCE_NOT_FOUND and ETAG_MISMATCH, as `update` does."""
        try:
            if admits is not None:
                state = _admitted(admits, _found(await self._seen(changes, user_id, state)).tag)
            deleted = await changes.delete_user(user_id, state)
        except OtherStateError:
            raise etag_mismatch() from None
        if not deleted:
            raise errors.user_not_found()

    async def page(self, tenant_id: str, after: str, limit: int) -> tuple[list[User], bool]:
        """Returns a page of at most `limit` users and whether there are more."""
        users = await self._users.page(tenant_id, after, limit + 1)
        return users[:limit], len(users) > limit

    async def risk_profiles(self, keys: Sequence[Key]) -> list[RiskProfile]:
        """Returns a profile for each key, in order: one of defaults where none is stored."""
        found = await self._profiles.find(sorted(set(keys))) if keys else {}
        return [found.get(key) or unknown_profile(key[1]) for key in keys]

    async def update_risk_profile(
        self,
        changes: Changes,
        user_id: str,
        change: ProfileChange,
        state: UUID | None = None,
        check: Callable[[RiskProfile], None] | None = None,
        admits: Admits | None = None,
    ) -> RiskProfile:
        """Changes a profile, also of a user who does not exist yet. Raises ETAG_MISMATCH, and what `check` raises."""
        try:
            if admits is not None:
                seen = await changes.update_profile(user_id, ProfileChange(), self._revision(state))
                state = _admitted(admits, seen.tag)
            if check is not None:
                check(await changes.update_profile(user_id, ProfileChange(), self._revision(state)))
            return await changes.update_profile(user_id, change, self._revision(state))
        except OtherStateError:
            raise etag_mismatch() from None

    async def _seen(self, changes: Changes, user_id: str, state: UUID | None) -> User | None:
        return await changes.update_user(user_id, UserChange(), self._revision(state))

    def _revision(self, state: UUID | None) -> Revision:
        return Revision(self._clock(), self._new_tag(), state)


def _admitted(admits: Admits, tag: UUID) -> UUID:
    """Returns the tag of a state that may be changed, so that no other is. Raises OtherStateError."""
    if not admits(tag):
        raise OtherStateError
    return tag


def _found(user: User | None) -> User:
    if user is None:
        raise errors.user_not_found()
    return user
