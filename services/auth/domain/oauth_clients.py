"""Describes clients as the authorization server sees them, and those of the platform itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.auth.domain.clients import AuthenticationMethod, ClientSettings, GrantType
from services.auth.domain.redirection import redirects_to
from services.auth.domain.tenants import Tenant

__all__ = [
    "ACCOUNT",
    "CLI",
    "IDENTITY_SCOPES",
    "OFFLINE",
    "OPENID",
    "OAuthClient",
    "platform_clients",
]

CLI: Final = "rampart-cli"
ACCOUNT: Final = "rampart-account"

OPENID: Final = "openid"
OFFLINE: Final = "offline_access"
"""The grant outlives the session in which it was made (OpenID Connect Core 1.0, section 11)."""
IDENTITY_SCOPES: Final = frozenset({OPENID, "profile", "email", OFFLINE})
"""Scopes of OpenID Connect, which say what a client learns of the person and open no method."""


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A program that asks for tokens."""

    client_id: str
    settings: ClientSettings
    """Its scopes are those of methods; those of OpenID Connect may be asked for by any client with people."""
    tenant: Tenant | None = None
    """Its tenant, as it was read with the client; None for a client of the platform, which serves every tenant."""

    @property
    def tenant_id(self) -> str:
        """Empty for a client of the platform."""
        return self.tenant.tenant_id if self.tenant is not None else ""

    @property
    def name(self) -> str:
        """By which people know it."""
        return self.settings.display_name or self.client_id

    @property
    def first_party(self) -> bool:
        """Whether it is one of the platform's own, which need no consent."""
        return self.tenant is None

    @property
    def public(self) -> bool:
        """Whether it can keep no secret: it names itself, and PKCE or the key of its proofs do the rest."""
        return self.settings.method is AuthenticationMethod.NONE

    def may(self, grant_type: GrantType) -> bool:
        """Tells whether the client may ask for tokens so."""
        return grant_type in self.settings.grant_types

    def serves(self, tenant_id: str) -> bool:
        """Tells whether people of the tenant may use the client."""
        return self.first_party or self.tenant_id == tenant_id

    def redirects_to(self, uri: str) -> bool:
        """Tells whether answers for the client may go there."""
        return redirects_to(self.settings.redirect_uris, uri)


def platform_clients(scopes: frozenset[str]) -> Mapping[str, OAuthClient]:
    """Returns the clients of the platform by identifier. `scopes` are all that methods ask for."""
    console = ClientSettings(
        "Rampart command line",
        scopes,
        grant_types=frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN, GrantType.DEVICE_CODE}),
        redirect_uris=("http://127.0.0.1/callback", "http://[::1]/callback"),
        method=AuthenticationMethod.NONE,
    )
    # Gets tokens for a session of the edge's own pages, never by a grant.
    account = ClientSettings(
        "Rampart account",
        frozenset({"account:read", "account:write"}),
        grant_types=frozenset(),
        method=AuthenticationMethod.NONE,
    )
    return {CLI: OAuthClient(CLI, console), ACCOUNT: OAuthClient(ACCOUNT, account)}
