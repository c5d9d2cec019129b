"""Describes the clients of a tenant: programs that get access tokens (RFC 6749, section 2)."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from services.auth.domain.names import UNREADABLE, name_readable
from services.auth.domain.redirects import redirect_fault
from services.auth.domain.secrets import StoredSecrets

__all__ = [
    "DEFAULT_GRACE",
    "DEFAULT_RATE_LIMIT",
    "AuthenticationMethod",
    "Client",
    "ClientFault",
    "ClientSettings",
    "GrantType",
    "NewClient",
    "SenderConstraint",
    "client_faults",
    "does_less",
    "unknown_scopes",
]

DEFAULT_RATE_LIMIT = 100
DEFAULT_GRACE = timedelta(hours=24)
"""How long a secret that was replaced is good, if nothing is said."""


class GrantType(Enum):
    """What a client may have tokens for, as `grant_type` says it.

    There is neither a password nor an implicit grant (RFC 9700, sections 2.1.2 and 2.4).
    """

    CLIENT_CREDENTIALS = "client_credentials"
    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


class AuthenticationMethod(Enum):
    """How a client proves who it is, as RFC 7591 names it."""

    NONE = "none"
    """It cannot keep a secret, and so acts for people alone."""
    SECRET_BASIC = "client_secret_basic"
    SECRET_POST = "client_secret_post"
    """The same: where the secret stands is up to each request."""
    PRIVATE_KEY_JWT = "private_key_jwt"

    @property
    def by_secret(self) -> bool:
        return self in (AuthenticationMethod.SECRET_BASIC, AuthenticationMethod.SECRET_POST)


class SenderConstraint(Enum):
    """What the access tokens of a client are bound to."""

    NONE = "none"
    DPOP = "dpop"
    """A key of which each request has a proof (RFC 9449)."""
    MTLS = "mtls"
    """The certificate of the connection (RFC 8705)."""


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What its owner says of a client."""

    display_name: str = ""
    scopes: frozenset[str] = frozenset()
    rate_limit: int = DEFAULT_RATE_LIMIT
    """Units per second in each class of calls."""
    grant_types: frozenset[GrantType] = frozenset({GrantType.CLIENT_CREDENTIALS})
    redirect_uris: tuple[str, ...] = ()
    method: AuthenticationMethod = AuthenticationMethod.SECRET_BASIC
    keys: tuple[Mapping[str, str], ...] = ()
    """Members of the public JWKs that verify its assertions."""
    constraint: SenderConstraint = SenderConstraint.NONE


@dataclass(frozen=True, slots=True)
class Client:
    """A program of a tenant that may ask for access tokens."""

    client_id: str
    tenant_id: str
    settings: ClientSettings
    secrets: StoredSecrets
    created_at: datetime
    updated_at: datetime
    tag: UUID
    """Names this state."""
    rotated_at: datetime | None = None
    """When the secret was last replaced."""
    disabled_at: datetime | None = None
    """Since when the client gets no tokens."""


@dataclass(frozen=True, slots=True)
class NewClient:
    """A stored client and its secret, which is known this once; empty for one without a secret."""

    client: Client
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientFault:
    """What is wrong with one of the settings."""

    field: str
    rule: str
    words: str
    """What it must be, after the name of the field."""


def client_faults(settings: ClientSettings) -> Iterator[ClientFault]:
    """Yields what keeps settings from being those of a client that can work and is safe."""
    grants, method = settings.grant_types, settings.method
    if not name_readable(settings.display_name):
        yield ClientFault("display_name", "display_name.readable", UNREADABLE)
    for place, uri in enumerate(settings.redirect_uris):
        if words := redirect_fault(uri):
            yield ClientFault(f"redirect_uris[{place}]", "redirect_uri.safe", words)
    if GrantType.AUTHORIZATION_CODE in grants and not settings.redirect_uris:
        yield ClientFault("redirect_uris", "redirect_uris.needed", "must name where people come back to")
    if GrantType.REFRESH_TOKEN in grants and grants.isdisjoint({GrantType.AUTHORIZATION_CODE, GrantType.DEVICE_CODE}):
        words = "must have a grant by a person beside refresh_token"
        yield ClientFault("grant_types", "grant_types.refresh", words)
    if GrantType.CLIENT_CREDENTIALS in grants and method is AuthenticationMethod.NONE:
        words = "must not have client_credentials for a client that proves nothing"
        yield ClientFault("grant_types", "grant_types.public", words)
    yield from _key_faults(settings)


def _key_faults(settings: ClientSettings) -> Iterator[ClientFault]:
    if (settings.method is AuthenticationMethod.PRIVATE_KEY_JWT) != bool(settings.keys):
        yield ClientFault("jwks", "jwks.needed", "must be there for private_key_jwt, and for nothing else")
    identifiers = [key.get("kid", "") for key in settings.keys]
    if len(identifiers) > 1 and (not all(identifiers) or len(set(identifiers)) < len(identifiers)):
        yield ClientFault("jwks.keys", "jwks.kid", "must have a kid each, all different")


def does_less(before: ClientSettings, after: ClientSettings) -> bool:
    """Tells whether tokens of before say more than the client may have now, or than it may prove."""
    return bool(
        before.scopes - after.scopes
        or before.grant_types - after.grant_types
        or after.rate_limit < before.rate_limit
        or after.constraint is not before.constraint
        or (after.method, after.keys) != (before.method, before.keys)
    )


def unknown_scopes(scopes: Iterable[str], known: Container[str]) -> list[int]:
    """Returns the positions of scopes that do not exist."""
    return [index for index, scope in enumerate(scopes) if scope not in known]
