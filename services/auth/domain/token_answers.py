"""Describes what clients get: tokens, and what tokens and people are."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.auth.domain.grants import Grant
from services.auth.domain.sessions import BrowserSession
from services.auth.domain.tenants import IssuedToken
from services.auth.domain.token_binding import NOT_BOUND, TokenBinding

__all__ = ["GrantedTokens", "Introspected", "OngoingAccess", "PersonClaims"]


@dataclass(frozen=True, slots=True)
class GrantedTokens:
    """What a client gets (RFC 6749, section 5.1)."""

    access: IssuedToken
    token_type: str
    """"Bearer" or "DPoP"."""
    refresh_token: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Introspected:
    """What a good token says."""

    scope: str
    client_id: str
    subject: str
    tenant_id: str
    token_type: str
    """"Bearer", "DPoP" or "refresh_token"."""
    expires_at: float
    """Unix seconds, as below."""
    issued_at: float
    issuer: str = ""
    audience: str = ""
    token_id: str = ""
    roles: frozenset[str] = frozenset()
    bound: TokenBinding = NOT_BOUND


@dataclass(frozen=True, slots=True)
class PersonClaims:
    """Claims of the granted scopes; empty for those that were not granted."""

    subject: str
    tenant_id: str
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    email_verified: bool = False


@dataclass(frozen=True, slots=True)
class OngoingAccess:
    """A session or a grant of a member."""

    access: BrowserSession | Grant
    client_name: str = ""
    """Of a grant: its client's."""
