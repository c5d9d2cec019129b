"""Keeps tenants' own OpenID providers in memory, and links of members to accounts there."""

from __future__ import annotations

from collections.abc import Callable

from services.auth.adapters.memory_people import PeopleInMemory
from services.auth.domain.identity_providers import IdentityProvider, ProviderLink
from services.auth.domain.links import LinkKind
from services.auth.domain.members import Member, email_key
from services.auth.domain.quotas import QuotaUse
from services.auth.ports import MemberChange, RecordedAct

__all__ = ["MemoryIdentityProviders"]


class MemoryIdentityProviders:
    """Implements `IdentityProviderStore` beside the people."""

    def __init__(self, people: PeopleInMemory) -> None:
        self._people = people
        self._providers: dict[str, IdentityProvider] = {}

    async def find_provider(self, tenant_id: str) -> IdentityProvider | None:
        return self._providers.get(tenant_id)

    async def put_provider(self, provider: IdentityProvider, act: RecordedAct) -> None:
        before = self._providers.get(provider.tenant_id)
        if before is not None and not provider.same_accounts(before.issuer, before.client_id):
            self._forget_links(provider.tenant_id)
        self._providers[provider.tenant_id] = provider
        self._people.record(act)

    async def remove_provider(self, tenant_id: str, act: RecordedAct) -> bool:
        if self._providers.pop(tenant_id, None) is None:
            return False
        self._forget_links(tenant_id)
        self._people.record(act)
        return True

    async def find_linked(self, tenant_id: str, issuer: str, subject: str) -> Member | None:
        provider = self._providers.get(tenant_id)
        if provider is None or provider.issuer != issuer:
            return None
        for member_id, link in self._people.provider_links.items():
            if (link.tenant_id, link.issuer, link.subject) == (tenant_id, issuer, subject):
                return self._people.members[member_id]
        return None

    async def link_member(
        self,
        provider: IdentityProvider,
        link: ProviderLink,
        email_key: str,
        decide: Callable[[Member | None], MemberChange | None],
        admit: Callable[[QuotaUse], None],
    ) -> Member | None:
        member, links = self._of_address(link.tenant_id, email_key), self._people.provider_links
        if self._providers.get(link.tenant_id) != provider or (member is not None and member.member_id in links):
            return None
        if await self.find_linked(link.tenant_id, link.issuer, link.subject) is not None:
            return None
        change = decide(member)
        if change is None:
            return None
        if member is None:
            admit(self._people.use_of_members(link.tenant_id))
        linked = change.member
        self._people.members[linked.member_id] = linked
        links[linked.member_id] = link
        invitation = self._people.links.get(linked.member_id)
        if invitation is not None and invitation.kind is LinkKind.INVITATION:
            del self._people.links[linked.member_id]
        self._people.record(change.act)
        return linked

    async def unlink_member(self, tenant_id: str, member_id: str, act: RecordedAct) -> bool:
        link = self._people.provider_links.get(member_id)
        if link is None or link.tenant_id != tenant_id:
            return False
        del self._people.provider_links[member_id]
        self._people.record(act)
        return True

    def _of_address(self, tenant_id: str, key: str) -> Member | None:
        found = [each for each in self._people.members.values() if each.tenant_id == tenant_id and each.email]
        return next((each for each in found if email_key(each.email) == key), None)

    def _forget_links(self, tenant_id: str) -> None:
        links = self._people.provider_links
        self._people.provider_links = {name: each for name, each in links.items() if each.tenant_id != tenant_id}
