"""Reads graphs in Neo4j."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from neo4j import AsyncDriver, Record

from services.fraud.adapters.graph.neo4j_driver import read
from services.fraud.adapters.graph.neo4j_schema import amount_from_parts, latest, time_from_micros
from services.fraud.domain.event import Money
from services.fraud.domain.graph.entities import EntityName, EntitySummary, GraphEdge
from services.fraud.domain.graph.growth import SizeHistory, day_of, lone
from services.fraud.ports.graph import EntityRef, ReadEntities

__all__ = ["Neo4jGraphReads"]

_ENTITIES = """
UNWIND $refs AS ref
OPTIONAL MATCH (p:RampartPlace {is_one: true})
OPTIONAL MATCH (t:RampartTenant {tenant: ref[0]})
OPTIONAL MATCH (e:RampartEntity {tenant: ref[0], number: ref[1]})
OPTIONAL MATCH (c:RampartComponent {tenant: ref[0], number: e.component})
RETURN ref, p.reached AS reached, coalesce(t.whole AND NOT t.dropped, false) AS whole,
    e.kind AS kind, e.value AS value, e.first AS first, e.last AS last, e.component AS component,
    c.size AS size, c.day AS day, c.ends AS ends, coalesce(c.is_full, false) AS is_full,
    e.degree AS degree, e.fan_in AS fan_in, e.fan_out AS fan_out, e.repeats AS repeats,
    e.smallest AS smallest, e.currency AS currency, e.cycles AS cycles, e.frauds AS frauds,
    e.fraud_near AS fraud_near"""
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
        rows = await read(self._driver, _ENTITIES, refs=[list(each) for each in refs])
        found = [(EntityRef(*row["ref"]), row) for row in rows]
        whole = {ref.tenant_id for ref, row in found if row["whole"]}
        return ReadEntities(
            {
                ref: _summary_from_row(ref.number, row)
                for ref, row in found
                if ref.tenant_id in whole and row["kind"] is not None
            },
            time_from_micros(rows[0]["reached"]) if rows and rows[0]["reached"] is not None else None,
            {each.tenant_id for each in refs} - whole,
        )

    async def edges(self, tenant_id: str, entities: Collection[int], most: int) -> Sequence[GraphEdge]:
        rows = await read(self._driver, _EDGES, tenant=tenant_id, entities=list(entities), most=most)
        return [_edge_from_row(row) for row in rows]


def _summary_from_row(number: int, row: Record) -> EntitySummary:
    first = time_from_micros(row["first"])
    has_size, smallest = row["size"] is not None, row["smallest"]
    return EntitySummary(
        number=number,
        name=EntityName(row["kind"], row["value"]),
        first_time=first,
        last_time=time_from_micros(row["last"]),
        component=row["component"],
        sizes=SizeHistory(row["size"], row["day"], tuple(row["ends"])) if has_size else lone(day_of(first)),
        is_full=row["is_full"],
        degree=row["degree"],
        fan_in=row["fan_in"],
        fan_out=row["fan_out"],
        most_repeats=row["repeats"],
        smallest_repeated=None if smallest is None else Money(smallest, row["currency"]),
        cycles=row["cycles"],
        frauds=row["frauds"],
        fraud_near=row["fraud_near"],
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
