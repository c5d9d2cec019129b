"""Seals what is kept of the way to a provider, and the secrets for providers."""

from __future__ import annotations

import base64

from services.auth.domain.federation import FederatedAttempt
from services.auth.domain.identity_providers import IdentityProvider
from services.auth.ports import Sealer

__all__ = ["FederationSeals"]


class FederationSeals:
    """Seals for one place each: what was sealed for another tenant, provider or attempt does not open."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def seal(self, attempt_id: str, under_way: FederatedAttempt) -> str:
        """Returns what is kept with an attempt."""
        return base64.b64encode(self._sealer.seal(under_way.encode(), f"federation/{attempt_id}")).decode()

    def open(self, attempt_id: str, sealed: str) -> FederatedAttempt:
        """Returns what was kept with an attempt."""
        return FederatedAttempt.decode(self._sealer.open(base64.b64decode(sealed), f"federation/{attempt_id}"))

    def seal_secret(self, tenant_id: str, issuer: str, client_id: str, secret: str) -> bytes:
        """Returns what is stored of a secret."""
        return self._sealer.seal(secret.encode(), _name(tenant_id, issuer, client_id))

    def open_secret(self, provider: IdentityProvider) -> str:
        """Returns the secret for a provider."""
        name = _name(provider.tenant_id, provider.issuer, provider.client_id)
        return self._sealer.open(provider.sealed_secret, name).decode()


def _name(tenant_id: str, issuer: str, client_id: str) -> str:
    return f"identity-provider/{tenant_id}/{issuer} {client_id}"
