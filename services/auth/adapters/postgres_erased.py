"""Ends what PostgreSQL keeps of a tenant for a while after its rows are gone."""

from __future__ import annotations

from datetime import datetime

from meshkit.storage.postgres import Pool, transaction
from services.auth.adapters import audit_rows
from services.auth.domain.audit import AuditEvent

__all__ = ["PostgresErasedTenants"]

_END = """
UPDATE revocations SET xid = pg_current_xact_id(), until = $2
WHERE tenant_id = $1 AND kind = 'tenant' AND until IS NULL"""


class PostgresErasedTenants:
    """Implements `ErasedTenantStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def end_refusal(self, tenant_id: str, until: datetime, event: AuditEvent) -> None:
        async with transaction(self._pool, [tenant_id, event.tenant_id]) as connection:
            if await connection.execute(_END, tenant_id, until) != "UPDATE 0":
                await audit_rows.append(connection, event)
