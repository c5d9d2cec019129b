"""Reads from PostgreSQL what tenants have declared, under row-level security."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from meshkit.storage.postgres import Pool, transaction
from services.fraud.adapters.postgres_event_types import read_event_types
from services.fraud.adapters.postgres_scenarios import read_scenarios
from services.fraud.ports import Declarations

__all__ = ["PostgresDeclarations"]

_REVISIONS = "SELECT tenant_id, revision FROM engine_revisions WHERE tenant_id = ANY ($1::uuid[])"


class PostgresDeclarations:
    """Implements `DeclarationStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, tenant_id: str) -> Declarations:
        # Of one moment: a part may name what another declares.
        async with transaction(self._pool, [tenant_id], snapshot=True) as connection:
            return Declarations(
                revision=await connection.fetchval(
                    f"SELECT coalesce(max(revision), 0) FROM ({_REVISIONS})", [tenant_id]
                ),
                event_types=await read_event_types(connection, tenant_id),
                scenarios=await read_scenarios(connection, tenant_id),
            )

    async def revisions(self, tenants: Collection[str]) -> Mapping[str, int]:
        async with transaction(self._pool, tenants) as connection:
            rows = await connection.fetch(_REVISIONS, list(tenants))
        return {str(row["tenant_id"]): row["revision"] for row in rows}
