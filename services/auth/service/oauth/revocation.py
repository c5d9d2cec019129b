"""Ends the use of tokens at the wish of the client that has them (RFC 7009)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from meshkit.context import Principal
from meshkit.errors import Kind, MeshError
from meshkit.identity.tokens import TokenVerifier
from services.auth.domain.grants import Grant, read_refresh
from services.auth.domain.oauth_clients import OAuthClient
from services.auth.domain.revocations import Revocation
from services.auth.domain.token_requests import ClientProof
from services.auth.ports.grants import GrantStore, RevocationLog
from services.auth.service.acts import act
from services.auth.service.oauth.clients import OAuthClients
from services.auth.service.oauth.refresh_grant import RefreshGrant

__all__ = ["TokenRevocation"]


class TokenRevocation:
    """Revokes tokens. One that is not the client's, or none at all, is no error: there is nothing to tell."""

    def __init__(
        self,
        *,
        clients: OAuthClients,
        verifier: TokenVerifier,
        grants: GrantStore,
        refreshes: RefreshGrant,
        log: RevocationLog,
        token_life: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._clients = clients
        self._verifier = verifier
        self._grants = grants
        self._refreshes = refreshes
        self._log = log
        self._token_life = token_life
        self._clock = clock

    async def revoke(self, proof: ClientProof, token: str) -> None:
        """Ends a refresh or access token with all that came of the same grant. Raises CLIENT_INVALID."""
        client = await self._clients.authenticate(proof)
        if (grant := await self._refreshed(client, token)) is not None:
            await self._refreshes.end(grant, "grant.revoke")
        elif (principal := await self._principal(token)) is not None and principal.client_id == client.client_id:
            await self._end_access(principal)

    async def _refreshed(self, client: OAuthClient, token: str) -> Grant | None:
        """Returns the grant of a refresh token of the client, also of one that was followed by another."""
        name = read_refresh(token)
        grant = await self._grants.find_grant(name.grant_id) if name is not None else None
        if name is None or grant is None:
            return None
        try:
            self._refreshes.check(grant, name, token, client)
        except MeshError:
            return None
        return grant

    async def _principal(self, token: str) -> Principal | None:
        try:
            return await self._verifier.verify(token)
        except MeshError as error:
            if error.kind is Kind.UNAUTHENTICATED:
                return None
            raise

    async def _end_access(self, principal: Principal) -> None:
        grant = await self._grants.find_grant(principal.session_id) if principal.session_id else None
        if grant is not None and grant.client_id == principal.client_id:
            await self._refreshes.end(grant, "grant.revoke")
            return
        now = self._clock()
        revocation = Revocation.of_token(principal.tenant_id, principal.token_id, now + self._token_life)
        event = act(
            "token.revoke",
            f"tokens/{principal.token_id}",
            now,
            tenant_id=principal.tenant_id,
            actor=principal.actor,
            client_id=principal.client_id,
        )
        await self._log.revoke(revocation, event)
