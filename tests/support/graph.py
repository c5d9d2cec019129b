"""Graphs for tests of the fraud service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from meshkit.ids import uuid7
from services.fraud.domain.event import FieldValue, Money
from services.fraud.domain.event_types import BUILT_IN, EventType, Field, FieldType
from services.fraud.domain.graph.batch import GraphEvent, sum_up
from services.fraud.domain.graph.entities import EntityName, EntitySummary, entity_number
from services.fraud.domain.graph.links import EventLinks
from services.fraud.domain.outbox import Place, PlaceProof
from services.fraud.ports.graph import EntityRef, GraphPage, GraphReads, GraphStore
from services.fraud.service.graph.writing import GraphWriter

__all__ = ["LINKS", "START", "TRANSFER", "MemoryGraphEvents", "account", "enter", "payment", "read", "transfer"]

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
TRANSFER = EventType(
    "transfer",
    (
        Field("payer", FieldType.STRING, required=True, key=True, personal=True, entity="account"),
        Field("payee", FieldType.STRING, required=True, key=True, personal=True, entity="account"),
        Field("amount", FieldType.MONEY, required=True),
    ),
)
LINKS: Mapping[str, EventLinks] = {each.name: EventLinks(each) for each in (*BUILT_IN.values(), TRANSFER)}
"""Of the built-in event types, and of transfers from one account to another."""


def transfer(
    payer: str, payee: str, hours: float = 0.0, minor: int = 10_000, *, currency: str = "USD", **changed: Any
) -> GraphEvent:
    """Returns a transfer so many hours after `START`."""
    fields: dict[str, FieldValue] = {"payer": payer, "payee": payee, "amount": Money(minor, currency)}
    event = GraphEvent(uuid7(), "transfer", fields, START + timedelta(hours=hours), is_fraud=False)
    return event._replace(**changed)


def payment(user: str, hours: float = 0.0, *, fraud: bool = False, **keys: FieldValue) -> GraphEvent:
    """Returns a payment of a user with further keys; `fraud` says what is known of it."""
    fields: dict[str, FieldValue] = {"user_id": user, "amount": Money(500, "USD"), **keys}
    return GraphEvent(uuid7(), "payment", fields, START + timedelta(hours=hours), fraud)


def account(value: str) -> EntityName:
    return EntityName("account", value)


async def enter(store: GraphStore, tenant: str, *events: GraphEvent) -> None:
    """Enters events into the graph of a tenant, which is whole from the beginning, and finds out who is near fraud."""
    if tenant not in await store.reach():
        await store.begin_tenant(tenant, UUID(int=0), UUID(int=0))
        async with store.begin([tenant]) as changes:
            await changes.filled(tenant, UUID(int=0), UUID(int=0), whole=True)
    async with store.begin([tenant]) as changes:
        await GraphWriter(changes, tenant).write(sum_up(events, LINKS))
        doubted = await changes.doubted(tenant, 10_000)
        await changes.settle(tenant, await changes.frauds_near(tenant, doubted))


async def read(reads: GraphReads, tenant: str, *names: EntityName) -> list[EntitySummary | None]:
    """Returns what is kept of entities, in order."""
    refs = [EntityRef(tenant, entity_number(each)) for each in names]
    found = await reads.entities(refs)
    return [found.summaries.get(ref) for ref in refs]


class MemoryGraphEvents:
    """Implements `GraphEvents` on events that tests commit."""

    def __init__(self) -> None:
        self.committed: list[tuple[str, GraphEvent]] = []
        self.rows = 100
        self.lost = False

    def commit(self, tenant: str, *events: GraphEvent) -> None:
        self.committed += [(tenant, each) for each in events]

    async def newest(self) -> tuple[Place, PlaceProof]:
        return Place(1, len(self.committed)), PlaceProof("cluster")

    async def follow(self, after: Place, proof: PlaceProof, tenants: Iterable[str]) -> GraphPage:
        rows, wanted = self.committed[after.seq : after.seq + self.rows], set(tenants)
        found: dict[str, list[GraphEvent]] = {}
        for tenant, event in rows:
            if tenant in wanted:
                found.setdefault(tenant, []).append(event)
        last = Place(1, after.seq + len(rows))
        return GraphPage(found, last, proof, datetime.now(UTC), len(rows) == self.rows)

    async def stored(self, tenant_id: str, after: UUID, until: UUID, most: int) -> list[GraphEvent]:
        own = {each.decision_id: each._replace(is_new=True) for tenant, each in self.committed if tenant == tenant_id}
        return [own[each] for each in sorted(own) if after < each <= until][:most]
