"""Records changes within their transaction: where they end tokens among the revocations, and in the audit log."""

from __future__ import annotations

from meshkit.storage.postgres import Connection
from services.auth.adapters import audit_rows, revocation_rows
from services.auth.ports import RecordedAct

__all__ = ["record"]


async def record(connection: Connection, *acts: RecordedAct) -> None:
    """Records acts in the transaction of the connection, which has named their tenant.

    They are its last statements; see `audit_rows.append`.
    """
    for act in acts:
        if act.revocation is not None:
            await revocation_rows.append(connection, act.revocation)
        for left in act.lifted:
            await revocation_rows.lift(connection, left)
    await audit_rows.append(connection, *(act.event for act in acts))
