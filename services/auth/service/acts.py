"""Describes acts of the caller for the audit log."""

from __future__ import annotations

from datetime import datetime

from meshkit.context import SYSTEM_TENANT, current
from services.auth.domain.audit import AuditEvent, AuditOutcome

__all__ = ["act", "refusal"]


def act(action: str, target: str, at: datetime, *, tenant_id: str = "", **details: str) -> AuditEvent:
    """Returns the event of what the caller does to a resource of its tenant, or of the tenant that is named."""
    return _event(AuditOutcome.DONE, action, target, at, tenant_id, "", details)


def refusal(action: str, target: str, at: datetime, reason: str, *, tenant_id: str = "") -> AuditEvent:
    """Returns the event of what somebody was not let do, who may be unknown."""
    return _event(AuditOutcome.REFUSED, action, target, at, tenant_id, reason, {})


def _event(
    outcome: AuditOutcome,
    action: str,
    target: str,
    at: datetime,
    tenant_id: str,
    reason: str,
    details: dict[str, str],
) -> AuditEvent:
    call = current()
    caller = call.principal
    return AuditEvent(
        action=action,
        tenant_id=tenant_id or (caller.tenant_id if caller is not None else SYSTEM_TENANT),
        at=at,
        outcome=outcome,
        actor=caller.actor if caller is not None else "",
        client_id=caller.client_id if caller is not None else "",
        target=target,
        reason=reason,
        request_id=call.request_id,
        peer=call.peer,
        details=details,
    )
