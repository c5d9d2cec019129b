"""Issues access tokens and publishes the keys that verify them."""

from __future__ import annotations

import hmac
import logging
import re
import secrets
from collections.abc import Callable

from meshkit.context import current
from meshkit.identity.claims import tenant_audience
from meshkit.identity.roles import SERVICE
from meshkit.ids import uuid7
from services.auth import errors
from services.auth.domain.tenants import Client, IssuedToken, Tenant, granted, secret_hash
from services.auth.ports import ClientDirectory
from services.auth.service.client_cache import ClientCache
from services.auth.service.keyring import Keyring

__all__ = ["AuthService"]

_audit = logging.getLogger("audit")
_CLIENT_ID = re.compile(r"[a-z0-9-]{1,128}")
# Stands in for the hash of a client that does not exist: nobody knows a secret that hashes to it.
_NO_HASH = secrets.token_bytes(32)


class AuthService:
    """Issues tokens to the clients of the directory."""

    def __init__(
        self,
        *,
        directory: ClientDirectory,
        keyring: Keyring,
        issuer: str,
        audience: str,
        token_seconds: int,
        clock: Callable[[], float],
    ) -> None:
        self._clients = ClientCache(directory.find_client, clock)
        self._keyring = keyring
        self._issuer = issuer
        self._audience = audience
        self._token_seconds = token_seconds
        self._clock = clock

    async def issue_token(self, client_id: str, secret: str, scope: str) -> IssuedToken:
        """Raises CLIENT_INVALID or SCOPE_INVALID. An unknown client and a wrong secret look and cost the same."""
        found = await self._clients.find(client_id) if _CLIENT_ID.fullmatch(client_id) else None
        expected = found[0].secret_hash if found else _NO_HASH
        if not hmac.compare_digest(secret_hash(secret), expected) or found is None:
            _audit.warning("authentication failed", extra={"fields": {"client_id": client_id, "peer": current().peer}})
            raise errors.client_invalid()
        client, tenant = found
        if client.disabled_at is not None:
            _audit.warning("a disabled client asked for a token", extra={"fields": {"client_id": client_id}})
            raise errors.client_invalid()
        scopes = granted(client, scope)
        if scopes - client.scopes:
            raise errors.scope_invalid(list(scopes - client.scopes))
        return self._issue(client, tenant, " ".join(sorted(scopes)))

    async def public_keys(self) -> list[dict[str, str]]:
        return await self._keyring.public_keys()

    def _issue(self, client: Client, tenant: Tenant, scope: str) -> IssuedToken:
        now = int(self._clock())
        claims = {
            "iss": self._issuer,
            "aud": tenant_audience(self._audience, client.tenant_id),
            "sub": client.client_id,
            "client_id": client.client_id,
            "tenant_id": client.tenant_id,
            "scope": scope,
            "roles": [SERVICE],
            "rate_limit": client.rate_limit,
            "currency": tenant.default_currency,
            "iat": now,
            "exp": now + self._token_seconds,
            "jti": str(uuid7()),
        }
        # So that gateways need no look-up; what has no limits is left out, as tokens travel with every call.
        if quota := tenant.plan.claim():
            claims["quota"] = quota
        return IssuedToken(self._keyring.sign(claims), self._token_seconds, scope)
