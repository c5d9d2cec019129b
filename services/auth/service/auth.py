"""Issues access tokens; creates tenants and clients."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from meshkit.context import current
from meshkit.ids import uuid7
from services.auth import errors
from services.auth.domain.tenants import (
    DEFAULT_CURRENCY,
    DEFAULT_RATE_LIMIT,
    Client,
    IssuedToken,
    NewClient,
    Tenant,
    TenantPlan,
    granted,
    unknown_scopes,
)
from services.auth.ports import ClientDirectory
from services.auth.service.client_cache import ClientCache
from services.auth.service.keyring import Keyring

__all__ = ["AuthService"]

_audit = logging.getLogger("audit")
_CLIENT_ID = re.compile(r"[a-z0-9-]{1,128}")
# Stands in for the hash of a client that does not exist: nobody knows a secret that hashes to it.
_NO_HASH = secrets.token_bytes(32)


class AuthService:
    """Issues tokens and keeps the directory of those who may ask for them.

    `scopes` are all that exist; a client for which none are named has those of them in `default_scopes`.
    """

    def __init__(
        self,
        *,
        directory: ClientDirectory,
        keyring: Keyring,
        issuer: str,
        audience: str,
        token_seconds: int,
        scopes: frozenset[str],
        default_scopes: frozenset[str],
        clock: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._clients = ClientCache(directory.find_client, clock)
        self._keyring = keyring
        self._issuer = issuer
        self._audience = audience
        self._token_seconds = token_seconds
        self._scopes = scopes
        self._default_scopes = default_scopes
        self._clock = clock

    async def issue_token(self, client_id: str, secret: str, scope: str) -> IssuedToken:
        """Raises CLIENT_INVALID or SCOPE_INVALID. An unknown client and a wrong secret look and cost the same."""
        found = await self._clients.find(client_id) if _CLIENT_ID.fullmatch(client_id) else None
        expected = found[0].secret_hash if found else _NO_HASH
        if not hmac.compare_digest(_hash(secret), expected) or found is None:
            _audit.warning("authentication failed", extra={"fields": {"client_id": client_id, "peer": current().peer}})
            raise errors.client_invalid()
        client, tenant = found
        scopes = granted(client, scope)
        if scopes - client.scopes:
            raise errors.scope_invalid(list(scopes - client.scopes))
        return self._issue(client, tenant, " ".join(sorted(scopes)))

    async def public_keys(self) -> list[dict[str, str]]:
        return await self._keyring.public_keys()

    async def create_tenant(self, name: str, currency: str, plan: TenantPlan = TenantPlan()) -> Tenant:
        """Returns the tenant of that name, created now unless it existed."""
        wanted = Tenant(str(uuid7()), name, currency or DEFAULT_CURRENCY, self._now(), plan)
        tenant = await self._directory.create_tenant(wanted)
        if tenant.tenant_id == wanted.tenant_id:
            fields = {"tenant": name, "tenant_id": tenant.tenant_id, "peer": current().peer}
            _audit.info("tenant created", extra={"fields": fields})
        return tenant

    async def set_plan(self, name: str, plan: TenantPlan) -> Tenant:
        """Returns the tenant with its new plan. Raises RESOURCE_NOT_FOUND."""
        tenant = await self._directory.set_plan(name, plan)
        if tenant is None:
            raise errors.tenant_not_found()
        fields = {"tenant": name, "tenant_id": tenant.tenant_id, "plan": plan.claim(), "peer": current().peer}
        _audit.info("tenant plan changed", extra={"fields": fields})
        return tenant

    async def create_client(self, tenant: str, scopes: Sequence[str], rate_limit: int, display_name: str) -> NewClient:
        """Raises RESOURCE_NOT_FOUND for an unknown tenant, VALIDATION_FAILED for unknown scopes."""
        unknown = unknown_scopes(scopes, self._scopes)
        if unknown:
            raise errors.scopes_unknown(unknown)
        owner = await self._directory.find_tenant(tenant)
        if owner is None:
            raise errors.tenant_not_found()
        secret = secrets.token_urlsafe(32)
        client = Client(
            client_id=f"{tenant}-{_random_name()}",
            tenant_id=owner.tenant_id,
            secret_hash=_hash(secret),
            scopes=frozenset(scopes) or self._default_scopes,
            rate_limit=rate_limit or DEFAULT_RATE_LIMIT,
            display_name=display_name,
            created_at=self._now(),
        )
        await self._directory.create_client(client)
        fields = {"tenant": tenant, "client_id": client.client_id, "peer": current().peer}
        _audit.info("client created", extra={"fields": fields})
        return NewClient(client, secret)

    def _issue(self, client: Client, tenant: Tenant, scope: str) -> IssuedToken:
        now = int(self._clock())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": client.client_id,
            "client_id": client.client_id,
            "tenant_id": client.tenant_id,
            "scope": scope,
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

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _random_name() -> str:
    """Returns 60 random bits in 12 characters of base32."""
    return base64.b32encode(secrets.token_bytes(8)).decode()[:12].lower()
