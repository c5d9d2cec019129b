"""Describes what ends the use of access tokens before they expire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

__all__ = ["Revocation", "RevocationKind", "ToldRevocations"]


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
    """All tokens of a tenant, whose name is empty here."""


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


@dataclass(frozen=True, slots=True)
class ToldRevocations:
    """Revocations since a place."""

    revocations: Sequence[Revocation]
    next: int
    """Place to go on after."""
    more: bool
    """Whether there are more of them now."""
