"""Reads the clients of tenants as the authorization server sees them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from services.auth.domain.clients import AuthenticationMethod, Client
from services.auth.domain.oauth_clients import OAuthClient
from services.auth.domain.tenants import Tenant
from services.auth.domain.token_requests import ClientProof
from services.auth.ports import FindClient
from services.auth.service.authentication import ClientAuthenticator, PresentedClient
from services.auth.service.recent import Recent

__all__ = ["RegisteredClients"]


class RegisteredClients:
    """Implements `ClientRegistry` with the clients that tenants have registered."""

    def __init__(self, find: FindClient, authenticator: ClientAuthenticator, clock: Callable[[], datetime]) -> None:
        self._clients = Recent(find, lambda: clock().timestamp())
        self._authenticator = authenticator

    async def find(self, client_id: str) -> OAuthClient | None:
        """Returns a client that may be used; None also for one that is disabled."""
        found = await self._clients.find(client_id) if client_id.isprintable() and len(client_id) <= 128 else None
        return _to_oauth_client(*found) if found is not None and found[0].disabled_at is None else None

    async def authenticate(self, proof: ClientProof) -> OAuthClient:
        """Returns the client that the proof is of. Raises CLIENT_INVALID."""
        shown = PresentedClient(proof.client_id, proof.secret, proof.assertion)
        return _to_oauth_client(*await self._authenticator.authenticate(shown))


def _to_oauth_client(client: Client, tenant: Tenant) -> OAuthClient:
    settings = client.settings
    return OAuthClient(
        client.client_id,
        client.tenant_id,
        settings.display_name,
        settings.scopes,
        frozenset(each.value for each in settings.grant_types),
        settings.redirect_uris,
        public=settings.method is AuthenticationMethod.NONE,
        rate_limit=settings.rate_limit,
        tenant=tenant,
        binding=settings.constraint.value,
    )
