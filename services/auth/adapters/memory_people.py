"""Keeps members, their passwords and links in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.auth.adapters.memory_acts import MemoryActs
from services.auth.domain.identity_providers import ProviderLink
from services.auth.domain.links import MemberLink
from services.auth.domain.members import Member, MemberState, email_key
from services.auth.domain.passkeys import Ceremony, Passkey
from services.auth.domain.quotas import CountedResource, QuotaUse
from services.auth.domain.throttling import MOST_MARKS
from services.auth.domain.totp import Totp
from services.auth.ports import MemberChange, PasswordAccount, RecordedAct

__all__ = ["MemoryLinks", "MemoryMembers", "MemoryPasswords", "PeopleInMemory"]


@dataclass
class PeopleInMemory(MemoryActs):
    """What the stores of people have in common."""

    members: dict[str, Member] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    links: dict[str, MemberLink] = field(default_factory=dict)
    marks: dict[str, dict[bytes, datetime]] = field(default_factory=dict)
    totp: dict[str, Totp] = field(default_factory=dict)
    codes: dict[str, set[bytes]] = field(default_factory=dict)
    passkeys: dict[bytes, Passkey] = field(default_factory=dict)
    ceremonies: dict[bytes, Ceremony] = field(default_factory=dict)
    provider_links: dict[str, ProviderLink] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    said: Callable[[str, CountedResource], int] = lambda *_: 0
    """Returns how many of a thing the plan of a tenant says that there may be."""

    def member(self, tenant_id: str, member_id: str) -> Member | None:
        found = self.members.get(member_id)
        return found if found and found.tenant_id == tenant_id and found.deleted_at is None else None

    def present(self, tenant_id: str) -> list[Member]:
        """Returns the members of a tenant who are not deleted."""
        return [each for each in self.members.values() if each.tenant_id == tenant_id and each.deleted_at is None]

    def lasting_factors(self, member_id: str) -> int:
        totp = self.totp.get(member_id)
        own = [each for each in self.passkeys.values() if each.member_id == member_id]
        return len(own) + (totp is not None and totp.sealed_secret is not None)

    def erase(self, member_id: str) -> None:
        for store in (self.passwords, self.links, self.marks, self.totp, self.codes, self.provider_links):
            store.pop(member_id, None)
        self.passkeys = {key: each for key, each in self.passkeys.items() if each.member_id != member_id}

    def use_of_members(self, tenant_id: str) -> QuotaUse:
        said = self.said(tenant_id, CountedResource.MEMBERS)
        return QuotaUse(CountedResource.MEMBERS, said, len(self.present(tenant_id)))

    def remember(self, member_id: str, marks: Collection[bytes], at: datetime) -> None:
        all_marks = self.marks.get(member_id, {}) | dict.fromkeys(marks, at)
        latest = sorted(all_marks, key=lambda mark: (-all_marks[mark].timestamp(), mark))[:MOST_MARKS]
        self.marks[member_id] = {mark: all_marks[mark] for mark in latest}


class MemoryMembers:
    """Implements `MemberStore`."""

    def __init__(self, people: PeopleInMemory) -> None:
        self._people = people

    async def create_member(
        self, member: Member, link: MemberLink, act: RecordedAct, admit: Callable[[QuotaUse], None]
    ) -> bool:
        present = self._people.present(member.tenant_id)
        if email_key(member.email) in {email_key(each.email) for each in present}:
            return False
        admit(self._people.use_of_members(member.tenant_id))
        self._people.members[member.member_id] = member
        self._people.links[member.member_id] = link
        self._people.record(act)
        return True

    async def find_member(self, tenant_id: str, member_id: str) -> Member | None:
        return self._people.member(tenant_id, member_id)

    async def find_member_of_any_tenant(self, member_id: str) -> Member | None:
        found = self._people.members.get(member_id)
        return found if found and found.deleted_at is None else None

    async def list_members(self, tenant_id: str, state: MemberState | None, after: str, limit: int) -> list[Member]:
        found = [each for each in self._people.members.values() if each.tenant_id == tenant_id]
        wanted = [each for each in found if each.deleted_at is None and (state is None or each.state is state)]
        return sorted((each for each in wanted if each.member_id > after), key=lambda each: each.member_id)[:limit]

    async def change_member(
        self, tenant_id: str, member_id: str, decide: Callable[[Member, int], MemberChange | None]
    ) -> Member | None:
        member = self._people.member(tenant_id, member_id)
        if member is None:
            return None
        others = [each for each in self._people.members.values() if each.member_id != member_id]
        change = decide(member, sum(each.tenant_id == tenant_id and each.owns for each in others))
        if change is None:
            return member
        self._people.members[member_id] = change.member
        if change.member.deleted_at is not None:
            self._people.erase(member_id)
        elif not member.keeps_links(change.member):
            self._people.links.pop(member_id, None)
        self._people.record(change.act)
        return change.member

    async def second_factor_required(self, tenant_id: str) -> bool:
        return tenant_id in self._people.required

    async def require_second_factor(self, tenant_id: str, required: bool, act: RecordedAct) -> None:
        self._people.required.discard(tenant_id)
        if required:
            self._people.required.add(tenant_id)
        self._people.record(act)


class MemoryPasswords:
    """Implements `PasswordStore`."""

    def __init__(self, people: PeopleInMemory) -> None:
        self._people = people

    async def find_account(
        self, tenant_id: str, email_key: str, marks: Collection[bytes], since: datetime
    ) -> PasswordAccount | None:
        for member in self._people.members.values():
            if member.tenant_id == tenant_id and member.email and _key(member) == email_key:
                known = await self.known_marks(tenant_id, member.member_id, marks, since)
                has_factor = self._people.lasting_factors(member.member_id) > 0
                return PasswordAccount(member, self._people.passwords.get(member.member_id), known, has_factor)
        return None

    async def find_password(self, tenant_id: str, member_id: str) -> str | None:
        return self._people.passwords.get(member_id) if self._people.member(tenant_id, member_id) else None

    async def set_password(
        self, tenant_id: str, member_id: str, password_hash: str, at: datetime, act: RecordedAct
    ) -> None:
        self._people.passwords[member_id] = password_hash
        self._people.members[member_id] = replace(self._people.members[member_id], signed_out_at=at)
        self._people.record(act)

    async def replace_hash(self, tenant_id: str, member_id: str, old: str, new: str) -> None:
        if self._people.passwords.get(member_id) == old:
            self._people.passwords[member_id] = new

    async def known_marks(
        self, tenant_id: str, member_id: str, marks: Collection[bytes], since: datetime
    ) -> frozenset[bytes]:
        seen = self._people.marks.get(member_id, {})
        return frozenset(mark for mark in marks if mark in seen and seen[mark] > since)

    async def note_sign_in(self, tenant_id: str, member_id: str, marks: Collection[bytes], at: datetime) -> None:
        self._people.members[member_id] = replace(self._people.members[member_id], signed_in_at=at)
        self._people.remember(member_id, marks, at)


class MemoryLinks:
    """Implements `LinkStore`."""

    def __init__(self, people: PeopleInMemory) -> None:
        self._people = people

    async def put_link(self, link: MemberLink, roles: frozenset[str], act: RecordedAct) -> bool:
        member = self._people.member(link.tenant_id, link.member_id)
        if member is None or member.disabled_at is not None or member.roles != roles:
            return False
        self._people.links[link.member_id] = link
        self._people.record(act)
        return True

    async def find_link(self, link_hash: bytes, now: datetime) -> tuple[MemberLink, Member] | None:
        for link in self._people.links.values():
            if link.link_hash == link_hash and link.expires_at > now:
                return link, self._people.members[link.member_id]
        return None

    async def use_link(
        self, link: MemberLink, password_hash: str, marks: Collection[bytes], at: datetime, act: RecordedAct
    ) -> bool:
        member = self._people.member(link.tenant_id, link.member_id)
        stored = self._people.links.get(link.member_id)
        if member is None or member.disabled_at or stored != link or link.expires_at <= at:
            return False
        del self._people.links[link.member_id]
        self._people.members[link.member_id] = replace(
            member,
            activated_at=member.activated_at or at,
            signed_out_at=at,
            updated_at=at,
            revision=member.revision + 1,
        )
        self._people.passwords[link.member_id] = password_hash
        self._people.remember(link.member_id, marks, at)
        self._people.record(act)
        return True


def _key(member: Member) -> str:
    return email_key(member.email)
