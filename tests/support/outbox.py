"""Writes decisions into a real outbox, as the fraud service does, and reads them as other services do."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Generic, TypeAlias, TypeVar

import asyncpg
from rampart.fraud.v1 import event_pb2

from meshkit.errors import unavailable
from meshkit.following.batches import Batch, Cursor, DecidedPage, FollowedEvent, Position, Proof
from meshkit.following.decisions import ReadEvent, batch_from_proto, decided_page_from_proto
from meshkit.storage.event_stream import EventStream
from services.fraud.adapters.decided_events import DecidedEvents
from services.fraud.adapters.outbox_reader import OutboxReader
from services.fraud.convert import decided_page_to_proto, page_to_proto
from services.fraud.domain.outbox import OutboxPage, Place, PlaceProof
from tests.support.servers import Database

__all__ = [
    "TENANT",
    "DirectDecisions",
    "DirectOutbox",
    "OutboxWriter",
    "entries",
    "event",
    "leader_elected",
    "names",
    "outbox_writer",
]

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

Item = TypeVar("Item", bound=FollowedEvent)

TENANT = "0192f0c1-2d7a-7000-8000-000000000001"
_LEADERS = """
SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()"""
_INSERT = "INSERT INTO outbox (tenant_id, payload) SELECT $1::uuid, unnest($2::bytea[])"


def event(transaction_id: str, **changes: object) -> event_pb2.DecisionEvent:
    """Returns the event of an approved payment of 12.50 USD."""
    now = datetime.now(UTC)
    found = event_pb2.DecisionEvent(
        tenant_id=TENANT, decision_id=str(uuid.uuid4()), transaction_id=transaction_id, user_id="user-1",
        merchant_id="shop-1", amount_minor=1250, currency_digits=2, currency="USD", channel="online",
        outcome="approve", confidence_score=0.125, event_time=now, create_time=now,
    )  # fmt: skip
    found.MergeFrom(event_pb2.DecisionEvent(**changes))  # type: ignore[arg-type]
    return found


def names(batch: event_pb2.EventBatch | OutboxPage) -> list[str]:
    """Returns the transaction ids of a batch."""
    return [event_pb2.DecisionEvent.FromString(payload).transaction_id for payload in batch.events]


async def entries(stream: EventStream) -> list[event_pb2.EventBatch]:
    """Returns every entry of a stream."""
    found = await stream.read("0-0", limit=10_000, wait=0.05)
    return [event_pb2.EventBatch.FromString(entry.data) for entry in found]


async def leader_elected(database: Database) -> None:
    """Waits until a relay leads and has found its place in the stream."""
    session = await asyncpg.connect(database.relay_dsn, timeout=5)
    try:
        async with asyncio.timeout(10):
            while True:
                if await session.fetchval(_LEADERS):
                    break
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
    finally:
        await session.close(timeout=5)


class OutboxWriter:
    """A session of the fraud service's role."""

    def __init__(self, session: Connection) -> None:
        self._session = session

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Commits at the end of the block; what the block writes is uncommitted until then."""
        async with self._session.transaction():
            await self._session.execute(f"SET LOCAL rampart.tenants = '{TENANT}'")
            await self._session.execute("SELECT pg_current_xact_id()")
            yield

    async def insert(self, *transaction_ids: str) -> None:
        await self.insert_payloads([event(name).SerializeToString() for name in transaction_ids])

    async def insert_payloads(self, payloads: Sequence[bytes]) -> None:
        await self._session.execute(_INSERT, TENANT, payloads)

    async def write(self, *transaction_ids: str) -> None:
        """Writes rows and commits them."""
        async with self.transaction():
            await self.insert(*transaction_ids)

    async def write_payloads(self, payloads: Sequence[bytes]) -> None:
        async with self.transaction():
            await self.insert_payloads(payloads)


@asynccontextmanager
async def outbox_writer(database: Database) -> AsyncIterator[OutboxWriter]:
    session = await asyncpg.connect(database.dsn, timeout=5)
    try:
        yield OutboxWriter(session)
    finally:
        await session.close(timeout=5)


class DirectOutbox(Generic[Item]):
    """What a service reads over the mesh, without the mesh. `away` stands for a fraud service that is down."""

    def __init__(self, reader: OutboxReader, read: ReadEvent[Item], consumer: str = "data") -> None:
        self._reader = reader
        self._read = read
        self._consumer = consumer
        self.away = False
        self.asked: list[Position] = []

    async def read(self, after: Position, proof: Proof, limit: int) -> Batch[Item]:
        self.asked.append(after)
        if self.away:
            raise unavailable("fraud")
        page = await self._reader.read(self._consumer, Place(*after), limit, PlaceProof(*proof))
        return batch_from_proto(page_to_proto(page), self._read)


class DirectDecisions(Generic[Item]):
    """What a service reads of stored decisions over the mesh, without the mesh."""

    def __init__(self, decided: DecidedEvents, read: ReadEvent[Item]) -> None:
        self._decided = decided
        self._read = read
        self.most = 1_000
        """Bounds pages, so that a rebuild of a few decisions has many."""
        self.pause = 0.0
        self.asked: list[Cursor] = []

    async def read(self, after: Cursor, limit: int) -> DecidedPage[Item]:
        await asyncio.sleep(self.pause)
        self.asked.append(after)
        page = await self._decided.read((after.tenant_id, after.decision_id), min(limit, self.most))
        return decided_page_from_proto(decided_page_to_proto(page), self._read)
