"""Keeps graphs in Neo4j."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from neo4j import AsyncDriver

from services.fraud.adapters.graph.neo4j_changes import Neo4jGraphChanges
from services.fraud.adapters.graph.neo4j_driver import GraphTransaction, transaction
from services.fraud.adapters.graph.neo4j_schema import SCHEMA
from services.fraud.adapters.graph.postgres_whole_graphs import PostgresWholeGraphs
from services.fraud.ports.graph import GraphChanges, GraphReach

__all__ = ["Neo4jGraphStore"]

DELETED = 5_000
FORM = 2
"""Of what is kept of a graph. One of another form is made anew."""
_REACH = f"""
MATCH (t:RampartTenant)
WITH t, coalesce(t.form, 1) = {FORM} AS fits
RETURN t.tenant, t.begun, t.filled, t.whole AND fits, t.dropped OR NOT fits"""
_BEGIN = f"""
MERGE (t:RampartTenant {{tenant: $tenant}})
ON CREATE SET t.begun = $begun, t.filled = $filled, t.whole = false, t.dropped = false, t.form = {FORM}"""
_DROP = "MATCH (t:RampartTenant {tenant: $tenant}) SET t.dropped = true, t.whole = false"
_DELETE_LINKS = """
MATCH ()-[r:RAMPART_LINK]->() USING INDEX r:RAMPART_LINK(tenant, last)
WHERE r.tenant = $tenant AND r.last IS NOT NULL
WITH r LIMIT $most DELETE r RETURN count(*) AS gone"""
_DELETE = """
MATCH (n:{label}) WHERE n.tenant = $tenant AND n.{key} IS NOT NULL
WITH n LIMIT $most DETACH DELETE n RETURN count(*) AS gone"""
DELETIONS = (
    _DELETE_LINKS,
    _DELETE.format(label="RampartEntity", key="number"),
    _DELETE.format(label="RampartComponent", key="number"),
    _DELETE.format(label="RampartFraud", key="decision"),
)
_GONE = "MATCH (t:RampartTenant {tenant: $tenant}) DELETE t"


class Neo4jGraphStore:
    """Implements `GraphStore`. Processes learn from PostgreSQL which graphs are whole: `reach` has it say so."""

    def __init__(self, driver: AsyncDriver, told: PostgresWholeGraphs) -> None:
        self._driver = driver
        self._told = told

    @asynccontextmanager
    async def begin(self, tenants: Collection[str]) -> AsyncIterator[GraphChanges]:
        async with transaction(self._driver, tenants) as opened:
            yield Neo4jGraphChanges(opened)

    async def reach(self) -> Mapping[str, GraphReach]:
        # In a transaction that might write: of a cluster it is the leader that answers.
        async with transaction(self._driver, ()) as opened:
            rows = await opened.run_on_none(_REACH)
        reach = {tenant: GraphReach(UUID(begun), UUID(filled), *rest) for tenant, begun, filled, *rest in rows}
        await self._told.tell({tenant for tenant, each in reach.items() if each.whole})
        return reach

    async def begin_tenant(self, tenant_id: str, since: UUID, begun: UUID) -> None:
        # Where there are none: in a database that is new, or was emptied.
        async with transaction(self._driver, ()) as opened:
            for statement in SCHEMA:
                await opened.run_on_none(statement)
        async with transaction(self._driver, [tenant_id]) as opened:
            await opened.run(_BEGIN, tenant_id, filled=str(since), begun=str(begun))

    async def drop(self, tenant_id: str) -> bool:
        async with transaction(self._driver, [tenant_id]) as opened:
            await opened.run(_DROP, tenant_id)
            for statement in DELETIONS:
                if await _count(opened, statement, tenant_id, most=DELETED) == DELETED:
                    return True
            await opened.run(_GONE, tenant_id)
            return False


async def _count(opened: GraphTransaction, statement: str, tenant_id: str, **parameters: Any) -> int:
    (row,) = await opened.run(statement, tenant_id, **parameters)
    gone: int = row["gone"]
    return gone
