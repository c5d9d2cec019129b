"""Keeps in PostgreSQL which entities of graphs have known fraud, and how many of these are near each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from meshkit.storage.postgres import Connection
from services.fraud.domain.graph.batch import FraudChange, KnownEvent
from services.fraud.domain.graph.entities import HUB_DEGREE

__all__ = ["ENTITY", "PostgresGraphFraud"]

# An event that names nobody counts for nobody.
_KNOW = """
WITH gone AS (
    DELETE FROM graph_frauds WHERE tenant_id = $1 AND decision_id = ANY ($2::uuid[]) RETURNING entities
), added AS (
    INSERT INTO graph_frauds (tenant_id, decision_id, event_time, entities)
    SELECT $1, decision_id, min(event_time), array_agg(entity)
    FROM unnest($3::uuid[], $4::timestamptz[], $5::bigint[]) AS known (decision_id, event_time, entity)
    GROUP BY decision_id ON CONFLICT DO NOTHING RETURNING entities
)
SELECT false AS is_fraud, entities FROM gone UNION ALL SELECT true, entities FROM added"""
_FORGET = """
DELETE FROM graph_frauds WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM graph_frauds WHERE tenant_id = $1 AND event_time < $2 LIMIT $3
)) AND tenant_id = $1 RETURNING entities"""
# Entities are found by their keys one by one: no statistics of a tenant make a plan that reads all of them.
ENTITY = """CROSS JOIN LATERAL (
    SELECT ctid, entity, component, degree, frauds, fraud_near, doubted FROM graph_entities
    WHERE tenant_id = $1 AND entity = {of} LIMIT 1
) AS {name}"""
_FRAUDS = f"""
SELECT e.entity, e.frauds FROM unnest($2::bigint[]) AS asked (entity) {ENTITY.format(of="asked.entity", name="e")}"""
_BLAME = "UPDATE graph_entities SET frauds = $3 WHERE tenant_id = $1 AND entity = $2"
# A hub is doubted itself, and nobody through it.
_DOUBT = f"""
WITH RECURSIVE reached (entity, hops) AS (
    SELECT unnest($2::bigint[]), 0
    UNION
    SELECT near.other, r.hops + 1 FROM reached AS r {ENTITY.format(of="r.entity", name="e")}
    CROSS JOIN LATERAL graph_neighbours($1, r.entity, {HUB_DEGREE}) AS near
    WHERE r.hops < $3 AND (r.hops = 0 OR e.degree <= {HUB_DEGREE})
)
UPDATE graph_entities SET doubted = true
WHERE tenant_id = $1 AND NOT doubted AND ctid = ANY (ARRAY(
    SELECT own.ctid FROM (SELECT DISTINCT entity FROM reached) AS r
    CROSS JOIN LATERAL (SELECT ctid FROM graph_entities WHERE tenant_id = $1 AND entity = r.entity LIMIT 1) AS own
))"""
_DOUBTED = "SELECT entity, degree FROM graph_entities WHERE tenant_id = $1 AND doubted ORDER BY entity LIMIT $2"
_NEAR = f"""
WITH first AS MATERIALIZED (
    SELECT DISTINCT asked.entity, o.entity AS other, o.frauds FROM unnest($2::bigint[]) AS asked (entity)
    CROSS JOIN LATERAL graph_neighbours($1, asked.entity, {HUB_DEGREE}) AS near
    {ENTITY.format(of="near.other", name="o")} WHERE o.degree <= {HUB_DEGREE}
), second AS (
    SELECT first.entity, o.entity AS other FROM first
    CROSS JOIN LATERAL graph_neighbours($1, first.other, {HUB_DEGREE}) AS near
    {ENTITY.format(of="near.other", name="o")} WHERE o.degree <= {HUB_DEGREE} AND o.frauds > 0
)
SELECT entity, count(*)::integer AS near FROM (
    SELECT entity, other FROM first WHERE frauds > 0 UNION SELECT entity, other FROM second
) AS found WHERE other <> entity GROUP BY entity"""
_SETTLE = "UPDATE graph_entities SET fraud_near = $3, doubted = false WHERE tenant_id = $1 AND entity = $2"


class PostgresGraphFraud:
    """The part of `GraphChanges` that is about known fraud."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def know(self, tenant_id: str, known: Collection[KnownEvent]) -> Sequence[FraudChange]:
        others = [each.decision_id for each in known if not each.is_fraud]
        frauds = [(each, entity) for each in known if each.is_fraud for entity in each.entities]
        decisions, times = [each.decision_id for each, _ in frauds], [each.time for each, _ in frauds]
        entities = [entity for _, entity in frauds]
        rows = await self._connection.fetch(_KNOW, tenant_id, others, decisions, times, entities)
        return [FraudChange(row["is_fraud"], row["entities"]) for row in rows]

    async def forget_frauds(self, tenant_id: str, before: datetime, most: int) -> Sequence[FraudChange]:
        rows = await self._connection.fetch(_FORGET, tenant_id, before, most)
        return [FraudChange(False, row["entities"]) for row in rows]

    async def blame(self, tenant_id: str, frauds: Mapping[int, int]) -> Collection[int]:
        before = {
            row["entity"]: row["frauds"] for row in await self._connection.fetch(_FRAUDS, tenant_id, list(frauds))
        }
        now = {entity: max(0, known + frauds[entity]) for entity, known in before.items()}
        await self._connection.executemany(_BLAME, [(tenant_id, *each) for each in now.items()])
        return [entity for entity, known in before.items() if (known > 0) != (now[entity] > 0)]

    async def doubt(self, tenant_id: str, around: Collection[int], hops: int) -> None:
        await self._connection.execute(_DOUBT, tenant_id, list(around), hops)

    async def doubted(self, tenant_id: str, most: int) -> Collection[int]:
        return [row["entity"] for row in await self._connection.fetch(_DOUBTED, tenant_id, most)]

    async def frauds_near(self, tenant_id: str, entities: Collection[int]) -> Mapping[int, int]:
        found = {row["entity"]: row["near"] for row in await self._connection.fetch(_NEAR, tenant_id, list(entities))}
        return {each: found.get(each, 0) for each in entities}

    async def settle(self, tenant_id: str, near: Mapping[int, int]) -> None:
        await self._connection.executemany(_SETTLE, [(tenant_id, *each) for each in near.items()])
