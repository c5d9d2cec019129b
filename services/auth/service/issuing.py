"""Issues access tokens (RFC 9068): what one says about its subject, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from meshkit.identity.claims import tenant_audience
from meshkit.ids import uuid7
from services.auth import errors
from services.auth.domain.tenants import IssuedToken, Tenant
from services.auth.service.keyring import Keyring

__all__ = ["TokenGrant", "TokenIssuer"]


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """Who gets a token, and what it lets do."""

    tenant: Tenant
    subject: str
    client_id: str
    scopes: frozenset[str]
    roles: frozenset[str]
    rate_limit: int
    """Units per second in each class of calls."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Claims beside these: `sid`, `auth_time`, `amr`, `cnf`."""


class TokenIssuer:
    """Signs the claims of access tokens. `seconds` is the longest life of one."""

    def __init__(
        self, keyring: Keyring, *, issuer: str, audience: str, seconds: int, clock: Callable[[], float]
    ) -> None:
        self._keyring = keyring
        self._issuer = issuer
        self._audience = audience
        self._seconds = seconds
        self._clock = clock

    def issue(self, grant: TokenGrant, seconds: int | None = None) -> IssuedToken:
        """Returns a token for so many seconds, else for as long as one is good.

        Raises TENANT_SUSPENDED, and UNAVAILABLE without a key.
        """
        if grant.tenant.suspended_at is not None:
            raise errors.tenant_suspended()
        life = self._seconds if seconds is None else min(seconds, self._seconds)
        now, scope, tenant = int(self._clock()), " ".join(sorted(grant.scopes)), grant.tenant
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": tenant_audience(self._audience, tenant.tenant_id),
            "sub": grant.subject,
            "client_id": grant.client_id,
            "tenant_id": tenant.tenant_id,
            "scope": scope,
            "roles": sorted(grant.roles),
            "rate_limit": grant.rate_limit,
            "currency": tenant.default_currency,
            "iat": now,
            "exp": now + life,
            "jti": str(uuid7()),
            **grant.more,
        }
        # So that gateways need no look-up; what has no limits is left out, as tokens travel with every call.
        if quota := tenant.plan.claim():
            claims["quota"] = quota
        return IssuedToken(self._keyring.sign(claims), life, scope)
