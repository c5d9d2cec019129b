"""Describes clients as the authorization server sees them, and those of the platform itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.auth.domain.redirection import redirects_to
from services.auth.domain.tenants import Tenant

__all__ = [
    "ACCOUNT",
    "AUTHORIZATION_CODE_GRANT",
    "CLI",
    "CLIENT_CREDENTIALS_GRANT",
    "DEVICE_CODE_GRANT",
    "DPOP",
    "GRANT_TYPES",
    "IDENTITY_SCOPES",
    "MTLS",
    "OFFLINE",
    "OPENID",
    "REFRESH_TOKEN_GRANT",
    "UNBOUND",
    "OAuthClient",
    "platform_clients",
]

CLIENT_CREDENTIALS_GRANT: Final = "client_credentials"
AUTHORIZATION_CODE_GRANT: Final = "authorization_code"
REFRESH_TOKEN_GRANT: Final = "refresh_token"
DEVICE_CODE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
GRANT_TYPES: Final = (
    CLIENT_CREDENTIALS_GRANT,
    AUTHORIZATION_CODE_GRANT,
    REFRESH_TOKEN_GRANT,
    DEVICE_CODE_GRANT,
)
"""How tokens are asked for. There is neither a password nor an implicit grant (RFC 9700, sections 2.1.2 and 2.4)."""

UNBOUND: Final = "none"
DPOP: Final = "dpop"
"""Access tokens are bound to a key of which each request has a proof (RFC 9449)."""
MTLS: Final = "mtls"
"""Access tokens are bound to the certificate of the connection (RFC 8705)."""

CLI: Final = "rampart-cli"
ACCOUNT: Final = "rampart-account"

OPENID: Final = "openid"
OFFLINE: Final = "offline_access"
"""The grant outlives the session in which it was made (OpenID Connect Core 1.0, section 11)."""
IDENTITY_SCOPES: Final = frozenset({OPENID, "profile", "email", OFFLINE})
"""Scopes of OpenID Connect, which say what a client learns of the person and open no method."""
PLATFORM_RATE: Final = 100
"""Units per second of each class that a person may use through a client of the platform."""


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A program that asks for tokens."""

    client_id: str
    tenant_id: str
    """Empty for a client of the platform, which serves the people of every tenant."""
    display_name: str
    scopes: frozenset[str]
    """Those of methods; those of OpenID Connect may be asked for by any client with people."""
    grant_types: frozenset[str]
    redirect_uris: tuple[str, ...] = ()
    public: bool = False
    """True if it can keep no secret: it names itself, and PKCE or the key of its proofs do the rest."""
    rate_limit: int = PLATFORM_RATE
    tenant: Tenant | None = None
    """Its tenant, as it was read with the client; None for a client of the platform."""
    binding: str = UNBOUND
    """What its access tokens have to be bound to."""

    @property
    def first_party(self) -> bool:
        """Whether it is one of the platform's own, which need no consent."""
        return not self.tenant_id

    def may(self, grant_type: str) -> bool:
        """Tells whether the client may ask for tokens so."""
        return grant_type in self.grant_types

    def serves(self, tenant_id: str) -> bool:
        """Tells whether people of the tenant may use the client."""
        return self.first_party or self.tenant_id == tenant_id

    def redirects_to(self, uri: str) -> bool:
        """Tells whether answers for the client may go there."""
        return redirects_to(self.redirect_uris, uri)


def platform_clients(scopes: frozenset[str]) -> Mapping[str, OAuthClient]:
    """Returns the clients of the platform by identifier. `scopes` are all that methods ask for."""
    grants = frozenset({AUTHORIZATION_CODE_GRANT, REFRESH_TOKEN_GRANT, DEVICE_CODE_GRANT})
    console = OAuthClient(
        CLI,
        "",
        "Rampart command line",
        scopes,
        grants,
        ("http://127.0.0.1/callback", "http://[::1]/callback"),
        public=True,
    )
    # Gets tokens for a session of the edge's own pages, never by a grant.
    account = OAuthClient(ACCOUNT, "", "Rampart account", frozenset({"account:read", "account:write"}), frozenset(),
                          public=True)  # fmt: skip
    return {client.client_id: client for client in (console, account)}
