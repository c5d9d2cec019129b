"""Passkeys of members, and the ceremonies in which they are made and used (Web Authentication, level 3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

__all__ = ["MOST_PASSKEYS", "Ceremony", "CeremonyKind", "Passkey", "PasskeyUse"]

MOST_PASSKEYS = 20
"""Of one member."""


class CeremonyKind(Enum):
    """What a challenge is for."""

    REGISTRATION = "registration"
    AUTHENTICATION = "authentication"


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A challenge that waits for its answer, once."""

    state_hash: bytes
    """SHA-256 of the secret that whoever began has."""
    kind: CeremonyKind
    challenge: bytes = field(repr=False)
    tenant_id: str | None
    """Whose passkeys may answer; None for any tenant's."""
    member_id: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Passkey:
    """A credential of a member, as stored."""

    credential_id: bytes
    tenant_id: str
    member_id: str
    public_key: bytes
    """In COSE."""
    sign_count: int
    """Last count of the authenticator; 0 for one that does not count, as those do that are synchronised."""
    display_name: str
    created_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PasskeyUse:
    """What an authenticator's answer proves."""

    credential_id: bytes
    sign_count: int
