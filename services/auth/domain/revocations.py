"""Describes what ends the use of access tokens before they expire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from services.auth.domain.tenants import MOST_TOKEN_SECONDS

__all__ = ["LONGEST_LIFE", "Revocation", "RevocationKind", "ToldRevocations"]

ERASURE = "erasure"
"""Name of the revocation of a tenant that lets it be erased (`meshkit.identity.revocations`)."""
LONGEST_LIFE = timedelta(seconds=MOST_TOKEN_SECONDS)
"""Of an access token, whatever the settings of this process are: other replicas may have others for a while."""


class RevocationKind(Enum):
    """What a revocation names."""

    TOKEN = "token"
    """One token, by its `jti`."""
    SESSION = "session"
    """All tokens of a session or grant, by their `sid`."""
    CLIENT = "client"
    """All tokens of an acting client, by its `client_id`."""
    SUBJECT = "subject"
    """All tokens about a person, or a client, by their `sub`."""
    TENANT = "tenant"
    """All tokens of a tenant, whose name is empty here; named "erasure" no token, but the tenant may be erased."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """Tokens that are of no use any more."""

    kind: RevocationKind
    tenant_id: str
    name: str
    """Identifier of the kind."""
    issued_before: datetime | None
    """Those issued at this time or earlier; None for all, also those issued later, until it is lifted."""
    until: datetime | None
    """When the last of them has expired by itself; None for never."""

    @classmethod
    def of_token(cls, tenant_id: str, token_id: str, until: datetime) -> Revocation:
        return cls(RevocationKind.TOKEN, tenant_id, token_id, None, until)

    @classmethod
    def of_session(cls, tenant_id: str, session_id: str, until: datetime) -> Revocation:
        """Returns the revocation of the tokens of a session or grant."""
        return cls(RevocationKind.SESSION, tenant_id, session_id, None, until)

    @classmethod
    def of_client(cls, tenant_id: str, client_id: str, until: datetime | None = None) -> Revocation:
        """Returns the revocation of all tokens of a client or API key, also of later ones."""
        return cls(RevocationKind.CLIENT, tenant_id, client_id, None, until)

    @classmethod
    def of_subject(cls, tenant_id: str, subject: str) -> Revocation:
        """Returns the revocation of all tokens about a person, also of later ones."""
        return cls(RevocationKind.SUBJECT, tenant_id, subject, None, None)

    @classmethod
    def of_tenant(cls, tenant_id: str) -> Revocation:
        """Returns the revocation of all tokens of a tenant, also of later ones."""
        return cls(RevocationKind.TENANT, tenant_id, "", None, None)

    @classmethod
    def of_erasure(cls, tenant_id: str) -> Revocation:
        """Returns what lets a tenant be erased until it is lifted: told as a revocation, it refuses no token."""
        return cls(RevocationKind.TENANT, tenant_id, ERASURE, None, None)

    def up_to(self, at: datetime, life: timedelta = LONGEST_LIFE) -> Revocation:
        """Returns the revocation of those alone that were issued up to a time, none of which is good for longer."""
        return replace(self, issued_before=at, until=at + life)


@dataclass(frozen=True, slots=True)
class ToldRevocations:
    """Revocations since a place."""

    revocations: Sequence[Revocation]
    next: int
    """Place to go on after."""
    more: bool
    """Whether there are more of them now."""
