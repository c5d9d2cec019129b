"""Describes what the audit log keeps of one security-relevant act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

__all__ = ["AuditEvent", "AuditOutcome"]


class AuditOutcome(Enum):
    """How an act ended."""

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
