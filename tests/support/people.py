"""Stores of people for tests: in memory, and in PostgreSQL."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from meshkit.ids import uuid7
from meshkit.storage.postgres import Pool
from services.auth.adapters.memory_directory import MemoryDirectory
from services.auth.adapters.memory_factors import MemoryCodes, MemoryFailureCounts, MemoryPasskeys
from services.auth.adapters.memory_identity_providers import MemoryIdentityProviders
from services.auth.adapters.memory_people import MemoryLinks, MemoryMembers, MemoryPasswords, PeopleInMemory
from services.auth.adapters.postgres_codes import PostgresCodes
from services.auth.adapters.postgres_directory import PostgresDirectory
from services.auth.adapters.postgres_failures import PostgresFailureCounts
from services.auth.adapters.postgres_identity_providers import PostgresIdentityProviders
from services.auth.adapters.postgres_links import PostgresLinks
from services.auth.adapters.postgres_members import PostgresMembers
from services.auth.adapters.postgres_passkeys import PostgresPasskeys
from services.auth.adapters.postgres_passwords import PostgresPasswords
from services.auth.domain.links import LinkKind, MemberLink
from services.auth.domain.members import Member
from services.auth.domain.quotas import CountedResource
from services.auth.domain.revocations import Revocation
from services.auth.domain.tenants import Tenant
from services.auth.ports import Directory, FailureCounts, MemberChange, RecordedAct
from services.auth.ports.identity_providers import IdentityProviderStore
from services.auth.service.acts import act_on
from services.auth.service.people.stores import PeopleStores
from services.auth.service.quotas import check_room

__all__ = ["HASH", "NOW", "People", "act", "change", "in_memory", "in_postgres", "link_of", "member_of", "together"]

Result = TypeVar("Result")

CONNECTIONS = 6
NOW = datetime(2026, 11, 21, 4, 10, 37, 123456, tzinfo=UTC)
HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"


@dataclass
class People:
    """Everything that use cases of people store in, with one tenant."""

    directory: Directory
    stores: PeopleStores
    counts: FailureCounts
    providers: IdentityProviderStore
    memory: PeopleInMemory | None = None
    tenant: Tenant = field(
        default_factory=lambda: Tenant(str(uuid7()), f"t-{secrets.token_hex(6)}", "EUR", NOW - timedelta(days=1))
    )

    async def join(self, *, email: str = "", roles: frozenset[str] = frozenset({"analyst"})) -> Member:
        """Returns a new member who is active and has a password hash that nothing matches."""
        member, link = member_of(self.tenant, email=email, roles=roles), None
        link = link_of(member)
        assert await self.stores.members.create_member(member, link, act(member), check_room)
        assert await self.stores.links.use_link(link, HASH, [], NOW, act(member))
        found = await self.stores.members.find_member(member.tenant_id, member.member_id)
        assert found is not None
        return found


def in_memory() -> People:
    directory = MemoryDirectory()
    people = PeopleInMemory(said=directory.said)
    directory.counts[CountedResource.MEMBERS] = lambda tenant_id: len(people.present(tenant_id))
    stores = PeopleStores(
        MemoryMembers(people), MemoryPasswords(people), MemoryLinks(people), MemoryCodes(people), MemoryPasskeys(people)
    )
    return People(directory, stores, MemoryFailureCounts(), MemoryIdentityProviders(people), people)


def in_postgres(pool: Pool) -> People:
    stores = PeopleStores(
        PostgresMembers(pool), PostgresPasswords(pool), PostgresLinks(pool), PostgresCodes(pool), PostgresPasskeys(pool)
    )
    return People(PostgresDirectory(pool), stores, PostgresFailureCounts(pool), PostgresIdentityProviders(pool))


def member_of(tenant: Tenant, *, email: str = "", roles: frozenset[str] = frozenset({"analyst"})) -> Member:
    address = email or f"{secrets.token_hex(4)}@example.com"
    return Member(str(uuid7()), tenant.tenant_id, address, "Ada Example", roles, NOW, NOW)


def link_of(member: Member, kind: LinkKind = LinkKind.INVITATION) -> MemberLink:
    return MemberLink(secrets.token_bytes(32), member.tenant_id, member.member_id, kind, NOW + kind.life)


def act(member: Member) -> RecordedAct:
    ended = Revocation.of_subject(member.tenant_id, member.member_id).up_to(NOW)
    return act_on(member, "member.test", NOW, revocation=ended)


def change(make: Callable[[Member], Member]) -> Callable[[Member, int], MemberChange]:
    """Returns what decides to make one member of another."""
    return lambda member, _: MemberChange(make(member), act(member))


async def together(calls: Iterable[Awaitable[Result]]) -> list[Result | BaseException]:
    """Awaits calls, of which as many are under way at once as there are connections; returns errors as well."""
    places = asyncio.Semaphore(CONNECTIONS)

    async def one(call: Awaitable[Result]) -> Result:
        async with places:
            return await call

    return await asyncio.gather(*map(one, calls), return_exceptions=True)
