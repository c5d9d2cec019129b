"""Stores in PostgreSQL what members have consented to."""

from __future__ import annotations

from meshkit.storage.postgres import Pool, transaction
from services.auth.adapters import audit_rows
from services.auth.domain.audit import AuditEvent

__all__ = ["PostgresConsents"]


class PostgresConsents:
    """Implements `ConsentStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def consented(self, tenant_id: str, member_id: str, client_id: str) -> frozenset[str]:
        async with transaction(self._pool, [tenant_id]) as connection:
            scopes = await connection.fetchval(
                "SELECT scopes FROM consents WHERE tenant_id = $1 AND member_id = $2 AND client_id = $3",
                tenant_id,
                member_id,
                client_id,
            )
            return frozenset(scopes or ())

    async def consent(
        self, tenant_id: str, member_id: str, client_id: str, scopes: frozenset[str], event: AuditEvent
    ) -> None:
        async with transaction(self._pool, [tenant_id]) as connection:
            await connection.execute(
                "INSERT INTO consents (tenant_id, member_id, client_id, scopes, updated_at) VALUES ($1, $2, $3, $4, $5)"
                " ON CONFLICT (tenant_id, member_id, client_id) DO UPDATE SET updated_at = excluded.updated_at,"
                " scopes = ARRAY(SELECT DISTINCT unnest(consents.scopes || excluded.scopes) ORDER BY 1)",
                tenant_id,
                member_id,
                client_id,
                sorted(scopes),
                event.at,
            )
            await audit_rows.append(connection, event)
