"""Keeps graphs in PostgreSQL, under row-level security."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from meshkit.storage.postgres import Connection, Pool, connected, transaction
from services.fraud.adapters.engine_revisions import hold, move
from services.fraud.adapters.graph.postgres_changes import PostgresGraphChanges
from services.fraud.ports.graph import GraphChanges, GraphReach

__all__ = ["PostgresGraphStore"]

DELETED = 5_000
FORGOTTEN = 1_000
_REACH = "SELECT tenant_id, begun, filled, whole, dropped FROM graph_tenants"
_BEGIN = "INSERT INTO graph_tenants (tenant_id, filled, begun) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
# One that another store kept is whole and dropped at once: see `PostgresWholeGraphs`.
_DROP = """
UPDATE graph_tenants SET dropped = true, whole = false WHERE tenant_id = $1 AND (whole OR NOT dropped) RETURNING 1"""
_DELETE = """
DELETE FROM {table}
WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE tenant_id = $1 LIMIT $2)) AND tenant_id = $1"""
TABLES = ("graph_edges", "graph_entities", "graph_components", "graph_frauds")
_GONE = "DELETE FROM graph_tenants WHERE tenant_id = $1"
_FORGET = """
WITH gone AS (
    DELETE FROM graph_edges WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM graph_edges WHERE tenant_id = $1 AND last_time < $2
            AND (last_time AT TIME ZONE 'UTC')::date <= ($2::timestamptz AT TIME ZONE 'UTC')::date LIMIT $3
    )) AND tenant_id = $1 RETURNING source, target, is_transfer::integer AS transfer
), lost AS (
    SELECT entity, count(*) AS degree, sum(fan_out) AS fan_out, sum(fan_in) AS fan_in FROM (
        SELECT source AS entity, transfer AS fan_out, 0 AS fan_in FROM gone
        UNION ALL SELECT target, 0, transfer FROM gone
    ) AS ends GROUP BY entity
), changed AS (
    UPDATE graph_entities AS e SET degree = e.degree - lost.degree, fan_in = e.fan_in - lost.fan_in,
        fan_out = e.fan_out - lost.fan_out, doubted = e.doubted OR e.fraud_near > 0
    FROM lost WHERE e.tenant_id = $1 AND e.entity = lost.entity
)
SELECT count(*) FROM gone"""
_ALONE = """
WITH gone AS (
    DELETE FROM graph_entities WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM graph_entities WHERE tenant_id = $1 AND degree <= 0 LIMIT $2
    )) AND tenant_id = $1 RETURNING component
)
UPDATE graph_components AS c SET size = greatest(c.size - gone.members, 1)
FROM (SELECT component, count(*)::integer AS members FROM gone GROUP BY component) AS gone
WHERE c.tenant_id = $1 AND c.component = gone.component"""
_OLD_FRAUDS = "DELETE FROM graph_frauds WHERE tenant_id = $1 AND decision_id < first_decision_id($2)"


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

    async def forget(self, tenant_id: str, before: datetime) -> bool:
        async with transaction(self._service, [tenant_id]) as connection:
            gone: int = await connection.fetchval(_FORGET, tenant_id, before, FORGOTTEN)
            if gone:
                await connection.execute(_ALONE, tenant_id, 2 * FORGOTTEN)
            await connection.execute(_OLD_FRAUDS, tenant_id, before)
        return gone == FORGOTTEN


async def _count(connection: Connection, statement: str, *values: object) -> int:
    return int((await connection.execute(statement, *values)).rpartition(" ")[2])


def _plain(made: UUID) -> UUID:
    return UUID(int=made.int)
