"""Records acts within the transaction that makes them true."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable

from meshkit.storage.locks import bounded, under_change
from meshkit.storage.postgres import Connection
from services.auth.adapters.audit_contents import content_of
from services.auth.domain.audit import AuditEvent

__all__ = ["append", "append_all", "copy_to_log"]

_audit = logging.getLogger("audit")

_APPEND = "SELECT audit_append($1, $2)"
_TENANTS = "SELECT set_config('rampart.tenants', $1, true)"


async def append(connection: Connection, *events: AuditEvent) -> None:
    """Appends events of one tenant in the transaction of the connection, which has named it.

    The log of the tenant is locked from here to the end of the transaction, so this is its last statement.
    """
    if events:
        await _append(connection, events[0].tenant_id, list(map(content_of, events)))
    for event in events:
        copy_to_log(event)


async def append_all(connection: Connection, events: Iterable[AuditEvent]) -> None:
    """Appends events of several tenants, for which the rest of the transaction is open then.

    Transactions lock the logs of tenants in one order, so that none waits for another that waits for it.
    """
    contents: defaultdict[str, list[str]] = defaultdict(list)
    for event in events:
        contents[event.tenant_id].append(content_of(event))
    await connection.execute(_TENANTS, ",".join(sorted(contents)))
    for tenant_id in sorted(contents):
        await _append(connection, tenant_id, contents[tenant_id])


async def _append(connection: Connection, tenant_id: str, contents: list[str]) -> None:
    with bounded(under_change("audit log")):
        await connection.execute(_APPEND, tenant_id, contents)


def copy_to_log(event: AuditEvent) -> None:
    """Writes a line of the process's log for an event. The line is a copy: what counts is the audit log."""
    fields = {"action": event.action, "outcome": event.outcome.value, "tenant_id": event.tenant_id}
    more = {"actor": event.actor, "client_id": event.client_id, "target": event.target, "reason": event.reason}
    _audit.info("%s", event.action, extra={"fields": fields | {name: text for name, text in more.items() if text}})
