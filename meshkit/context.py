"""Carries who is calling, and for which request, in a context variable through every await of a call."""

from __future__ import annotations

import secrets
import time
from contextvars import ContextVar
from dataclasses import dataclass

from meshkit.errors import Kind, MeshError

__all__ = [
    "SYSTEM_TENANT",
    "CallContext",
    "Principal",
    "Quota",
    "current",
    "new_traceparent",
    "principal",
    "set_current",
]

SYSTEM_TENANT = "00000000-0000-0000-0000-000000000000"
"""Owns what belongs to the platform itself. No access token may carry it."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What the clients of a tenant may use together, in units per second. 0 means that there is no such limit."""

    tenant: int = 0
    """In all classes of calls together."""
    user: int = 0
    """Of one class by one user: the subject of a token that is not the client itself."""
    classes: tuple[tuple[str, int], ...] = ()
    """Of single classes, by name."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller. The tenant comes only from here."""

    tenant_id: str
    client_id: str
    scopes: frozenset[str]
    rate_limit: int
    """Units per second that the client may use in each class of calls."""
    currency: str
    subject: str = ""
    """Whom the token is about (RFC 9068): the client itself, or a user that the client acts for."""
    quota: Quota = Quota()


@dataclass(slots=True)
class CallContext:
    """What one call knows about itself."""

    request_id: str = ""
    traceparent: str = ""
    token: str = ""
    peer: str = ""
    principal: Principal | None = None
    deadline: float | None = None
    """`time.monotonic()` at which the answer is of no use; None for a call without a limit."""

    @property
    def trace_id(self) -> str:
        return self.traceparent[3:35]

    @property
    def remaining(self) -> float | None:
        """Seconds until the deadline, 0 after it; None without one."""
        return max(0.0, self.deadline - time.monotonic()) if self.deadline is not None else None

    def limit(self, seconds: float) -> None:
        """Brings the deadline forward to `seconds` from now, unless it is earlier."""
        until = time.monotonic() + seconds
        self.deadline = until if self.deadline is None else min(self.deadline, until)


_current: ContextVar[CallContext | None] = ContextVar("rampart_call", default=None)


def current() -> CallContext:
    """Returns the context of the running call, or an empty one outside of any."""
    return _current.get() or CallContext()


def set_current(call: CallContext) -> None:
    _current.set(call)


def principal() -> Principal:
    """Returns the verified caller; without one the call is refused."""
    caller = current().principal
    if caller is None:
        raise MeshError(Kind.UNAUTHENTICATED, "TOKEN_MISSING", "the call carries no access token")
    return caller


def new_traceparent(inbound: str = "") -> str:
    """Continues a W3C trace context with a new span, or starts a trace (Trace Context, section 3.2)."""
    span = secrets.token_hex(8)
    if valid_traceparent(inbound):
        return f"{inbound[:36]}{span}{inbound[52:55]}"
    return f"00-{secrets.token_hex(16)}-{span}-01"


def valid_traceparent(value: str) -> bool:
    """Tells whether a `traceparent` header of version 00 is well formed."""
    if len(value) != 55 or value[:3] != "00-" or value[35] != "-" or value[52] != "-":
        return False
    digits = value[3:35] + value[36:52] + value[53:]
    return all(c in "0123456789abcdef" for c in digits) and value[3:35] != "0" * 32 and value[36:52] != "0" * 16
