"""Keeps in Neo4j which entities of graphs have known fraud, and how many of these are near each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.fraud.adapters.graph.neo4j_driver import GraphTransaction
from services.fraud.adapters.graph.neo4j_schema import latest, time_to_micros
from services.fraud.domain.graph.batch import FraudChange, KnownEvent
from services.fraud.domain.graph.entities import HUB_DEGREE

__all__ = ["Neo4jGraphFraud"]

_KNOW = """
UNWIND $others AS decision
MATCH (f:RampartFraud {tenant: $tenant, decision: decision})
WITH f, f.entities AS entities DELETE f
RETURN false AS is_fraud, entities
UNION ALL
UNWIND $frauds AS each
OPTIONAL MATCH (f:RampartFraud {tenant: $tenant, decision: each.decision})
WITH each, f WHERE f IS NULL
CREATE (:RampartFraud {tenant: $tenant, decision: each.decision, time: each.time, entities: each.entities})
RETURN true AS is_fraud, each.entities AS entities"""
_FORGET = """
MATCH (f:RampartFraud) USING INDEX f:RampartFraud(tenant, time)
WHERE f.tenant = $tenant AND f.time < $before
WITH f, f.entities AS entities LIMIT $most
DELETE f
RETURN entities"""
_BLAME = """
UNWIND $frauds AS each
MATCH (e:RampartEntity {tenant: $tenant, number: each.number})
WITH e, e.frauds AS before, CASE WHEN e.frauds + each.added > 0 THEN e.frauds + each.added ELSE 0 END AS now
SET e.frauds = now
WITH e, before, now WHERE (before > 0) <> (now > 0)
RETURN e.number AS number"""
# A hub is gone through where it is among those asked for, and nowhere else.
_AROUND = f"""
UNWIND $entities AS number
MATCH (e:RampartEntity {{tenant: $tenant, number: number}}) WHERE $is_first OR e.degree <= $most
{latest("number", "other")}
RETURN DISTINCT other"""
_DOUBT = """
UNWIND $entities AS number
MATCH (e:RampartEntity {tenant: $tenant, number: number}) SET e.doubted = number"""
_DOUBTED = """
MATCH (e:RampartEntity) USING INDEX e:RampartEntity(tenant, doubted)
WHERE e.tenant = $tenant AND e.doubted IS NOT NULL
RETURN e.doubted AS number ORDER BY e.tenant, e.doubted LIMIT $most"""
_NEAR = f"""
UNWIND $entities AS number
{latest("number", "one")}
MATCH (first:RampartEntity {{tenant: $tenant, number: one}}) WHERE first.degree <= $most
WITH DISTINCT number, one, first
CALL (one, first) {{
    RETURN first AS near
    UNION
    {latest("one", "two")}
    MATCH (second:RampartEntity {{tenant: $tenant, number: two}}) WHERE second.degree <= $most
    RETURN second AS near
}}
WITH DISTINCT number, near WHERE near.number <> number AND near.frauds > 0
RETURN number, count(near) AS frauds"""
_SETTLE = """
UNWIND $near AS each
MATCH (e:RampartEntity {tenant: $tenant, number: each.number})
SET e.fraud_near = each.frauds REMOVE e.doubted"""


class Neo4jGraphFraud:
    """The part of `GraphChanges` that is about known fraud."""

    def __init__(self, transaction: GraphTransaction) -> None:
        self._transaction = transaction

    async def know(self, tenant_id: str, known: Collection[KnownEvent]) -> Sequence[FraudChange]:
        # An event that names nobody counts for nobody.
        frauds = [_known_to_map(each) for each in known if each.is_fraud and each.entities]
        others = [str(each.decision_id) for each in known if not each.is_fraud]
        rows = await self._transaction.run(_KNOW, tenant_id, frauds=frauds, others=others)
        return [FraudChange(row["is_fraud"], row["entities"]) for row in rows]

    async def forget_frauds(self, tenant_id: str, before: datetime, most: int) -> Sequence[FraudChange]:
        rows = await self._transaction.run(_FORGET, tenant_id, before=time_to_micros(before), most=most)
        return [FraudChange(False, row["entities"]) for row in rows]

    async def blame(self, tenant_id: str, frauds: Mapping[int, int]) -> Collection[int]:
        added = [{"number": number, "added": each} for number, each in frauds.items()]
        return [row["number"] for row in await self._transaction.run(_BLAME, tenant_id, frauds=added)]

    async def doubt(self, tenant_id: str, around: Collection[int], hops: int) -> None:
        reached = found = set(around)
        for hop in range(hops):
            rows = await self._transaction.run(
                _AROUND, tenant_id, entities=sorted(reached), is_first=hop == 0, most=HUB_DEGREE
            )
            reached = {row["other"] for row in rows} - found
            found = found | reached
        await self._transaction.run(_DOUBT, tenant_id, entities=sorted(found))

    async def doubted(self, tenant_id: str, most: int) -> Collection[int]:
        return [row["number"] for row in await self._transaction.run(_DOUBTED, tenant_id, most=most)]

    async def frauds_near(self, tenant_id: str, entities: Collection[int]) -> Mapping[int, int]:
        rows = await self._transaction.run(_NEAR, tenant_id, entities=list(entities), most=HUB_DEGREE)
        return dict.fromkeys(entities, 0) | {row["number"]: row["frauds"] for row in rows}

    async def settle(self, tenant_id: str, near: Mapping[int, int]) -> None:
        counts = [{"number": number, "frauds": frauds} for number, frauds in near.items()]
        await self._transaction.run(_SETTLE, tenant_id, near=counts)


def _known_to_map(known: KnownEvent) -> Mapping[str, Any]:
    time, entities = time_to_micros(known.time), list(known.entities)
    return {"decision": str(known.decision_id), "time": time, "entities": entities}
