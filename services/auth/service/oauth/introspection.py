"""Says what tokens are worth (RFC 7662). Of what is not the caller's to know, no more than that it is not good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from meshkit.errors import Kind, MeshError
from meshkit.identity.claims import tenant_audience
from meshkit.identity.tokens import TokenVerifier
from services.auth import errors
from services.auth.domain.grants import read_refresh
from services.auth.domain.oauth_clients import IDENTITY_SCOPES, OAuthClient
from services.auth.domain.secrets import REFRESH_TOKEN
from services.auth.domain.token_answers import Introspected
from services.auth.domain.token_requests import ClientProof
from services.auth.ports.grants import GrantStore
from services.auth.service.binding import binding_of
from services.auth.service.oauth.clients import OAuthClients
from services.auth.service.oauth.refresh_grant import RefreshGrant

__all__ = ["Introspection"]


class Introspection:
    """Looks into tokens for clients of the tenant that they are of."""

    def __init__(
        self,
        *,
        clients: OAuthClients,
        verifier: TokenVerifier,
        grants: GrantStore,
        refreshes: RefreshGrant,
        issuer: str,
        audience: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._clients = clients
        self._verifier = verifier
        self._grants = grants
        self._refreshes = refreshes
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    async def introspect(self, proof: ClientProof, token: str) -> Introspected | None:
        """Returns what the token says, None if it is not good or not the caller's to know. Raises CLIENT_INVALID."""
        client = await self._clients.authenticate(proof)
        if client.public:
            # Anybody can name it.
            raise errors.client_invalid()
        if token.startswith(REFRESH_TOKEN):
            return await self._refresh(client, token)
        return await self._access(client, token)

    async def _access(self, client: OAuthClient, token: str) -> Introspected | None:
        try:
            principal = await self._verifier.verify(token)
        except MeshError as error:
            if error.kind is Kind.UNAUTHENTICATED:
                return None
            raise
        if principal.tenant_id != client.tenant_id:
            return None
        bound = binding_of(principal.confirmation)
        return Introspected(
            scope=" ".join(sorted(principal.scopes | (principal.named_scopes & IDENTITY_SCOPES))),
            client_id=principal.client_id,
            subject=principal.actor,
            tenant_id=principal.tenant_id,
            token_type=bound.token_type,
            expires_at=self._clock().timestamp() + self._verifier.remaining(token),
            issued_at=principal.issued_at,
            issuer=self._issuer,
            audience=tenant_audience(self._audience, principal.tenant_id),
            token_id=principal.token_id,
            roles=principal.roles,
            bound=bound,
        )

    async def _refresh(self, client: OAuthClient, token: str) -> Introspected | None:
        """Looks into a refresh token, which is nobody's business but the client's that has it."""
        name = read_refresh(token)
        grant = await self._grants.find_grant(name.grant_id) if name is not None else None
        if name is None or grant is None or name.generation != grant.generation:
            return None
        try:
            self._refreshes.check(grant, name, token, client)
        except MeshError:
            return None
        return Introspected(
            scope=" ".join(sorted(grant.scopes)),
            client_id=grant.client_id,
            subject=grant.member_id,
            tenant_id=grant.tenant_id,
            token_type="refresh_token",
            expires_at=grant.expires_at.timestamp(),
            issued_at=(grant.rotated_at or grant.created_at).timestamp(),
            bound=grant.bound,
        )
