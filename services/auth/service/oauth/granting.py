"""Makes the tokens of a grant: an access token, and what else was asked for."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from meshkit.identity.roles import Roles
from meshkit.ids import uuid7
from services.auth import errors
from services.auth.domain.clients import GrantType
from services.auth.domain.grants import Grant, RefreshLimits, refresh_token
from services.auth.domain.members import Member
from services.auth.domain.oauth_clients import OFFLINE, OPENID, OAuthClient
from services.auth.domain.token_answers import GrantedTokens
from services.auth.domain.token_binding import NOT_BOUND, TokenBinding
from services.auth.ports.grants import MadeGrant
from services.auth.ports.sign_in import MemberReader, TenantReader
from services.auth.service.acts import act
from services.auth.service.issuing import TokenGrant, TokenIssuer
from services.auth.service.oauth.consents import held_scopes
from services.auth.service.oauth.identity_tokens import IdentityTokens, authentication_claims
from services.auth.service.oauth.sessions import goes_on
from services.auth.service.oauth.settling import Settling

__all__ = ["Granting"]


class Granting:
    """Makes tokens for members through clients. They say what the member is and may do now, not when it consented."""

    def __init__(
        self,
        *,
        issuer: TokenIssuer,
        identities: IdentityTokens,
        members: MemberReader,
        tenants: TenantReader,
        roles: Roles,
        limits: RefreshLimits,
        token_life: timedelta,
        key: bytes,
        settling: Settling,
        clock: Callable[[], datetime],
    ) -> None:
        self._issuer = issuer
        self._identities = identities
        self._members = members
        self._tenants = tenants
        self._roles = roles
        self.limits = limits
        self._token_life = token_life
        self._key = key
        self._settling = settling
        self._clock = clock

    def new_grant(
        self,
        client: OAuthClient,
        *,
        tenant_id: str,
        member_id: str,
        session_id: str,
        scopes: frozenset[str],
        methods: frozenset[str],
        authenticated_at: datetime,
        bound: TokenBinding,
    ) -> MadeGrant:
        """Returns a grant to be stored. Without a refresh token it lasts as long as its access token."""
        now = self._clock()
        grant = Grant(
            grant_id=str(uuid7()),
            tenant_id=tenant_id,
            member_id=member_id,
            client_id=client.client_id,
            session_id="" if OFFLINE in scopes else session_id,
            scopes=scopes,
            methods=methods,
            authenticated_at=authenticated_at,
            created_at=now,
            used_at=now,
            expires_at=now + (self.limits.absolute if client.may(GrantType.REFRESH_TOKEN) else self._token_life),
            seed=secrets.token_bytes(32),
            # The refresh tokens of a client that proves who it is are bound to that (RFC 9449, section 5; RFC 8705, 4).
            bound=bound if client.public else NOT_BOUND,
        )
        event = act(
            "grant.create",
            f"grants/{grant.grant_id}",
            now,
            tenant_id=tenant_id,
            actor=member_id,
            client_id=client.client_id,
            scope=" ".join(sorted(scopes)),
        )
        return MadeGrant(grant, event)

    async def member_of(self, grant: Grant) -> Member:
        """Returns the member of a grant. Raises GRANT_INVALID if the grant is over for the member's sake."""
        member = await self._members.find_member(grant.tenant_id, grant.member_id)
        if member is None or not goes_on(member, grant.created_at):
            raise errors.grant_invalid()
        return member

    async def recipient_of(self, grant: Grant) -> Member:
        """Returns the member of a grant once tokens for him count. Raises GRANT_INVALID as `member_of` does."""
        member = await self.member_of(grant)
        return await self.member_of(grant) if await self._settling.wait(member) else member

    async def goes_on(self, grant: Grant) -> bool:
        """Tells whether a grant is still good, as far as its member goes."""
        member = await self._members.find_member(grant.tenant_id, grant.member_id)
        return member is not None and goes_on(member, grant.created_at)

    async def tokens(
        self,
        grant: Grant,
        client: OAuthClient,
        member: Member,
        *,
        bound: TokenBinding,
        asked: frozenset[str] = frozenset(),
        nonce: str = "",
    ) -> GrantedTokens:
        """Returns the tokens of a grant as it is now. Raises SCOPE_INVALID for a scope that it does not have."""
        if asked - grant.scopes:
            raise errors.scope_invalid(sorted(asked - grant.scopes))
        tenant = client.tenant or await self._tenants.get_tenant(grant.tenant_id)
        if tenant is None:
            raise errors.grant_invalid()
        access = self._issuer.issue(
            TokenGrant(
                tenant,
                member.member_id,
                client.client_id,
                held_scopes(asked or grant.scopes, client, member, self._roles),
                member.roles,
                client.settings.rate_limit,
                authentication_claims(grant) | bound.claims(),
            )
        )
        refresh = client.may(GrantType.REFRESH_TOKEN)
        return GrantedTokens(
            access,
            bound.token_type,
            refresh_token(grant.grant_id, grant.generation, grant.seed, self._key) if refresh else "",
            self._identities.issue(grant, access.token, nonce) if OPENID in (asked or grant.scopes) else "",
        )
