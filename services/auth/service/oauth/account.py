"""Opens the account page to the browser that has a session; shows members what goes on in their name, and ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from meshkit.identity.roles import Roles
from services.auth import errors
from services.auth.domain.consents import Consent
from services.auth.domain.grants import Grant
from services.auth.domain.oauth_clients import ACCOUNT
from services.auth.domain.tenants import IssuedToken
from services.auth.domain.token_answers import OngoingAccess
from services.auth.ports.grants import GrantChange, GrantStore
from services.auth.ports.sign_in import ConsentStore, TenantReader
from services.auth.service.issuing import TokenGrant, TokenIssuer
from services.auth.service.oauth.clients import OAuthClients
from services.auth.service.oauth.consents import held_scopes
from services.auth.service.oauth.granting import Granting
from services.auth.service.oauth.sessions import SessionKeeper
from services.auth.service.oauth.settling import Settling

__all__ = ["PAGE_TOKEN_SECONDS", "AccountSessions"]

PAGE_TOKEN_SECONDS = 120
"""Life of a token of the account page: the edge asks for one for each page."""


class AccountSessions:
    """What goes on in the name of members."""

    def __init__(
        self,
        *,
        sessions: SessionKeeper,
        grants: GrantStore,
        consents: ConsentStore,
        granting: Granting,
        clients: OAuthClients,
        tenants: TenantReader,
        issuer: TokenIssuer,
        settling: Settling,
        roles: Roles,
        clock: Callable[[], datetime],
    ) -> None:
        self._sessions = sessions
        self._grants = grants
        self._consents = consents
        self._granting = granting
        self._clients = clients
        self._tenants = tenants
        self._issuer = issuer
        self._settling = settling
        self._roles = roles
        self._clock = clock

    async def open(self, secret: str) -> IssuedToken:
        """Returns an access token of the account page. Raises SESSION_INVALID."""
        who = await self._sessions.require(secret)
        if await self._settling.wait(who.member):
            who = await self._sessions.require(secret)
        session, member = who.session, who.member
        tenant, client = await self._tenants.get_tenant(member.tenant_id), await self._clients.find(ACCOUNT)
        if tenant is None or client is None:
            raise errors.session_invalid()
        scopes = held_scopes(client.settings.scopes, client, member, self._roles)
        claims = {
            "sid": session.session_id,
            "auth_time": int(session.authenticated_at.timestamp()),
            "amr": sorted(session.methods),
        }
        grant = TokenGrant(tenant, member.member_id, ACCOUNT, scopes, member.roles, client.settings.rate_limit, claims)
        return self._issuer.issue(grant, PAGE_TOKEN_SECONDS)

    async def sign_out(self, secret: str, everywhere: bool) -> None:
        """Ends the session of a browser, and with `everywhere` all sessions and grants of its member."""
        who = await self._sessions.find(secret)
        if who is None:
            return
        if everywhere:
            await self._sessions.end_all(who.session.tenant_id, who.session.member_id)
        else:
            await self._sessions.end(who.session)

    async def ongoing(self, tenant_id: str, member_id: str) -> list[OngoingAccess]:
        """Returns the sessions and grants of a member that count."""
        sessions = await self._sessions.of_member(tenant_id, member_id)
        grants = await self._grants.of_member(tenant_id, member_id)
        good = await self._good(grants)
        named = [OngoingAccess(grant, await self._client_name(grant.client_id)) for grant in good]
        return [*map(OngoingAccess, sessions), *named]

    async def end(self, tenant_id: str, member_id: str, access_id: str) -> None:
        """Ends one session or grant of the member. Raises RESOURCE_NOT_FOUND."""
        if await self._sessions.end_named(tenant_id, member_id, access_id):
            return
        ending = self._sessions.ending("grant.end", tenant_id, member_id, f"grants/{access_id}")

        def ended(grant: Grant) -> GrantChange:
            if (grant.tenant_id, grant.member_id) != (tenant_id, member_id) or grant.ended_at is not None:
                raise errors.session_not_found()
            return GrantChange(replace(grant, ended_at=ending.at), ending)

        if await self._grants.change(access_id, ended) is None:
            raise errors.session_not_found()

    async def end_all(self, tenant_id: str, member_id: str) -> None:
        """Ends all sessions and grants of the member."""
        await self._sessions.end_all(tenant_id, member_id)

    async def consents(self, tenant_id: str, member_id: str) -> list[Consent]:
        """Returns what a member has consented to, with the names of the clients."""
        found = await self._consents.of_member(tenant_id, member_id)
        return [replace(each, client_name=await self._client_name(each.client_id)) for each in found]

    async def withdraw(self, tenant_id: str, member_id: str, client_id: str) -> None:
        """Takes back what a client was let do, and ends what it does in the name of the member.

        Raises RESOURCE_NOT_FOUND.
        """
        ending = self._sessions.ending("consent.delete", tenant_id, member_id, f"clients/{client_id}", client_id)
        if not await self._consents.withdraw(tenant_id, member_id, client_id, ending):
            raise errors.consent_not_found()

    async def _good(self, grants: list[Grant]) -> list[Grant]:
        now, limits = self._clock(), self._granting.limits
        return [grant for grant in grants if limits.good(grant, now) and await self._granting.goes_on(grant)]

    async def _client_name(self, client_id: str) -> str:
        client = await self._clients.find(client_id)
        return client.name if client is not None else client_id
