"""Says when and why something ends that tokens came of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.auth.domain.audit import AuditEvent

__all__ = ["AccessEnding"]


@dataclass(frozen=True, slots=True)
class AccessEnding:
    """The end of a session or of a grant."""

    at: datetime
    until: datetime
    """When the last access token that came of it expires by itself."""
    event: AuditEvent
