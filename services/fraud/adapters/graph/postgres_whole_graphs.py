"""Says in PostgreSQL which graphs are whole that another store keeps: processes read it there with the features.

A row that is `whole` and `dropped` at once says this: the graph is whole, and PostgreSQL has nothing of it that counts.
`PostgresGraphStore` takes it for one to be dropped, so that a graph is made anew when PostgreSQL keeps graphs again.
"""

from __future__ import annotations

from collections.abc import Collection

from meshkit.storage.postgres import Pool, connected, transaction
from services.fraud.adapters.engine_revisions import hold, move
from services.fraud.adapters.graph.postgres_store import PostgresGraphStore

__all__ = ["PostgresWholeGraphs"]

_SAID = "SELECT tenant_id, whole AND dropped AS is_elsewhere FROM graph_tenants"
_SAY = """
INSERT INTO graph_tenants (tenant_id, begun, filled, whole, dropped)
VALUES ($1, '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000', true, true)
ON CONFLICT DO NOTHING RETURNING 1"""
_TAKE_BACK = "DELETE FROM graph_tenants WHERE tenant_id = $1 AND whole AND dropped RETURNING 1"


class PostgresWholeGraphs:
    """Compares what is said with what is so, so that a crash between the two stores is mended."""

    def __init__(self, relay: Pool, service: Pool) -> None:
        self._relay = relay
        self._service = service
        self._own = PostgresGraphStore(relay, service)

    async def tell(self, whole: Collection[str]) -> None:
        """Has PostgreSQL say that the graphs of these tenants are whole, and no others. Raises MeshError UNAVAILABLE.

        What PostgreSQL kept of graphs itself is deleted first, a part with each call.
        """
        async with connected(self._relay) as connection:
            said = {str(row["tenant_id"]): row["is_elsewhere"] for row in await connection.fetch(_SAID)}
        for tenant_id, is_elsewhere in said.items():
            if not is_elsewhere:
                await self._own.drop(tenant_id)
            elif tenant_id not in whole:
                await self._change(_TAKE_BACK, tenant_id)
        for tenant_id in sorted(set(whole) - said.keys()):
            await self._change(_SAY, tenant_id)

    async def _change(self, statement: str, tenant_id: str) -> None:
        async with transaction(self._service, [tenant_id]) as connection:
            await hold(connection, tenant_id)
            if await connection.fetchval(statement, tenant_id) is not None:
                await move(connection, tenant_id)
