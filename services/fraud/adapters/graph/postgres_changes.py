"""Changes graphs in PostgreSQL, on a connection with an open transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from meshkit.storage.postgres import Connection
from services.fraud.adapters.engine_revisions import hold, move
from services.fraud.adapters.graph.postgres_fraud import ENTITY, PostgresGraphFraud
from services.fraud.domain.event import Money
from services.fraud.domain.graph.batch import EdgeAddition, SeenEntity
from services.fraud.domain.graph.cycles import KnownTransfers
from services.fraud.domain.graph.entities import GoneEdge
from services.fraud.domain.graph.growth import SizeHistory, day_of, lone
from services.fraud.domain.outbox import Place, PlaceProof
from services.fraud.ports.graph import EdgeState, EntityCounts, EntityState

__all__ = ["PostgresGraphChanges"]

_PLACE = "SELECT xid, seq, cluster, event FROM graph_place FOR UPDATE"
_MOVE = """
INSERT INTO graph_place (xid, seq, cluster, event, reached) VALUES ($1::xid8, $2, $3, $4, $5)
ON CONFLICT (is_one) DO UPDATE SET xid = excluded.xid, seq = excluded.seq, cluster = excluded.cluster,
    event = excluded.event, reached = excluded.reached"""
_FILLED = """
UPDATE graph_tenants SET filled = $3, whole = $4 WHERE tenant_id = $1 AND filled = $2 AND NOT dropped RETURNING 1"""
_SEE = """
INSERT INTO graph_entities AS e (tenant_id, entity, kind, value, first_time, last_time, component)
SELECT $1, entity, kind, value, first_time, last_time, entity
FROM unnest($2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[])
    AS seen (entity, kind, value, first_time, last_time)
ON CONFLICT (tenant_id, entity) DO UPDATE
SET first_time = least(e.first_time, excluded.first_time), last_time = greatest(e.last_time, excluded.last_time)
RETURNING entity, component, degree, frauds, fraud_near > 0 OR doubted AS near"""
_LOOK = f"""
SELECT e.entity, e.component, e.degree, e.frauds, e.fraud_near > 0 OR e.doubted AS near
FROM unnest($2::bigint[]) AS asked (entity) {ENTITY.format(of="asked.entity", name="e")}"""
_LINK = """
INSERT INTO graph_edges AS e (
    tenant_id, source, target, is_transfer, first_time, last_time, events, currency, amount_minor, smallest_minor)
SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::boolean[], $5::timestamptz[], $6::timestamptz[], $7::integer[],
    $8::text[], $9::bigint[], $10::bigint[])
ON CONFLICT (tenant_id, source, target) DO UPDATE SET
    first_time = least(e.first_time, excluded.first_time), last_time = greatest(e.last_time, excluded.last_time),
    events = e.events + excluded.events,
    currency = CASE WHEN e.currency = '' THEN excluded.currency ELSE e.currency END,
    amount_minor = e.amount_minor
        + CASE WHEN e.currency IN ('', excluded.currency) THEN excluded.amount_minor ELSE 0 END,
    smallest_minor = CASE WHEN e.currency IN ('', excluded.currency)
        THEN least(e.smallest_minor, excluded.smallest_minor) ELSE e.smallest_minor END
RETURNING source, target, events, currency, smallest_minor, xmax = 0 AS is_new"""
_UNLINK = """
DELETE FROM graph_edges WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM graph_edges WHERE tenant_id = $1 AND last_time < $2
        AND (last_time AT TIME ZONE 'UTC')::date <= ($2::timestamptz AT TIME ZONE 'UTC')::date LIMIT $3
)) AND tenant_id = $1 RETURNING source, target, is_transfer"""
_REMOVE = f"""
WITH gone AS (
    DELETE FROM graph_entities WHERE tenant_id = $1 AND ctid = ANY (ARRAY(
        SELECT e.ctid FROM unnest($2::bigint[]) AS asked (entity) {ENTITY.format(of="asked.entity", name="e")}
        WHERE e.degree <= 0 AND e.frauds <= 0
    )) RETURNING component
)
UPDATE graph_components AS c SET size = greatest(c.size - gone.members, 1)
FROM (SELECT component, count(*)::integer AS members FROM gone GROUP BY component) AS gone
WHERE c.tenant_id = $1 AND c.component = gone.component"""
# One by one, by its key: joined with many, all of a tenant's might be read.
_COUNT = """
UPDATE graph_entities SET degree = degree + $3, fan_in = fan_in + $4, fan_out = fan_out + $5, cycles = cycles + $6,
    most_repeats = greatest(most_repeats, $7),
    smallest_minor = CASE WHEN smallest_currency IS NULL OR smallest_currency = $9
        THEN least(smallest_minor, $8) ELSE smallest_minor END,
    smallest_currency = coalesce(smallest_currency, $9)
WHERE tenant_id = $1 AND entity = $2"""
# Each by its key, whatever the statistics say of a tenant's rows.
_SIZES = """
SELECT asked.component, c.size, c.day, c.ends, e.first_time
FROM unnest($2::bigint[]) AS asked (component)
LEFT JOIN LATERAL (
    SELECT size, day, ends FROM graph_components WHERE tenant_id = $1 AND component = asked.component LIMIT 1
) AS c ON true
LEFT JOIN LATERAL (
    SELECT first_time FROM graph_entities WHERE tenant_id = $1 AND entity = asked.component LIMIT 1
) AS e ON true"""
_RELABEL = """
UPDATE graph_entities AS e SET component = m.new FROM unnest($2::bigint[], $3::bigint[]) AS m (old, new)
WHERE e.tenant_id = $1 AND e.component = m.old"""
_GONE = "DELETE FROM graph_components WHERE tenant_id = $1 AND component = ANY ($2::bigint[])"
# `ends` are rows of an array of two dimensions, which `unnest` would flatten.
_PUT_SIZE = """
INSERT INTO graph_components (tenant_id, component, size, day, ends) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, component) DO UPDATE SET size = excluded.size, day = excluded.day, ends = excluded.ends"""
_FILL = "UPDATE graph_components SET is_full = true WHERE tenant_id = $1 AND component = ANY ($2::bigint[])"
_TRANSFERS = """
SELECT asked.entity, t.source, t.first_time, t.last_time FROM unnest($2::bigint[]) AS asked (entity)
CROSS JOIN LATERAL (
    SELECT source, first_time, last_time FROM graph_edges
    WHERE tenant_id = $1 AND target = asked.entity AND last_time >= $3 AND is_transfer
    ORDER BY last_time DESC LIMIT $4
) AS t"""


class PostgresGraphChanges(PostgresGraphFraud):
    """Implements `GraphChanges`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._connection = connection

    async def place(self) -> tuple[Place, PlaceProof] | None:
        row = await self._connection.fetchrow(_PLACE)
        return (Place(row["xid"], row["seq"]), PlaceProof(row["cluster"], row["event"])) if row else None

    async def move(self, last: Place, proof: PlaceProof, reached: datetime) -> None:
        await self._connection.execute(_MOVE, *last, *proof, reached)

    async def filled(self, tenant_id: str, before: UUID, reached: UUID, *, whole: bool) -> bool:
        if whole:
            await hold(self._connection, tenant_id)
        if await self._connection.fetchval(_FILLED, tenant_id, before, reached, whole) is None:
            return False
        if whole:
            await move(self._connection, tenant_id)
        return True

    async def see(self, tenant_id: str, seen: Sequence[SeenEntity]) -> Mapping[int, EntityState]:
        columns = [
            [each.number for each in seen],
            [each.name.kind for each in seen],
            [each.name.value for each in seen],
            [each.first_time for each in seen],
            [each.last_time for each in seen],
        ]
        rows = await self._connection.fetch(_SEE, tenant_id, *columns)
        return {entity: EntityState(*state) for entity, *state in rows}

    async def look(self, tenant_id: str, entities: Collection[int]) -> Mapping[int, EntityState]:
        rows = await self._connection.fetch(_LOOK, tenant_id, list(entities))
        return {entity: EntityState(*state) for entity, *state in rows}

    async def link(self, tenant_id: str, added: Sequence[EdgeAddition]) -> Sequence[EdgeState]:
        names = ("source", "target", "is_transfer", "first_time", "last_time", "events", "currency", "amount_minor",
                 "smallest_minor")  # fmt: skip
        columns = [[getattr(each, name) for each in added] for name in names]
        found = {
            (row["source"], row["target"]): row for row in await self._connection.fetch(_LINK, tenant_id, *columns)
        }
        states = []
        for each in added:
            row = found[each.source, each.target]
            smallest = None if row["smallest_minor"] is None else Money(row["smallest_minor"], row["currency"])
            states.append(EdgeState(row["is_new"], row["events"], smallest))
        return states

    async def unlink(self, tenant_id: str, before: datetime, most: int) -> Sequence[GoneEdge]:
        return [GoneEdge(*row) for row in await self._connection.fetch(_UNLINK, tenant_id, before, most)]

    async def remove(self, tenant_id: str, entities: Collection[int]) -> None:
        await self._connection.execute(_REMOVE, tenant_id, list(entities))

    async def count(self, tenant_id: str, counts: Mapping[int, EntityCounts]) -> None:
        rows = [
            (
                tenant_id,
                entity,
                *each[:5],
                *((each.smallest.minor, each.smallest.currency) if each.smallest else (None, None)),
            )
            for entity, each in counts.items()
        ]
        await self._connection.executemany(_COUNT, rows)

    async def sizes(self, tenant_id: str, components: Collection[int]) -> Mapping[int, SizeHistory]:
        rows = await self._connection.fetch(_SIZES, tenant_id, list(components))
        return {
            row["component"]: SizeHistory(row["size"], row["day"], tuple(row["ends"]))
            if row["size"] is not None
            else lone(day_of(row["first_time"]) if row["first_time"] is not None else 0)
            for row in rows
        }

    async def join(self, tenant_id: str, moved: Mapping[int, int], sizes: Mapping[int, SizeHistory]) -> None:
        await self._connection.execute(_RELABEL, tenant_id, list(moved), list(moved.values()))
        await self._connection.execute(_GONE, tenant_id, list(moved))
        rows = [(tenant_id, component, each.size, each.day, list(each.ends)) for component, each in sizes.items()]
        await self._connection.executemany(_PUT_SIZE, rows)

    async def fill(self, tenant_id: str, components: Collection[int]) -> None:
        await self._connection.execute(_FILL, tenant_id, list(components))

    async def transfers_to(
        self, tenant_id: str, targets: Collection[int], since: datetime, most: int
    ) -> Mapping[int, Sequence[KnownTransfers]]:
        found: dict[int, list[KnownTransfers]] = {}
        for row in await self._connection.fetch(_TRANSFERS, tenant_id, list(targets), since, most):
            transfers = KnownTransfers(row["source"], row["first_time"], row["last_time"])
            found.setdefault(row["entity"], []).append(transfers)
        return found
