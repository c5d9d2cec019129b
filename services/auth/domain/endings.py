"""Says when and why something ends that tokens came of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.auth.domain.audit import AuditEvent
from services.auth.domain.revocations import Revocation

__all__ = ["AccessEnding"]


@dataclass(frozen=True, slots=True)
class AccessEnding:
    """The end of a session or of a grant."""

    at: datetime
    until: datetime
    """When the last access token that came of it expires by itself."""
    event: AuditEvent

    def of_session(self, tenant_id: str, session_id: str) -> Revocation:
        """Returns the revocation of the tokens of a session or grant that ends so."""
        return Revocation.of_session(tenant_id, session_id, self.until)

    def of_member(self, tenant_id: str, member_id: str) -> Revocation:
        """Returns the revocation of the tokens of a member all of whose sessions and grants end so."""
        return Revocation.of_subject(tenant_id, member_id).up_to(self.at, self.until - self.at)
