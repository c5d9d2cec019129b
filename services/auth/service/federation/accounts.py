"""Finds the member to whom an account at the tenant's own provider belongs, and links the two the first time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from meshkit.ids import uuid7
from services.auth.domain.identity_providers import IdentityProvider, ProviderLink
from services.auth.domain.members import Member, email_key, key_is_its_own
from services.auth.domain.provider_identity import IdentityRefusedError, ProvidedAddress, ProvidedIdentity
from services.auth.domain.provider_metadata import ProviderMetadata
from services.auth.domain.quotas import QuotaUse
from services.auth.ports import MemberChange
from services.auth.ports.identity_providers import IdentityProviderStore, ProviderCalls
from services.auth.service.acts import act_on

__all__ = ["LinkedAccounts", "ShownAccount"]


@dataclass(frozen=True, slots=True)
class ShownAccount:
    """An account that has proven itself, and with what more is told of it."""

    provider: IdentityProvider
    metadata: ProviderMetadata
    identity: ProvidedIdentity
    access_token: str = field(repr=False)


class LinkedAccounts:
    """Accounts are linked once, by an address that the provider has verified, and are known by issuer and subject then.

    Whoever comes to have an address at the provider later does not become who has it here.
    """

    def __init__(self, store: IdentityProviderStore, calls: ProviderCalls, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._calls = calls
        self._clock = clock

    async def member_of(self, shown: ShownAccount) -> Member:
        """Returns whose the account is. Raises IdentityRefusedError, and ProviderFault if more has to be asked."""
        provider, subject = shown.provider, shown.identity.subject
        member = await self._store.find_linked(provider.tenant_id, provider.issuer, subject)
        if member is None:
            member = await self._link(shown, await self._address(shown))
        if not member.may_sign_in or not provider.covers(member.email):
            raise IdentityRefusedError("member")
        return member

    async def _address(self, shown: ShownAccount) -> ProvidedAddress:
        """Returns the address of an account, for which userinfo is asked if the ID token has none (section 5.3)."""
        address = shown.identity.address
        if not address.email and shown.metadata.userinfo_endpoint:
            claims = await self._calls.get_object(
                shown.metadata.userinfo_endpoint, shown.provider.tenant_id, shown.access_token
            )
            if claims.get("sub") != shown.identity.subject:
                raise IdentityRefusedError("userinfo")
            address = ProvidedAddress.read(claims)
        if not address.email:
            raise IdentityRefusedError("email")
        if not shown.provider.covers(address.email):
            raise IdentityRefusedError("domain")
        if not (address.verified or (address.verified is None and shown.provider.email_trusted)):
            raise IdentityRefusedError("email_verified")
        return address

    async def _link(self, shown: ShownAccount, address: ProvidedAddress) -> Member:
        provider, now = shown.provider, self._clock()

        def decide(member: Member | None) -> MemberChange | None:
            if member is None:
                return _joined(provider, address, now) if provider.roles else None
            if member.disabled_at is not None or not key_is_its_own(member.email):
                return None
            revision, began = member.revision + 1, member.activated_at or now
            linked = replace(member, activated_at=began, updated_at=now, revision=revision)
            return MemberChange(linked, act_on(member, "member.link", now, actor=member.member_id))

        link = ProviderLink(provider.tenant_id, provider.issuer, shown.identity.subject, now)
        member = await self._store.link_member(provider, link, email_key(address.email), decide, _admit)
        if member is None:
            # The same account may have been linked by another tab at this moment.
            member = await self._store.find_linked(provider.tenant_id, provider.issuer, shown.identity.subject)
        if member is None:
            raise IdentityRefusedError("unknown")
        return member


def _admit(use: QuotaUse) -> None:
    if use.spent:
        raise IdentityRefusedError("quota")


def _joined(provider: IdentityProvider, address: ProvidedAddress, now: datetime) -> MemberChange:
    """Returns a member who comes without an invitation."""
    member = Member(
        str(uuid7()), provider.tenant_id, address.email, address.name, provider.roles, now, now, activated_at=now
    )
    roles = " ".join(sorted(provider.roles))
    return MemberChange(member, act_on(member, "member.join", now, actor=member.member_id, roles=roles))
