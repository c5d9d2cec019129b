"""Describes the sessions of browsers: who signed in, when and how, and for how long that counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

__all__ = ["BrowserSession", "NewSession", "SessionLimits"]


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts (OWASP ASVS 5, 7.3)."""

    absolute: timedelta = timedelta(hours=12)
    """From signing in, whatever happens."""
    idle: timedelta = timedelta(hours=1)
    """From its last use."""


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A browser in which a member has signed in. Its secret is stored hashed, in a cookie alone."""

    session_id: str
    tenant_id: str
    member_id: str
    secret_hash: bytes
    methods: frozenset[str]
    """How the member proved who it is: values of `amr` (RFC 8176)."""
    authenticated_at: datetime
    used_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None

    def good(self, now: datetime, limits: SessionLimits) -> bool:
        """Tells whether the session counts."""
        return self.ended_at is None and now < self.expires_at and now < self.used_at + limits.idle

    def fresh(self, now: datetime, max_age: int | None) -> bool:
        """Tells whether the member has proven who it is within the seconds."""
        return max_age is None or now < self.authenticated_at + timedelta(seconds=max_age)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session and its secret, which is known this once."""

    session: BrowserSession
    secret: str = field(repr=False)
