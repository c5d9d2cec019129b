"""Reads what the graph is made of: the outbox, and the decisions and labels that it tells of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import asyncpg

from meshkit.storage.postgres import Pool, connected, transaction
from services.fraud.adapters.outbox_reader import CLUSTER, OutboxReader
from services.fraud.adapters.outbox_rows import newest_place
from services.fraud.convert import fields_from_record, told_of_graph_from_record
from services.fraud.domain.graph.batch import GraphEvent
from services.fraud.domain.outbox import Place, PlaceProof
from services.fraud.ports.graph import GraphPage

__all__ = ["PostgresGraphEvents"]

ROWS = 1_000
# Labels are known by the service's clock, which may be ahead of this one: what is stored is known.
_FRAUD = """coalesce((
    SELECT l.label IN ('fraud', 'chargeback') FROM labels l
    WHERE l.tenant_id = d.tenant_id AND l.transaction_id = d.transaction_id AND NOT l.refused
        AND l.known_time >= d.event_time
    ORDER BY l.known_time DESC, l.number DESC LIMIT 1
), false) AS is_fraud"""
_OF = f"""
SELECT d.decision_id, d.event_type, d.event_time, d.event, {_FRAUD} FROM decisions d
WHERE d.tenant_id = $1 AND d.decision_id = ANY ($2::uuid[])"""
_STORED = f"""
SELECT d.decision_id, d.event_type, d.event_time, d.event, {_FRAUD} FROM decisions d
WHERE d.tenant_id = $1 AND d.decision_id > $2 AND d.decision_id <= $3 ORDER BY d.decision_id LIMIT $4"""


@dataclass
class _Told:
    """The decisions of a tenant that a page tells of: those that are new, and those of which a label is."""

    decided: dict[UUID, None] = field(default_factory=dict)
    labelled: dict[UUID, None] = field(default_factory=dict)


class PostgresGraphEvents:
    """Implements `GraphEvents`: the outbox is read by the relay's role, the rest by the service's."""

    def __init__(self, relay: Pool, service: Pool, *, rows: int = ROWS) -> None:
        self._relay = relay
        self._outbox = OutboxReader(relay)
        self._service = service
        self._rows = rows

    async def newest(self) -> tuple[Place, PlaceProof]:
        async with connected(self._relay) as connection:
            place, _ = await newest_place(connection)
            cluster: str = await connection.fetchval(f"SELECT {CLUSTER}")
        return place, PlaceProof(cluster)

    async def follow(self, after: Place, proof: PlaceProof, tenants: Collection[str]) -> GraphPage:
        began = datetime.now(UTC)
        page = await self._outbox.peek(after, self._rows, proof)
        found: Mapping[str, _Told] = defaultdict(_Told)
        told = [told_of_graph_from_record(each) for each in page.events]
        for each in told:
            if each.decision_id is not None and each.tenant_id in tenants:
                own = found[each.tenant_id]
                (own.labelled if each.is_label else own.decided)[each.decision_id] = None
        more = len(page.events) >= self._rows
        return GraphPage(
            {tenant: await self._events(tenant, each) for tenant, each in found.items()},
            page.last,
            PlaceProof(page.cluster, sha256(page.events[-1]).digest()) if page.events else proof,
            told[-1].create_time if more else began,
            more,
        )

    async def stored(self, tenant_id: str, after: UUID, until: UUID, most: int) -> Sequence[GraphEvent]:
        async with transaction(self._service, [tenant_id]) as connection:
            rows = await connection.fetch(_STORED, tenant_id, after, until, most)
        return [_event(row, is_new=True) for row in rows]

    async def _events(self, tenant_id: str, told: _Told) -> Sequence[GraphEvent]:
        async with transaction(self._service, [tenant_id]) as connection:
            rows = await connection.fetch(_OF, tenant_id, [*told.decided, *(told.labelled.keys() - told.decided)])
        by_id = {UUID(int=row["decision_id"].int): row for row in rows}
        new = [_event(by_id[each], is_new=True) for each in told.decided if each in by_id]
        rest = [_event(by_id[each], is_new=False) for each in told.labelled if each in by_id]
        return [*new, *(each for each in rest if each.decision_id not in told.decided)]


def _event(row: asyncpg.Record, *, is_new: bool) -> GraphEvent:
    return GraphEvent(
        UUID(int=row["decision_id"].int),
        row["event_type"],
        fields_from_record(row["event"]),
        row["event_time"],
        row["is_fraud"],
        is_new,
    )
