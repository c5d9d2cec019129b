"""What stores record of a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.auth.domain.audit import AuditEvent
from services.auth.domain.revocations import Revocation

__all__ = ["RecordedAct"]


@dataclass(frozen=True, slots=True)
class RecordedAct:
    """What is recorded of a change, in its transaction: the event, and what of tokens it ends or lets be good again."""

    event: AuditEvent
    revocation: Revocation | None = None
    lifted: Sequence[Revocation] = ()
    """What is left of revocations that were for ever: tokens from before stay refused."""
