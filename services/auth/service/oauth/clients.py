"""Finds clients, those of tenants and those of the platform, and has them prove who they are."""

from __future__ import annotations

from collections.abc import Mapping

from services.auth import errors
from services.auth.domain.oauth_clients import OAuthClient
from services.auth.domain.token_requests import ClientProof
from services.auth.service.authentication import ClientAuthenticator

__all__ = ["OAuthClients"]


class OAuthClients:
    """Knows all clients. Those of the platform are public: they name themselves, and have nothing to prove with."""

    def __init__(self, registered: ClientAuthenticator, platform: Mapping[str, OAuthClient]) -> None:
        self._registered = registered
        self._platform = platform

    async def find(self, client_id: str) -> OAuthClient | None:
        """Returns a client that may be used, None if there is none."""
        return self._platform.get(client_id) or await self._registered.find(client_id)

    async def authenticate(self, proof: ClientProof) -> OAuthClient:
        """Returns the client that calls. Raises CLIENT_INVALID."""
        own = self._platform.get(proof.client_id)
        if own is None:
            return await self._registered.authenticate(proof)
        if proof.secret or proof.assertion:
            raise errors.client_invalid()
        return own
