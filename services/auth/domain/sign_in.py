"""Describes one attempt of a browser to sign in and to consent: what is known so far, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from services.auth.domain.authorization import AuthorizationRequest
from services.auth.domain.members import SecondFactor

__all__ = ["ATTEMPT_LIFE", "AttemptKey", "SignInAttempt", "SignInStep", "SignInView"]

ATTEMPT_LIFE = timedelta(minutes=10)


class SignInStep(Enum):
    """What a person has to do next."""

    IDENTIFY = "identify"
    SECOND_FACTOR = "second_factor"
    ENROL = "enrol"
    """Set up a second factor on the account page, which the tenant asks for."""
    CONSENT = "consent"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class AttemptKey:
    """Names an attempt, and shows that the browser is the one that began it."""

    attempt_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """An attempt under way. It is kept for ten minutes, under the hash of a secret that only the browser has."""

    attempt_id: str
    secret_hash: bytes
    expires_at: datetime
    revision: int = 0
    """Counts the steps, of which one is taken at a time."""
    request: AuthorizationRequest | None = None
    """What a client asks for; None for a device and for the account page."""
    user_code: str = ""
    """Device that waits, as its code was made; empty for none."""
    tenant: str = ""
    """Name of the tenant; empty while it is not known."""
    tenant_id: str = ""
    email_hint: str = ""
    member_id: str = ""
    """Who began to prove to be that member, or has; empty for nobody."""
    methods: frozenset[str] = frozenset()
    """What was proven in this attempt."""
    session: str = field(default="", repr=False)
    """Hash of the secret of the session, in hex, once all is proven."""
    passkey: bytes = field(default=b"", repr=False)
    """State of the passkey ceremony; empty for none."""
    federation: str = field(default="", repr=False)
    """State of the way to the tenant's own provider, sealed; empty for none."""

    former: str = field(default="", repr=False)
    """Hash of the secret of the session that the browser had before, in hex; empty for none."""


@dataclass(frozen=True, slots=True)
class SignInView:
    """Where an attempt stands, with what its page shows."""

    step: SignInStep
    expires_at: datetime
    tenant: str = ""
    client_name: str = ""
    first_party: bool = False
    scopes: frozenset[str] = frozenset()
    email: str = field(default="", repr=False)
    factors: frozenset[SecondFactor] = frozenset()
    provider: str = ""
    """Name of the tenant's own provider; empty for none."""
    redirect_uri: str = field(default="", repr=False)
    """Where the browser goes when all is done; empty if nowhere."""
    session: str = field(default="", repr=False)
    """Secret of the session, to be set as a cookie; empty if nothing changes."""
    user_code: str = ""
