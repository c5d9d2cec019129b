"""Describes what the running call does, for the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from meshkit.context import SYSTEM_TENANT, current
from services.auth.domain.audit import AuditEvent, AuditOutcome
from services.auth.domain.members import Member
from services.auth.domain.revocations import Revocation
from services.auth.ports import RecordedAct

__all__ = ["act", "act_on"]


def act(
    action: str,
    target: str,
    at: datetime,
    *,
    tenant_id: str = "",
    actor: str | None = None,
    client_id: str | None = None,
    reason: str = "",
    address: str = "",
    **details: str,
) -> AuditEvent:
    """Returns the event of an act; with a `reason` it is that of a refusal.

    Tenant, actor and client are those of the caller, who may be unknown, unless others are named.
    """
    call = current()
    caller = call.principal
    if caller is not None:
        tenant_id = tenant_id or caller.tenant_id
        client_id = caller.client_id if client_id is None else client_id
    return AuditEvent(
        action,
        tenant_id or SYSTEM_TENANT,
        at,
        outcome=AuditOutcome.REFUSED if reason else AuditOutcome.DONE,
        actor=call.actor if actor is None else actor,
        client_id=client_id or "",
        target=target,
        reason=reason,
        request_id=call.request_id,
        peer=call.peer,
        address=address,
        details=details,
    )


def act_on(
    member: Member,
    action: str,
    at: datetime,
    *,
    actor: str | None = None,
    revocation: Revocation | None = None,
    lifted: Sequence[Revocation] = (),
    **details: str,
) -> RecordedAct:
    """Returns what is recorded of an act on a member, with what of his tokens it ends or lets be good again."""
    target = f"members/{member.member_id}"
    event = act(action, target, at, tenant_id=member.tenant_id, actor=actor, **details)
    return RecordedAct(event, revocation, lifted)
