"""Describes what people do, and what of tokens that ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from meshkit.context import current
from services.auth.domain.audit import AuditEvent, AuditOutcome
from services.auth.domain.members import Member
from services.auth.domain.revocations import Revocation, RevocationKind
from services.auth.domain.tenants import MOST_TOKEN_SECONDS
from services.auth.ports import RecordedAct

__all__ = ["act_on", "barring", "ending", "event_of", "lifting"]

TOKENS_LIVE = timedelta(seconds=MOST_TOKEN_SECONDS)
"""After it no access token is left that was issued before, whatever their life is set to."""


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


def act_on(member: Member, action: str, at: datetime, *, actor: str = "", **details: str) -> RecordedAct:
    """Returns an act on a member that leaves his tokens as they are."""
    target = f"members/{member.member_id}"
    return RecordedAct(event_of(action, member.tenant_id, at, target=target, actor=actor, details=details))


def ending(act: RecordedAct, member: Member, at: datetime) -> RecordedAct:
    """Returns an act that ends the tokens that a member had before."""
    return replace(act, revocation=_revocation(member, at, at + TOKENS_LIVE))


def barring(act: RecordedAct, member: Member) -> RecordedAct:
    """Returns an act after which no token of a member is good, until that is lifted."""
    return replace(act, revocation=_revocation(member, None, None))


def lifting(act: RecordedAct, member: Member, at: datetime) -> RecordedAct:
    """Returns an act after which new tokens of a member are good again."""
    return replace(act, lifted=_revocation(member, at, at + TOKENS_LIVE))


def _revocation(member: Member, issued_before: datetime | None, until: datetime | None) -> Revocation:
    return Revocation(RevocationKind.SUBJECT, member.tenant_id, member.member_id, issued_before, until)
