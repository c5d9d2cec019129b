"""Grants tokens to clients that act for themselves (RFC 6749, section 4.4)."""

from __future__ import annotations

from meshkit.identity.roles import SERVICE
from services.auth import errors
from services.auth.domain.oauth_clients import OAuthClient
from services.auth.domain.tenants import IssuedToken
from services.auth.domain.token_binding import TokenBinding
from services.auth.service.issuing import TokenGrant, TokenIssuer

__all__ = ["ProgramGrant"]

_ROLES = frozenset({SERVICE})


class ProgramGrant:
    """Gives a client what it was registered with."""

    def __init__(self, issuer: TokenIssuer) -> None:
        self._issuer = issuer

    def issue(self, client: OAuthClient, scope: str, bound: TokenBinding) -> IssuedToken:
        """Returns an access token. Raises SCOPE_INVALID and CLIENT_INVALID."""
        settings = client.settings
        scopes = frozenset(scope.split()) or settings.scopes
        if scopes - settings.scopes:
            raise errors.scope_invalid(sorted(scopes - settings.scopes))
        if client.tenant is None:
            raise errors.client_invalid()
        name = client.client_id
        return self._issuer.issue(
            TokenGrant(client.tenant, name, name, scopes, _ROLES, settings.rate_limit, bound.claims())
        )
