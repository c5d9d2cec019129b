"""Describes what people do, and what of tokens that ends."""

from __future__ import annotations

from datetime import datetime

from meshkit.context import current
from services.auth.domain.audit import AuditEvent, AuditOutcome
from services.auth.domain.members import Member
from services.auth.domain.revocations import Revocation, RevocationKind
from services.auth.ports import RecordedAct

__all__ = ["act_on", "ends_tokens", "event_of"]


def event_of(
    action: str,
    tenant_id: str,
    at: datetime,
    *,
    target: str = "",
    actor: str = "",
    outcome: AuditOutcome = AuditOutcome.DONE,
    reason: str = "",
    address: str = "",
    details: dict[str, str] | None = None,
) -> AuditEvent:
    """Returns the event of what the running call does; its caller is the actor unless another is named."""
    call = current()
    caller = call.principal
    return AuditEvent(
        action=action,
        tenant_id=tenant_id,
        at=at,
        outcome=outcome,
        actor=actor or (caller.actor if caller else ""),
        client_id=caller.client_id if caller else "",
        target=target,
        reason=reason,
        request_id=call.request_id,
        peer=call.peer,
        address=address,
        details=details or {},
    )


def act_on(
    member: Member, action: str, at: datetime, *, actor: str = "", ends: bool = False, **details: str
) -> RecordedAct:
    """Returns an act on a member, with `ends` one that ends his tokens."""
    event = event_of(
        action, member.tenant_id, at, target=f"members/{member.member_id}", actor=actor, details=dict(details)
    )
    return RecordedAct(event, ends_tokens(member, at) if ends else None)


def ends_tokens(member: Member, at: datetime) -> Revocation:
    """Returns what ends all tokens that a member had before."""
    return Revocation(RevocationKind.SUBJECT, member.tenant_id, member.member_id, issued_before=at, until=None)
