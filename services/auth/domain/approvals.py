"""Describes calls that a second person approves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

__all__ = ["MOST_CALL_BYTES", "MOST_OPEN", "Approval", "ApprovalState", "digest_of"]

LIFE = timedelta(hours=24)
MOST_OPEN = 100
"""Of one tenant that wait, or are approved and not used."""
MOST_CALL_BYTES = 16_384


class ApprovalState(Enum):
    """What became of a call that somebody asked for."""

    PENDING = "pending"
    APPROVED = "approved"
    """Somebody else has approved it: whoever asked for it can make it, once."""
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    """By whoever asked for it."""
    USED = "used"
    """The call was made."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A call that waits for a second person, or that one has decided on."""

    approval_id: str
    tenant_id: str
    """`meshkit.context.SYSTEM_TENANT` for operators."""
    method: str
    """Full name: "rampart.auth.v1.MemberService/UpdateMember"."""
    call: str = field(repr=False)
    """What is approved, to the byte: canonical JSON of method and request. Empty once nothing can come of it."""
    digest: bytes
    """SHA-256 of the call."""
    requester: str
    requested_at: datetime
    state: ApprovalState = ApprovalState.PENDING
    decider: str = ""
    decided_at: datetime | None = None
    scopes: frozenset[str] = frozenset()
    """What the second person may do: the call may do no more. None of an operator."""

    @property
    def expires_at(self) -> datetime:
        return self.requested_at + LIFE

    @property
    def is_open(self) -> bool:
        """Whether the call may still be made."""
        return self.state in (ApprovalState.PENDING, ApprovalState.APPROVED)

    def decided(
        self, state: ApprovalState, decider: str, at: datetime, scopes: frozenset[str] = frozenset()
    ) -> Approval:
        """Returns it as somebody has decided; the call is forgotten unless it can still be made."""
        after = replace(self, state=state, decider=decider, decided_at=at, scopes=scopes)
        return after if after.is_open else replace(after, call="")

    def used(self) -> Approval:
        """Returns it once the call was made."""
        return replace(self, state=ApprovalState.USED, call="")


def digest_of(call: str) -> bytes:
    """Returns what names a call to the byte."""
    return hashlib.sha256(call.encode()).digest()
