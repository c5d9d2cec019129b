"""Describes what the audit log keeps of one security-relevant act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

__all__ = ["AuditEvent", "AuditFilter", "AuditOutcome", "AuditSeal", "AuditStand", "StoredAuditEvent"]


class AuditOutcome(Enum):
    """How an act ended."""

    STARTED = "started"
    """It was let in and may take effect. The event with the same request that follows says how it ended."""
    DONE = "done"
    REFUSED = "refused"
    """The actor may not, or did not prove who it is."""
    FAILED = "failed"
    """Something else kept it from taking effect."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what to which resource, when, and how it ended (OWASP ASVS 5, 16.2.1). No secret, no e-mail address."""

    action: str
    """Resource and verb: "client.create", "session.end", "token.issue"."""
    tenant_id: str
    """Tenant in whose log it stands; `meshkit.context.SYSTEM_TENANT` where there is none."""
    at: datetime
    outcome: AuditOutcome = AuditOutcome.DONE
    actor: str = ""
    """Subject that acted: a member's or client's identifier, "operator", or empty for nobody who is known."""
    client_id: str = ""
    """Client through which the subject acted."""
    target: str = ""
    """Resource that was acted on: "clients/shop-1"."""
    reason: str = ""
    """Reason of a refusal or failure, as the caller got it."""
    request_id: str = ""
    peer: str = ""
    """Process from which the call came, by the path of its SPIFFE ID."""
    address: str = ""
    """Client address that the gateway saw, as a keyed hash or network prefix: addresses are personal data."""
    details: Mapping[str, str] = field(default_factory=dict)
    """What else is to be known, by names of fields; no personal data."""
    recorder: str = ""
    """Process that told of it, by the path of its SPIFFE ID; empty for the auth service itself."""


@dataclass(frozen=True, slots=True)
class StoredAuditEvent:
    """An event where it stands in the log of its tenant."""

    event: AuditEvent
    sequence: int
    previous: bytes
    """Hash of the event before."""
    hash: bytes


@dataclass(frozen=True, slots=True)
class AuditSeal:
    """A place in the log of a tenant, sealed with a key that the database does not have."""

    tenant_id: str
    sequence: int
    hash: bytes
    at: datetime
    seal: bytes


@dataclass(frozen=True, slots=True)
class AuditStand:
    """How far the log of a tenant goes."""

    tenant_id: str
    sequence: int
    hash: bytes
    checkpoint: AuditSeal | None

    @property
    def first(self) -> int:
        """Returns the sequence of the first event that is kept."""
        return self.checkpoint.sequence + 1 if self.checkpoint is not None else 1


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which events are asked for. What is empty does not restrict."""

    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    action: str = ""
    """The action, or the beginning of one with a `*` at its end."""
    actor: str = ""
    outcome: str = ""
    target: str = ""
