"""Ends what is kept of a tenant for a while after its rows are gone."""

from __future__ import annotations

from datetime import UTC, datetime

from meshkit.context import SYSTEM_TENANT
from meshkit.storage.postgres import Pool, transaction
from services.auth.domain.suspension import refused_until
from services.auth.ports import AuditTrail
from services.auth.service.acts import act

__all__ = ["ErasedTenants"]

_END = """
UPDATE revocations SET xid = pg_current_xact_id(), until = $2
WHERE tenant_id = $1 AND kind = 'tenant' AND until IS NULL"""


class ErasedTenants:
    """Gives the revocation of an erased tenant's tokens its end, and tells the system's audit log."""

    def __init__(self, pool: Pool, audit: AuditTrail) -> None:
        self._pool = pool
        self._audit = audit

    async def forget(self, tenant_id: str) -> None:
        """Raises UNAVAILABLE."""
        now = datetime.now(UTC)
        async with transaction(self._pool, [tenant_id]) as connection:
            done = await connection.execute(_END, tenant_id, refused_until(now))
        if done != "UPDATE 0":
            await self._audit.record(act("tenant.erase", f"tenants/{tenant_id}", now, tenant_id=SYSTEM_TENANT))
