"""Where the members of tenants, their passwords and their one-time links are kept."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.auth.domain.links import MemberLink
from services.auth.domain.members import Member, MemberState
from services.auth.domain.quotas import QuotaUse
from services.auth.ports.acts import RecordedAct

__all__ = ["LinkStore", "MemberChange", "MemberStore", "PasswordAccount", "PasswordStore"]


@dataclass(frozen=True, slots=True)
class MemberChange:
    """A member as it shall be, and what is recorded of that."""

    member: Member
    act: RecordedAct


@dataclass(frozen=True, slots=True)
class PasswordAccount:
    """What a sign-in by password is checked against."""

    member: Member
    password_hash: str | None = field(repr=False)
    known: frozenset[bytes]
    """Those of the marks asked about that are the member's own."""
    has_factor: bool
    """Whether the member has a second factor."""


class MemberStore(Protocol):
    """Members. Those who are deleted are not found."""

    async def create_member(
        self, member: Member, link: MemberLink, act: RecordedAct, admit: Callable[[QuotaUse], None]
    ) -> bool:
        """Stores a member with the link to come in; False if the tenant has one with the address.

        `admit` is told how many members there were before, and who else makes one waits. What it raises leaves
        everything as it was.
        """
        ...

    async def find_member(self, tenant_id: str, member_id: str) -> Member | None: ...

    async def find_member_of_any_tenant(self, member_id: str) -> Member | None:
        """Returns a member whose tenant is not known yet."""
        ...

    async def list_members(self, tenant_id: str, state: MemberState | None, after: str, limit: int) -> list[Member]:
        """Returns members in the order of their identifiers, those after the given one."""
        ...

    async def change_member(
        self, tenant_id: str, member_id: str, decide: Callable[[Member, int], MemberChange | None]
    ) -> Member | None:
        """Stores what `decide` makes of the member and the number of other owners; None if there is no such member.

        Changes of one tenant take turns, so that the number is true. None of `decide` leaves all as it is. What the
        state of a member does not go with is removed: the link of one who is disabled, all of one who is deleted.
        """
        ...

    async def second_factor_required(self, tenant_id: str) -> bool: ...

    async def require_second_factor(self, tenant_id: str, required: bool, act: RecordedAct) -> None: ...


class PasswordStore(Protocol):
    """Passwords, and where members signed in."""

    async def find_account(
        self, tenant_id: str, email_key: str, marks: Collection[bytes], since: datetime
    ) -> PasswordAccount | None:
        """Returns what a password is checked against; marks count that were seen after `since`."""
        ...

    async def find_password(self, tenant_id: str, member_id: str) -> str | None: ...

    async def set_password(
        self, tenant_id: str, member_id: str, password_hash: str, at: datetime, act: RecordedAct
    ) -> None:
        """Replaces the password; all sessions that began before are over."""
        ...

    async def replace_hash(self, tenant_id: str, member_id: str, old: str, new: str) -> None:
        """Replaces the hash of the same password, unless the password was changed meanwhile."""
        ...

    async def known_marks(
        self, tenant_id: str, member_id: str, marks: Collection[bytes], since: datetime
    ) -> frozenset[bytes]: ...

    async def note_sign_in(self, tenant_id: str, member_id: str, marks: Collection[bytes], at: datetime) -> None:
        """Notes that the member proved who he is, and where; of the marks the latest stay, `MOST_MARKS` of them."""
        ...


class LinkStore(Protocol):
    """One-time links: each member has one at most that is good."""

    async def put_link(self, link: MemberLink, roles: frozenset[str], act: RecordedAct) -> bool:
        """Stores a link in place of one before it; False for a member who is out, or has other roles by now."""
        ...

    async def find_link(self, link_hash: bytes, now: datetime) -> tuple[MemberLink, Member] | None:
        """Returns a link that is good, and whose it is."""
        ...

    async def use_link(
        self, link: MemberLink, password_hash: str, marks: Collection[bytes], at: datetime, act: RecordedAct
    ) -> bool:
        """Uses a link up: sets the password, activates the member, ends all sessions; False if it is good no longer."""
        ...
