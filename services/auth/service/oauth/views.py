"""Gathers what the page of an attempt shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from services.auth import errors
from services.auth.domain.members import Member, SecondFactor
from services.auth.domain.oauth_clients import OAuthClient
from services.auth.domain.sign_in import SignInAttempt, SignInStep, SignInView
from services.auth.ports.sign_in import MemberReader, TenantReader
from services.auth.service.oauth.clients import OAuthClients
from services.auth.service.oauth.consents import Consents
from services.auth.service.people.authentication import Authentication

__all__ = ["ProviderName", "SignInViews"]

ProviderName = Callable[[str], Awaitable[str]]
"""Returns the name of a tenant's own OpenID provider by the tenant's identifier; empty for none."""


class SignInViews:
    """Reads what is to be shown from where it is kept: an attempt holds as little as can be."""

    def __init__(
        self,
        *,
        authentication: Authentication,
        clients: OAuthClients,
        tenants: TenantReader,
        members: MemberReader,
        consents: Consents,
        provider: ProviderName,
    ) -> None:
        self._authentication = authentication
        self._clients = clients
        self._tenants = tenants
        self._members = members
        self._consents = consents
        self._provider = provider

    async def of(self, attempt: SignInAttempt, step: SignInStep, session: str = "") -> SignInView:
        """Returns the view of an attempt at a step. Raises INTERACTION_INVALID if what it is for is there no longer."""
        member = await self._member(attempt)
        client, scopes = await self._asked(attempt)
        if member is not None and client is not None:
            scopes = self._consents.offered(scopes, client, member)
        return SignInView(
            step=step,
            expires_at=attempt.expires_at,
            tenant=await self._tenant(attempt),
            client_name=client.name if client is not None else "",
            first_party=client is None or client.first_party,
            scopes=scopes,
            email=member.email if member is not None else attempt.email_hint,
            factors=await self._factors(step, member),
            provider=await self._provider(attempt.tenant_id)
            if attempt.tenant_id and step is SignInStep.IDENTIFY
            else "",
            redirect_uri=attempt.request.redirect_uri if attempt.request is not None else "",
            session=session,
            user_code=attempt.user_code,
        )

    async def client(self, attempt: SignInAttempt) -> OAuthClient:
        """Returns the client that an attempt is for. Raises INTERACTION_INVALID if there is none any more."""
        client, _ = await self._asked(attempt)
        if client is None:
            raise errors.interaction_invalid()
        return client

    async def _asked(self, attempt: SignInAttempt) -> tuple[OAuthClient | None, frozenset[str]]:
        if attempt.request is not None:
            client_id, scopes = attempt.request.client_id, attempt.request.scopes
        elif attempt.user_code:
            device = await self._consents.waiting_device(attempt.user_code)
            client_id, scopes = device.client_id, device.scopes
        else:
            return None, frozenset()
        client = await self._clients.find(client_id)
        if client is None:
            raise errors.interaction_invalid()
        return client, scopes

    async def _member(self, attempt: SignInAttempt) -> Member | None:
        """Returns who has proven to be a member; before that nothing of anybody is shown."""
        if not attempt.member_id:
            return None
        return await self._members.find_member(attempt.tenant_id, attempt.member_id)

    async def _tenant(self, attempt: SignInAttempt) -> str:
        if attempt.tenant or not attempt.tenant_id:
            return attempt.tenant
        found = await self._tenants.get_tenant(attempt.tenant_id)
        return found.name if found is not None else ""

    async def _factors(self, step: SignInStep, member: Member | None) -> frozenset[SecondFactor]:
        if step is SignInStep.IDENTIFY:
            return frozenset({SecondFactor.PASSKEY})
        return (
            await self._authentication.factors(member) if step is SignInStep.SECOND_FACTOR and member else frozenset()
        )
