"""Composes signing in by tenants' own OpenID providers."""

from __future__ import annotations

import time
from dataclasses import dataclass

from meshkit.egress.client import open_egress
from meshkit.host import Host
from meshkit.identity.roles import Roles
from meshkit.storage.postgres import Pool
from meshkit.timestamps import utc_now
from services.auth.adapters.egress_providers import EgressProviders
from services.auth.adapters.postgres_identity_providers import PostgresIdentityProviders
from services.auth.adapters.postgres_members import PostgresMembers
from services.auth.adapters.sealing import AesSealer
from services.auth.ports import AuditTrail, Directory
from services.auth.service.federation.accounts import LinkedAccounts
from services.auth.service.federation.catalogue import ProviderCatalogue
from services.auth.service.federation.providers import IdentityProviders
from services.auth.service.federation.sealing import FederationSeals
from services.auth.service.federation.signing_in import Federation
from services.auth.service.federation.tokens import ProviderTokens
from services.auth.servicer.identity_provider_service import IdentityProviderServicer
from services.auth.settings import AuthSettings

__all__ = ["Federated"]

CALLBACK_PATH = "/sign-in/callback"
"""Below which the edge takes the answers of providers."""


@dataclass(frozen=True, slots=True)
class Federated:
    """The use cases about tenants' own providers."""

    signing_in: Federation
    providers: IdentityProviderServicer

    @classmethod
    async def compose(
        cls, host: Host, settings: AuthSettings, pool: Pool, directory: Directory, trail: AuditTrail
    ) -> Federated:
        """Puts them together, with the way out to providers."""
        store = PostgresIdentityProviders(pool)
        calls = EgressProviders(await host.open(open_egress(settings.egress_allow), name="egress"))
        catalogue = ProviderCatalogue(calls, time.time)
        seals = FederationSeals(AesSealer(settings.derived_key("identity providers")))
        callback = settings.mesh.issuer.rstrip("/") + CALLBACK_PATH
        signing_in = Federation(
            store=store,
            tenants=directory,
            catalogue=catalogue,
            tokens=ProviderTokens(calls, catalogue),
            accounts=LinkedAccounts(store, calls, utc_now),
            seals=seals,
            trail=trail,
            callback=callback,
            clock=utc_now,
        )
        keeper = IdentityProviders(
            store,
            PostgresMembers(pool),
            directory,
            catalogue,
            seals,
            roles=Roles.declared(),
            callback=callback,
            clock=utc_now,
        )
        return cls(signing_in, IdentityProviderServicer(keeper))
