"""A tenant's own OpenID provider: who it is, for whom it may vouch, and what that is worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from services.auth.domain.members import Member, email_key

__all__ = ["GivenProvider", "IdentityProvider", "ProviderLink", "SecretMethod"]


class SecretMethod(Enum):
    """How a secret is shown at the token endpoint (OpenID Connect Core 1.0, section 9)."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """The provider of a tenant, as it is set."""

    tenant_id: str
    issuer: str
    client_id: str
    sealed_secret: bytes = field(repr=False)
    method: SecretMethod
    display_name: str
    domains: frozenset[str]
    """Of the addresses for which it may vouch; none for all."""
    roles: frozenset[str]
    """What people become who come without an invitation; none if they are refused."""
    email_trusted: bool
    """Whether an address counts as verified of which the provider does not say so."""
    second_factor_trusted: bool
    required: bool
    """Whether members can sign in by the provider alone."""
    created_at: datetime
    updated_at: datetime

    def covers(self, email: str) -> bool:
        """Tells whether the provider may vouch for an address."""
        return not self.domains or email_key(email).rpartition("@")[2] in self.domains

    def is_required_of(self, member: Member) -> bool:
        """Tells whether a member has no other way in. An owner has: somebody must be able to set the provider right."""
        return self.required and not member.owns and self.covers(member.email)

    def same_accounts(self, issuer: str, client_id: str) -> bool:
        """Tells whether a subject means the same there: it may differ from client to client (Core, section 8)."""
        return (self.issuer, self.client_id) == (issuer, client_id)


@dataclass(frozen=True, slots=True)
class GivenProvider:
    """What a caller sets."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    """Empty to keep the one that there is."""
    method: SecretMethod
    display_name: str
    domains: frozenset[str]
    roles: frozenset[str]
    email_trusted: bool
    second_factor_trusted: bool
    required: bool


@dataclass(frozen=True, slots=True)
class ProviderLink:
    """Says which account at the provider is a member's: once it is there, no address counts any more."""

    tenant_id: str
    issuer: str
    subject: str
    at: datetime
