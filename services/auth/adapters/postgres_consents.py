"""Stores in PostgreSQL what members have consented to."""

from __future__ import annotations

from meshkit.storage.postgres import Pool, transaction
from services.auth.adapters import audit_rows, ended_rows
from services.auth.domain.audit import AuditEvent
from services.auth.domain.consents import MOST_CONSENTS, Consent
from services.auth.domain.endings import AccessEnding

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
                "INSERT INTO consents (tenant_id, member_id, client_id, scopes, created_at, updated_at)"
                " VALUES ($1, $2, $3, $4, $5, $5)"
                " ON CONFLICT (tenant_id, member_id, client_id) DO UPDATE SET updated_at = excluded.updated_at,"
                " scopes = ARRAY(SELECT DISTINCT unnest(consents.scopes || excluded.scopes) ORDER BY 1)",
                tenant_id,
                member_id,
                client_id,
                sorted(scopes),
                event.at,
            )
            await audit_rows.append(connection, event)

    async def of_member(self, tenant_id: str, member_id: str) -> list[Consent]:
        async with transaction(self._pool, [tenant_id]) as connection:
            rows = await connection.fetch(
                "SELECT client_id, scopes, coalesce(created_at, updated_at) AS since, updated_at FROM consents"
                " WHERE tenant_id = $1 AND member_id = $2"
                ' ORDER BY updated_at DESC, client_id COLLATE "C" LIMIT $3',
                tenant_id,
                member_id,
                MOST_CONSENTS,
            )
        return [Consent(row["client_id"], frozenset(row["scopes"]), row["since"], row["updated_at"]) for row in rows]

    async def withdraw(self, tenant_id: str, member_id: str, client_id: str, ending: AccessEnding) -> bool:
        async with transaction(self._pool, [tenant_id]) as connection:
            done = await connection.execute(
                "DELETE FROM consents WHERE tenant_id = $1 AND member_id = $2 AND client_id = $3",
                tenant_id,
                member_id,
                client_id,
            )
            if done != "DELETE 1":
                return False
            await ended_rows.end_grants_of_client(connection, tenant_id, member_id, client_id, ending)
            await audit_rows.append(connection, ending.event)
            return True
