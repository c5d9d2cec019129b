"""Records a change within its transaction: in the audit log, and where it ends tokens among the revocations."""

from __future__ import annotations

from meshkit.storage.postgres import Connection
from services.auth.adapters import audit_rows, revocation_rows
from services.auth.ports import RecordedAct

__all__ = ["record"]


async def record(connection: Connection, act: RecordedAct) -> None:
    """Records an act in the transaction of the connection, which has named its tenant."""
    await audit_rows.append(connection, act.event)
    if act.revocation is not None:
        await revocation_rows.append(connection, act.revocation)
    if (left := act.lifted) is not None and left.issued_before is not None and left.until is not None:
        await revocation_rows.lift(connection, left.kind, left.tenant_id, left.name, left.issued_before, left.until)
