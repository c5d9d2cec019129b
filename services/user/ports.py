"""What the user service needs from its store. The tenant is always that of the verified caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias
from uuid import UUID

from meshkit import named_requests
from meshkit.named_requests import Claims
from services.user.domain.users import ProfileChange, Revision, RiskProfile, User, UserChange

__all__ = ["Changes", "Key", "OtherStateError", "Profiles", "Users", "Writer"]

Key = tuple[str, str]
"""Tenant and user."""


class OtherStateError(Exception):
    """What is to be changed exists, but not in the state that the caller wants to change."""


class Users(Protocol):
    """The users of each tenant."""

    async def get(self, tenant_id: str, user_id: str) -> User | None: ...

    async def page(self, tenant_id: str, after: str, limit: int) -> list[User]:
        """Returns at most `limit` users whose identifiers come after `after`, in their order."""
        ...


class Profiles(Protocol):
    """The risk profiles that are stored, also of users who do not exist yet."""

    async def find(self, keys: Sequence[Key]) -> Mapping[Key, RiskProfile]:
        """Returns those of the profiles that are stored, of any tenants at once."""
        ...


class Changes(Claims, Protocol):
    """One transaction on the rows of one tenant."""

    async def create_user(self, user: User) -> bool:
        """Stores a user, with the default risk profile if none is there; False if the tenant has one of that name."""
        ...

    async def update_user(self, user_id: str, change: UserChange, revision: Revision) -> User | None:
        """Returns the user after the change, None if there is none. A change of nothing makes no new state.

        Raises OtherStateError.
        """
        ...

    async def delete_user(self, user_id: str, state: UUID | None) -> bool:
        """Deletes a user and its profile, whichever of them is stored; False if neither is. Raises OtherStateError."""
        ...

    async def update_profile(self, user_id: str, change: ProfileChange, revision: Revision) -> RiskProfile:
        """Returns the profile after the change, which is stored if it was not. A change of nothing stores nothing.

        Raises OtherStateError. The state of what is not stored is `ABSENT`.
        """
        ...


Writer: TypeAlias = named_requests.Writer[Changes]
"""Makes changes."""
