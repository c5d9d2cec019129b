"""Where security-relevant acts are recorded."""

from __future__ import annotations

from typing import Protocol

from services.auth.domain.audit import AuditEvent

__all__ = ["AuditTrail"]


class AuditTrail(Protocol):
    """The audit log. Changes of what is stored are recorded by the store itself, in the transaction of the change."""

    async def record(self, event: AuditEvent) -> None:
        """Records an act that changes nothing that is stored, such as a refusal; returns when the log has it."""
        ...
