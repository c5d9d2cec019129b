"""Describes acts of the authorization server for the audit log, with what the call knows of itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from meshkit.context import current
from services.auth.domain.audit import AuditEvent, AuditOutcome

__all__ = ["act"]


def act(
    action: str,
    tenant_id: str,
    at: datetime,
    *,
    actor: str = "",
    client_id: str = "",
    target: str = "",
    reason: str = "",
    details: Mapping[str, str] | None = None,
) -> AuditEvent:
    """Returns an event; with a `reason` it is that of a refusal."""
    call = current()
    return AuditEvent(
        action,
        tenant_id,
        at,
        outcome=AuditOutcome.REFUSED if reason else AuditOutcome.DONE,
        actor=actor,
        client_id=client_id,
        target=target,
        reason=reason,
        request_id=call.request_id,
        peer=call.peer,
        details=details or {},
    )
