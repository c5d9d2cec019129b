"""Carries who is calling, and for which request, in a context variable through every await of a call."""

from __future__ import annotations

import re
import time
from contextvars import ContextVar
from dataclasses import dataclass
from random import getrandbits
from typing import TYPE_CHECKING

from meshkit.errors import Kind, MeshError
from meshkit.operators import is_operator
from meshkit.tracing import w3c

if TYPE_CHECKING:
    from opentelemetry.trace import SpanKind

    from meshkit.tracing.span import Attributes, Recorder, Span

__all__ = [
    "SYSTEM_TENANT",
    "CallContext",
    "Confirmation",
    "Principal",
    "Quota",
    "current",
    "principal",
    "request_id",
    "set_current",
]

SYSTEM_TENANT = "00000000-0000-0000-0000-000000000000"
"""Owns what belongs to the platform itself. No access token may carry it."""

FAULTS = frozenset(
    {Kind.UNKNOWN, Kind.DEADLINE_EXCEEDED, Kind.UNIMPLEMENTED, Kind.INTERNAL, Kind.UNAVAILABLE, Kind.DATA_LOSS}
)
"""Errors of the server rather than of its caller (OpenTelemetry's conventions for gRPC)."""
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


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
class Confirmation:
    """What an access token is bound to (RFC 7800): who shows the token has to prove that it holds this as well."""

    method: str
    """"jkt": a key of DPoP proofs (RFC 9449, section 6.1). "x5t#S256": a client certificate (RFC 8705, section 3.1)."""
    thumbprint: str
    """SHA-256 of the key or certificate in base64url: 43 characters."""


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
    roles: frozenset[str] = frozenset()
    """Roles of the subject in the tenant, of `meshkit.identity.roles`; none of an issuer that is not ours, maybe."""
    token_id: str = ""
    """`jti` of the access token."""
    session_id: str = ""
    """`sid`: the session or grant that the token belongs to; empty for a client that acts for itself."""
    issued_at: float = 0.0
    """When the token was issued, in Unix seconds."""
    confirmation: Confirmation | None = None
    """What the token is bound to; None for a bearer token."""
    authenticated_at: float = 0.0
    """`auth_time`: when the person proved who it is, in Unix seconds; 0 for a program."""
    named_scopes: frozenset[str] = frozenset()
    """All that the token names, also those that permit no method: of OpenID Connect, or that the roles have no more."""

    @property
    def actor(self) -> str:
        """Who does what the call asks for: the user that the client acts for, or the client itself."""
        return self.subject or self.client_id


@dataclass(slots=True)
class CallContext:
    """What one call knows about itself."""

    request_id: str = ""
    traceparent: str = ""
    """W3C trace context of what this process does for the call, which goes along to whom it calls."""
    token: str = ""
    peer: str = ""
    principal: Principal | None = None
    deadline: float | None = None
    """`time.monotonic()` at which the answer is of no use; None for a call without a limit."""
    tracestate: str = ""
    parent: str = ""
    """The caller's `traceparent`, empty if there was none."""
    span: Span | None = None
    """What is recorded of the call, None if nothing is."""

    @property
    def actor(self) -> str:
        """Who does what the call asks for: the verified caller's, or an operator; empty for anybody else."""
        if self.principal is not None:
            return self.principal.actor
        return self.peer if is_operator(self.peer) else ""

    @property
    def trace_id(self) -> str:
        return self.traceparent[3:35]

    @property
    def span_id(self) -> str:
        return self.traceparent[36:52]

    @property
    def remaining(self) -> float | None:
        """Seconds until the deadline, 0 after it; None without one."""
        return max(0.0, self.deadline - time.monotonic()) if self.deadline is not None else None

    def follow(self, traceparent: str, tracestate: str) -> None:
        """Continues the trace that a caller's headers name, or starts one."""
        self.parent = w3c.received(traceparent)
        self.traceparent = w3c.continued(self.parent) if self.parent else w3c.started()
        self.tracestate = w3c.state(tracestate) if self.parent and tracestate else ""

    def record(self, recorder: Recorder, name: str, kind: SpanKind, attributes: Attributes) -> None:
        """Begins the span of the call if its trace is recorded, and says so to whom it calls."""
        self.span = recorder.begin(
            name, kind, self.traceparent, parent=self.parent, tracestate=self.tracestate, attributes=attributes
        )
        self.traceparent = self.span.traceparent if self.span is not None else w3c.unsampled(self.traceparent)

    def failed(self, error: MeshError) -> None:
        """Notes in the call's span why it fails."""
        if self.span is not None:
            self.span.attributes["rampart.reason"] = error.reason
            if error.kind in FAULTS:
                self.span.error = error.reason

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


def request_id(inbound: bytes | None) -> str:
    """Returns the caller's own `X-Request-Id` if it is one, else a new one, which need not be secret."""
    if inbound is not None and _REQUEST_ID.fullmatch(inbound):
        return inbound.decode()
    return f"{getrandbits(128):032x}"
