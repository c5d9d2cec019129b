"""Reads graphs in PostgreSQL, under row-level security."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import asyncpg

from meshkit.storage.postgres import Pool, connected, transaction
from services.fraud.domain.event import Money
from services.fraud.domain.graph.entities import EntityName, EntitySummary, GraphEdge
from services.fraud.domain.graph.growth import SizeHistory, day_of, lone
from services.fraud.ports.graph import EntityRef, ReadEntities

__all__ = ["PostgresGraphReads"]

_ENTITIES = "SELECT * FROM read_graph($1, $2::uuid[], $3::bigint[])"
_EDGES = """
SELECT DISTINCT e.source, e.target, e.is_transfer, e.events, e.currency, e.amount_minor, e.first_time, e.last_time
FROM unnest($2::bigint[]) AS asked (entity) CROSS JOIN LATERAL (
    SELECT * FROM (
        (SELECT * FROM graph_edges WHERE tenant_id = $1 AND source = asked.entity ORDER BY last_time DESC LIMIT $3)
        UNION ALL
        (SELECT * FROM graph_edges WHERE tenant_id = $1 AND target = asked.entity ORDER BY last_time DESC LIMIT $3)
    ) AS near ORDER BY last_time DESC LIMIT $3
) AS e ORDER BY e.last_time DESC, e.source, e.target"""


class PostgresGraphReads:
    """Implements `GraphReads`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def entities(self, refs: Collection[EntityRef]) -> ReadEntities:
        asked = list(refs)
        tenants = [each.tenant_id for each in asked]
        # One round trip: the function names the tenants for its own transaction.
        async with connected(self._pool) as connection:
            rows = await connection.fetch(
                _ENTITIES, ",".join(sorted(set(tenants))), tenants, [each.number for each in asked]
            )
        reached = rows[0]["reached"] if rows else None
        whole = {asked[row["n"] - 1].tenant_id for row in rows if row["whole"]}
        return ReadEntities(
            {
                ref: _summary(ref.number, row)
                for row in rows
                if (ref := asked[row["n"] - 1]).tenant_id in whole and row["kind"] is not None
            },
            reached,
            set(tenants) - whole,
        )

    async def edges(self, tenant_id: str, entities: Collection[int], most: int) -> Sequence[GraphEdge]:
        async with transaction(self._pool, [tenant_id]) as connection:
            rows = await connection.fetch(_EDGES, tenant_id, list(entities), most)
        return [_edge(row) for row in rows]


def _summary(number: int, row: asyncpg.Record) -> EntitySummary:
    smallest = row["smallest_minor"]
    first: SizeHistory = lone(day_of(row["first_time"]))
    return EntitySummary(
        number=number,
        name=EntityName(row["kind"], row["value"]),
        first_time=row["first_time"],
        last_time=row["last_time"],
        component=row["component"],
        sizes=first if row["size"] is None else SizeHistory(row["size"], row["day"], tuple(row["ends"])),
        is_full=row["is_full"],
        degree=row["degree"],
        fan_in=row["fan_in"],
        fan_out=row["fan_out"],
        most_repeats=row["most_repeats"],
        smallest_repeated=None if smallest is None else Money(smallest, row["smallest_currency"]),
        cycles=row["cycles"],
        frauds=row["frauds"],
        fraud_near=row["fraud_near"],
    )


def _edge(row: asyncpg.Record) -> GraphEdge:
    amount = Money(int(row["amount_minor"]), row["currency"]) if row["currency"] else None
    return GraphEdge(
        row["source"], row["target"], row["is_transfer"], row["events"], amount, row["first_time"], row["last_time"]
    )
