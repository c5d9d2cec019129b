"""Changes graphs in Neo4j, in an open transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.fraud.adapters.graph.neo4j_driver import GraphTransaction
from services.fraud.adapters.graph.neo4j_fraud import Neo4jGraphFraud
from services.fraud.adapters.graph.neo4j_schema import amount_to_parts, time_from_micros, time_to_micros
from services.fraud.domain.event import Money
from services.fraud.domain.graph.batch import EdgeAddition, SeenEntity
from services.fraud.domain.graph.cycles import KnownTransfers
from services.fraud.domain.graph.entities import GoneEdge
from services.fraud.domain.graph.growth import SizeHistory, day_of, lone
from services.fraud.domain.outbox import Place, PlaceProof
from services.fraud.ports.graph import EdgeState, EntityCounts, EntityState

__all__ = ["Neo4jGraphChanges"]

# Two statements: what is read with the lock may have been read before it.
_HOLD_PLACE = "MATCH (p:RampartPlace {is_one: true}) SET p.held = true"
_PLACE = "MATCH (p:RampartPlace {is_one: true}) RETURN p.xid, p.seq, p.cluster, p.event"
_MOVE = """
MERGE (p:RampartPlace {is_one: true})
SET p.xid = $xid, p.seq = $seq, p.cluster = $cluster, p.event = $event, p.reached = $reached"""
_FILLED = """
MATCH (t:RampartTenant {tenant: $tenant}) WHERE t.filled = $before AND NOT t.dropped
SET t.filled = $reached, t.whole = $whole
RETURN true"""
_STATE = """
RETURN e.number AS number, e.component AS component, e.degree AS degree, e.frauds AS frauds,
    e.fraud_near > 0 OR e.doubted IS NOT NULL AS near"""
_SEE = f"""
UNWIND $seen AS each
MERGE (e:RampartEntity {{tenant: $tenant, number: each.number}})
ON CREATE SET e.kind = each.kind, e.value = each.value, e.first = each.first, e.last = each.last,
    e.component = each.number, e.degree = 0, e.fan_in = 0, e.fan_out = 0, e.repeats = 0, e.cycles = 0,
    e.frauds = 0, e.fraud_near = 0
ON MATCH SET e.first = CASE WHEN each.first < e.first THEN each.first ELSE e.first END,
    e.last = CASE WHEN each.last > e.last THEN each.last ELSE e.last END
{_STATE}"""
_LOOK = f"""
UNWIND $entities AS number
MATCH (e:RampartEntity {{tenant: $tenant, number: number}})
{_STATE}"""
_LINK = """
UNWIND $added AS each
MATCH (source:RampartEntity {tenant: $tenant, number: each.source})
MATCH (target:RampartEntity {tenant: $tenant, number: each.target})
MERGE (source)-[r:RAMPART_LINK]->(target)
ON CREATE SET r.tenant = $tenant, r.source = each.source, r.target = each.target, r.payee = each.payee,
    r.first = each.first, r.last = each.last, r.events = 0, r.currency = '', r.units = 0, r.rest = 0
WITH r, each, r.events = 0 AS is_new, r.currency IN ['', each.currency] AS fits
SET r.events = r.events + each.events,
    r.first = CASE WHEN each.first < r.first THEN each.first ELSE r.first END,
    r.last = CASE WHEN each.last > r.last THEN each.last ELSE r.last END,
    r.currency = CASE WHEN fits THEN each.currency ELSE r.currency END,
    r.units = r.units + CASE WHEN fits THEN each.units ELSE 0 END,
    r.rest = r.rest + CASE WHEN fits THEN each.rest ELSE 0 END,
    r.smallest = CASE WHEN fits AND (r.smallest IS NULL OR each.smallest < r.smallest)
        THEN each.smallest ELSE r.smallest END
RETURN r.source AS source, r.target AS target, is_new, r.events AS events, r.currency AS currency,
    r.smallest AS smallest"""
_UNLINK = """
MATCH ()-[r:RAMPART_LINK]->() USING INDEX r:RAMPART_LINK(tenant, last)
WHERE r.tenant = $tenant AND r.last < $before
WITH r, r.source AS source, r.target AS target, r.payee IS NOT NULL AS is_transfer LIMIT $most
DELETE r
RETURN source, target, is_transfer"""
_REMOVE = """
UNWIND $entities AS number
MATCH (e:RampartEntity {tenant: $tenant, number: number}) WHERE e.degree <= 0 AND e.frauds <= 0
WITH e, e.component AS component
DETACH DELETE e
WITH component, count(*) AS members
MATCH (c:RampartComponent {tenant: $tenant, number: component})
SET c.size = CASE WHEN c.size > members THEN c.size - members ELSE 1 END"""
_COUNT = """
UNWIND $counts AS each
MATCH (e:RampartEntity {tenant: $tenant, number: each.number})
SET e.degree = e.degree + each.degree, e.fan_in = e.fan_in + each.fan_in, e.fan_out = e.fan_out + each.fan_out,
    e.cycles = e.cycles + each.cycles,
    e.repeats = CASE WHEN each.repeats > e.repeats THEN each.repeats ELSE e.repeats END,
    e.smallest = CASE
        WHEN e.smallest IS NULL OR (each.currency = e.currency AND each.smallest < e.smallest) THEN each.smallest
        ELSE e.smallest END,
    e.currency = coalesce(e.currency, each.currency)"""
_SIZES = """
UNWIND $components AS number
OPTIONAL MATCH (c:RampartComponent {tenant: $tenant, number: number})
OPTIONAL MATCH (e:RampartEntity {tenant: $tenant, number: number})
RETURN number, c.size AS size, c.day AS day, c.ends AS ends, e.first AS first"""
_RELABEL = """
UNWIND $moved AS each
MATCH (e:RampartEntity {tenant: $tenant, component: each.old}) SET e.component = each.new"""
_GONE = "UNWIND $gone AS number MATCH (c:RampartComponent {tenant: $tenant, number: number}) DELETE c"
_PUT_SIZES = """
UNWIND $sizes AS each
MERGE (c:RampartComponent {tenant: $tenant, number: each.number})
SET c.size = each.size, c.day = each.day, c.ends = each.ends"""
_FILL = "UNWIND $full AS number MATCH (c:RampartComponent {tenant: $tenant, number: number}) SET c.is_full = true"
# By all keys of the index, as in `latest`.
_TRANSFERS = """
UNWIND $targets AS target
CALL (target) {
    MATCH ()-[r:RAMPART_LINK]->() USING INDEX r:RAMPART_LINK(tenant, payee, last)
    WHERE r.tenant = $tenant AND r.payee = target AND r.last >= $since
    RETURN r ORDER BY r.tenant DESC, r.payee DESC, r.last DESC LIMIT $most
}
RETURN target, r.source AS source, r.first AS first, r.last AS last"""


class Neo4jGraphChanges(Neo4jGraphFraud):
    """Implements `GraphChanges`."""

    def __init__(self, transaction: GraphTransaction) -> None:
        super().__init__(transaction)
        self._transaction = transaction

    async def place(self) -> tuple[Place, PlaceProof] | None:
        await self._transaction.run_on_none(_HOLD_PLACE)
        for xid, seq, cluster, event in await self._transaction.run_on_none(_PLACE):
            return Place(xid, seq), PlaceProof(cluster, event)
        return None

    async def move(self, last: Place, proof: PlaceProof, reached: datetime) -> None:
        known = {**last._asdict(), **proof._asdict(), "reached": time_to_micros(reached)}
        await self._transaction.run_on_none(_MOVE, **known)

    async def filled(self, tenant_id: str, before: UUID, reached: UUID, *, whole: bool) -> bool:
        return bool(
            await self._transaction.run(_FILLED, tenant_id, before=str(before), reached=str(reached), whole=whole)
        )

    async def see(self, tenant_id: str, seen: Sequence[SeenEntity]) -> Mapping[int, EntityState]:
        rows = await self._transaction.run(_SEE, tenant_id, seen=[_seen_to_map(each) for each in seen])
        return {number: EntityState(*state) for number, *state in rows}

    async def look(self, tenant_id: str, entities: Collection[int]) -> Mapping[int, EntityState]:
        rows = await self._transaction.run(_LOOK, tenant_id, entities=list(entities))
        return {number: EntityState(*state) for number, *state in rows}

    async def link(self, tenant_id: str, added: Sequence[EdgeAddition]) -> Sequence[EdgeState]:
        rows = await self._transaction.run(_LINK, tenant_id, added=[_edge_to_map(each) for each in added])
        found = {
            (row["source"], row["target"]): EdgeState(
                row["is_new"],
                row["events"],
                None if row["smallest"] is None else Money(row["smallest"], row["currency"]),
            )
            for row in rows
        }
        return [found[each.source, each.target] for each in added]

    async def unlink(self, tenant_id: str, before: datetime, most: int) -> Sequence[GoneEdge]:
        rows = await self._transaction.run(_UNLINK, tenant_id, before=time_to_micros(before), most=most)
        return [GoneEdge(*row) for row in rows]

    async def remove(self, tenant_id: str, entities: Collection[int]) -> None:
        await self._transaction.run(_REMOVE, tenant_id, entities=list(entities))

    async def count(self, tenant_id: str, counts: Mapping[int, EntityCounts]) -> None:
        await self._transaction.run(
            _COUNT, tenant_id, counts=[_counts_to_map(number, each) for number, each in counts.items()]
        )

    async def sizes(self, tenant_id: str, components: Collection[int]) -> Mapping[int, SizeHistory]:
        rows = await self._transaction.run(_SIZES, tenant_id, components=list(components))
        return {
            row["number"]: SizeHistory(row["size"], row["day"], tuple(row["ends"]))
            if row["size"] is not None
            else lone(day_of(time_from_micros(row["first"] or 0)))
            for row in rows
        }

    async def join(self, tenant_id: str, moved: Mapping[int, int], sizes: Mapping[int, SizeHistory]) -> None:
        pairs = [{"old": old, "new": new} for old, new in moved.items()]
        await self._transaction.run(_RELABEL, tenant_id, moved=pairs)
        await self._transaction.run(_GONE, tenant_id, gone=list(moved))
        rows = [{"number": number, **each._asdict(), "ends": list(each.ends)} for number, each in sizes.items()]
        await self._transaction.run(_PUT_SIZES, tenant_id, sizes=rows)

    async def fill(self, tenant_id: str, components: Collection[int]) -> None:
        await self._transaction.run(_FILL, tenant_id, full=list(components))

    async def transfers_to(
        self, tenant_id: str, targets: Collection[int], since: datetime, most: int
    ) -> Mapping[int, Sequence[KnownTransfers]]:
        found: dict[int, list[KnownTransfers]] = {}
        for target, source, first, last in await self._transaction.run(
            _TRANSFERS, tenant_id, targets=list(targets), since=time_to_micros(since), most=most
        ):
            transfers = KnownTransfers(source, time_from_micros(first), time_from_micros(last))
            found.setdefault(target, []).append(transfers)
        return found


def _seen_to_map(seen: SeenEntity) -> Mapping[str, Any]:
    times = {"first": time_to_micros(seen.first_time), "last": time_to_micros(seen.last_time)}
    return {"number": seen.number, **seen.name._asdict(), **times}


def _edge_to_map(added: EdgeAddition) -> Mapping[str, Any]:
    units, rest = amount_to_parts(added.amount_minor)
    return {
        "source": added.source,
        "target": added.target,
        "payee": added.target if added.is_transfer else None,
        "first": time_to_micros(added.first_time),
        "last": time_to_micros(added.last_time),
        "events": added.events,
        "currency": added.currency,
        "units": units,
        "rest": rest,
        "smallest": added.smallest_minor,
    }


def _counts_to_map(number: int, counts: EntityCounts) -> Mapping[str, Any]:
    smallest = {"smallest": counts.smallest.minor, "currency": counts.smallest.currency} if counts.smallest else {}
    return {"number": number, **counts._asdict(), "smallest": None, "currency": None, **smallest}
