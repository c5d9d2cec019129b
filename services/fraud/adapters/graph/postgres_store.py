"""Keeps graphs in PostgreSQL, under row-level security."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

from meshkit.storage.postgres import Connection, Pool, connected, transaction
from services.fraud.adapters.engine_revisions import hold, move
from services.fraud.adapters.graph.postgres_changes import PostgresGraphChanges
from services.fraud.ports.graph import GraphChanges, GraphReach

__all__ = ["PostgresGraphStore"]

DELETED = 5_000
FORM = 2
"""Of what is kept of a graph. One of another form is made anew."""
_REACH = f"""
SELECT tenant_id, begun, filled, whole AND form = {FORM}, dropped OR form <> {FORM} FROM graph_tenants"""
_BEGIN = f"""
INSERT INTO graph_tenants (tenant_id, filled, begun, form) VALUES ($1, $2, $3, {FORM}) ON CONFLICT DO NOTHING"""
# One that another store kept is whole and dropped at once: see `PostgresWholeGraphs`.
_DROP = """
UPDATE graph_tenants SET dropped = true, whole = false WHERE tenant_id = $1 AND (whole OR NOT dropped) RETURNING 1"""
_DELETE = """
DELETE FROM {table}
WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE tenant_id = $1 LIMIT $2)) AND tenant_id = $1"""
TABLES = ("graph_edges", "graph_entities", "graph_components", "graph_frauds")
_GONE = "DELETE FROM graph_tenants WHERE tenant_id = $1"


class PostgresGraphStore:
    """Implements `GraphStore`: tenants are found by the relay's role, the rest is the service's."""

    def __init__(self, relay: Pool, service: Pool) -> None:
        self._relay = relay
        self._service = service

    @asynccontextmanager
    async def begin(self, tenants: Collection[str]) -> AsyncIterator[GraphChanges]:
        async with transaction(self._service, tenants) as connection:
            yield PostgresGraphChanges(connection)

    async def reach(self) -> Mapping[str, GraphReach]:
        async with connected(self._relay) as connection:
            rows = await connection.fetch(_REACH)
        return {str(tenant): GraphReach(_plain(begun), _plain(filled), *rest) for tenant, begun, filled, *rest in rows}

    async def begin_tenant(self, tenant_id: str, since: UUID, begun: UUID) -> None:
        async with transaction(self._service, [tenant_id]) as connection:
            await connection.execute(_BEGIN, tenant_id, since, begun)

    async def drop(self, tenant_id: str) -> bool:
        async with transaction(self._service, [tenant_id]) as connection:
            await hold(connection, tenant_id)
            if await connection.fetchval(_DROP, tenant_id) is not None:
                await move(connection, tenant_id)
            for table in TABLES:
                if await _count(connection, _DELETE.format(table=table), tenant_id, DELETED) == DELETED:
                    return True
            await connection.execute(_GONE, tenant_id)
            return False


async def _count(connection: Connection, statement: str, *values: object) -> int:
    return int((await connection.execute(statement, *values)).rpartition(" ")[2])


def _plain(made: UUID) -> UUID:
    return UUID(int=made.int)
