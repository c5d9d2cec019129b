"""Grants tokens to clients that act for themselves (RFC 6749, section 4.4)."""

from __future__ import annotations

from meshkit.identity.roles import SERVICE
from services.auth import errors
from services.auth.domain.oauth_clients import OAuthClient
from services.auth.domain.tenants import IssuedToken
from services.auth.ports.sign_in import TenantReader
from services.auth.service.issuing import TokenGrant, TokenIssuer

__all__ = ["ProgramGrant"]

_ROLES = frozenset({SERVICE})


class ProgramGrant:
    """Gives a client what it was registered with."""

    def __init__(self, tenants: TenantReader, issuer: TokenIssuer) -> None:
        self._tenants = tenants
        self._issuer = issuer

    async def issue(self, client: OAuthClient, scope: str, jkt: str) -> IssuedToken:
        """Returns an access token, bound to a key if `jkt` names one. Raises SCOPE_INVALID and CLIENT_INVALID."""
        scopes = frozenset(scope.split()) or client.scopes
        if scopes - client.scopes:
            raise errors.scope_invalid(sorted(scopes - client.scopes))
        tenant = await self._tenants.get_tenant(client.tenant_id) if client.tenant_id else None
        if tenant is None:
            raise errors.client_invalid()
        bound = {"cnf": {"jkt": jkt}} if jkt else {}
        grant = TokenGrant(tenant, client.client_id, client.client_id, scopes, _ROLES, client.rate_limit, bound)
        return self._issuer.issue(grant)
