"""Reads graphs in Neo4j."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from neo4j import AsyncDriver, Record

from services.fraud.adapters.graph.neo4j_driver import read
from services.fraud.adapters.graph.neo4j_schema import amount_from_parts, latest, time_from_micros
from services.fraud.domain.event import Money
from services.fraud.domain.graph.entities import EntityName, EntitySummary, GraphEdge
from services.fraud.domain.graph.growth import SizeHistory, day_of, lone
from services.fraud.ports.graph import EntityRef, ReadEntities

__all__ = ["Neo4jGraphReads"]

# One record of all: a record of each takes the driver as long again.
_ENTITIES = """
UNWIND $refs AS ref
OPTIONAL MATCH (p:RampartPlace {is_one: true})
OPTIONAL MATCH (t:RampartTenant {tenant: ref[0]})
OPTIONAL MATCH (e:RampartEntity {tenant: ref[0], number: ref[1]})
OPTIONAL MATCH (c:RampartComponent {tenant: ref[0], number: e.component})
RETURN p.reached AS reached, collect([
    ref[0], ref[1], coalesce(t.whole AND NOT t.dropped, false), e.kind, e.value, e.first, e.last,
    e.component, c.size, c.day, c.ends, coalesce(c.is_full, false), e.degree, e.fan_in, e.fan_out, e.repeats,
    e.smallest, e.currency, e.cycles, e.frauds, e.fraud_near
]) AS entities"""
_EDGES = f"""
UNWIND $entities AS number
{latest("number", "other")}
WITH DISTINCT other_link AS r
RETURN r.source AS source, r.target AS target, r.payee IS NOT NULL AS is_transfer, r.events AS events,
    r.currency AS currency, r.units AS units, r.rest AS rest, r.first AS first, r.last AS last
ORDER BY last DESC, source, target"""


class Neo4jGraphReads:
    """Implements `GraphReads`."""

    def __init__(self, driver: AsyncDriver) -> None:
        self._driver = driver

    async def entities(self, refs: Collection[EntityRef]) -> ReadEntities:
        found, reached = list[_Entity](), None
        for row in await read(self._driver, _ENTITIES, refs=[list(each) for each in refs]):
            reached, found = row["reached"], [_Entity(*each) for each in row["entities"]]
        whole = {each.tenant_id for each in found if each.is_whole}
        return ReadEntities(
            {
                EntityRef(each.tenant_id, each.number): _summary_from_entity(each)
                for each in found
                if each.is_whole and each.kind is not None
            },
            None if reached is None else time_from_micros(reached),
            {each.tenant_id for each in refs} - whole,
        )

    async def edges(self, tenant_id: str, entities: Collection[int], most: int) -> Sequence[GraphEdge]:
        rows = await read(self._driver, _EDGES, tenant=tenant_id, entities=list(entities), most=most)
        return [_edge_from_row(row) for row in rows]


class _Entity(NamedTuple):
    """What is read of an entity that may not be there, in order."""

    tenant_id: str
    number: int
    is_whole: bool
    kind: str | None
    value: str
    first: int
    last: int
    component: int
    size: int | None
    day: int
    ends: Sequence[int]
    is_full: bool
    degree: int
    fan_in: int
    fan_out: int
    repeats: int
    smallest: int | None
    currency: str
    cycles: int
    frauds: int
    fraud_near: int


def _summary_from_entity(entity: _Entity) -> EntitySummary:
    first, smallest = time_from_micros(entity.first), entity.smallest
    return EntitySummary(
        number=entity.number,
        name=EntityName(str(entity.kind), entity.value),
        first_time=first,
        last_time=time_from_micros(entity.last),
        component=entity.component,
        sizes=lone(day_of(first)) if entity.size is None else SizeHistory(entity.size, entity.day, tuple(entity.ends)),
        is_full=entity.is_full,
        degree=entity.degree,
        fan_in=entity.fan_in,
        fan_out=entity.fan_out,
        most_repeats=entity.repeats,
        smallest_repeated=None if smallest is None else Money(smallest, entity.currency),
        cycles=entity.cycles,
        frauds=entity.frauds,
        fraud_near=entity.fraud_near,
    )


def _edge_from_row(row: Record) -> GraphEdge:
    currency = row["currency"]
    return GraphEdge(
        row["source"],
        row["target"],
        row["is_transfer"],
        row["events"],
        Money(amount_from_parts(row["units"], row["rest"]), currency) if currency else None,
        time_from_micros(row["first"]),
        time_from_micros(row["last"]),
    )
