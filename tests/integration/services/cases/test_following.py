"""Alerts follow the decisions exactly once in effect, whatever happens to the stream, to fraud or to the process."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from rampart.fraud.v1 import event_pb2

from meshkit.following import consumer as consumer_module
from meshkit.following.consumer import Consumer
from meshkit.following.decisions import StreamedBatches
from meshkit.storage import postgres
from meshkit.storage.event_stream import RedisStream
from meshkit.storage.leader import Leader
from meshkit.storage.redis import open_redis
from services.cases.adapters.postgres_follower import PostgresCaseFollower
from services.cases.convert import event_of_fraud_from_proto
from services.cases.domain.events import EventOfFraud
from services.cases.ports import CaseFollowing
from services.cases.service.raising import AlertRaising
from services.cases.service.recovering import PlaceRecovery
from services.cases.service.telling import CASES_WATCH
from services.fraud.adapters.decided_events import DecidedEvents
from services.fraud.adapters.outbox_reader import OutboxReader
from services.fraud.adapters.outbox_relay import OutboxRelay
from services.fraud.adapters.postgres_retention import PostgresOldDecisions
from tests.integration.conftest import FreshDatabase
from tests.support.outbox import (
    TENANT,
    DirectDecisions,
    DirectOutbox,
    OutboxWriter,
    event,
    leader_elected,
    outbox_writer,
)
from tests.support.servers import Database

_KILL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'rampart alerts'"""


def scored(name: str, **changes: object) -> bytes:
    return event(name, confidence_score=0.97, user_id="user-1", **changes).SerializeToString()


@dataclass
class FollowedAlerts:
    """A fraud service's outbox and the alerts of its decisions, with what runs between them."""

    fraud: Database
    cases: Database
    stream: RedisStream
    outbox: DirectOutbox[EventOfFraud]
    decisions: DirectDecisions[EventOfFraud]
    writer: OutboxWriter
    superuser: Any
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start_relay(self) -> None:
        self.tasks.append(asyncio.create_task(OutboxRelay(self.fraud.relay_dsn, self.stream).run()))
        await leader_elected(self.fraud)

    def start_consumer(self) -> asyncio.Task[None]:
        batches = StreamedBatches[EventOfFraud](self.stream, event_of_fraud_from_proto)
        consumer: Consumer[EventOfFraud, CaseFollowing] = Consumer(
            batches, self.outbox, PlaceRecovery(self.decisions), CASES_WATCH
        )
        take = AlertRaising(lambda: datetime.now(UTC)).take
        work = Leader(self.cases.dsn, "alerts", lambda s: consumer.follow(PostgresCaseFollower(s, take))).run()
        task = asyncio.create_task(work)
        self.tasks.append(task)
        return task

    async def counts(self) -> tuple[int, int, int]:
        """Returns alerts, what they count, and the transactions that are kept."""
        query = (
            "SELECT count(*), coalesce(sum(count), 0)::bigint, (SELECT count(*) FROM alert_transactions) FROM alerts"
        )
        row = await self.superuser.fetchrow(query)
        return row[0], row[1], row[2]

    async def follows(self, *wanted: int, seconds: float = 15.0) -> None:
        async with asyncio.timeout(seconds):
            while await self.counts() != wanted:
                await asyncio.sleep(0.02)


@pytest.fixture
async def followed(fresh_database: FreshDatabase, valkey_url: str) -> AsyncIterator[FollowedAlerts]:
    fraud, cases = fresh_database("fraud"), fresh_database("cases")
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(valkey_url, timeout=3.0))
        relay, service = await postgres.open_pool(fraud.relay_dsn), await postgres.open_pool(fraud.dsn)
        cleaner = await postgres.open_pool(fraud.server.dsn(fraud.name, "rampart_fraud_cleaner"))
        superuser = await asyncpg.connect(cases.server.dsn(cases.name, "postgres"), timeout=5)
        for each in (relay, service, cleaner, superuser):
            stack.push_async_callback(each.close)
        decided = DecidedEvents(relay=relay, service=service, tenants=PostgresOldDecisions(cleaner, 400))
        writer = await stack.enter_async_context(outbox_writer(fraud))
        read = event_of_fraud_from_proto
        outbox = DirectOutbox[EventOfFraud](OutboxReader(relay), read, "cases")
        stream = RedisStream(redis, f"events:{uuid.uuid4()}")
        found = FollowedAlerts(fraud, cases, stream, outbox, DirectDecisions(decided, read), writer, superuser)
        yield found
        for task in found.tasks:
            task.cancel()
        await asyncio.gather(*found.tasks, return_exceptions=True)
        await redis.delete(stream.key)


async def test_each_decision_counts_once_however_often_the_leader_is_killed(followed: FollowedAlerts) -> None:
    await followed.start_relay()
    followed.start_consumer()
    killed = 0
    for number in range(40):
        await followed.writer.write_payloads([scored(f"t{number:02}-{each}") for each in range(2)])
        if number % 8 == 3:
            killed += len(await followed.superuser.fetch(_KILL))
        if number % 16 == 7:
            followed.tasks.pop().cancel()
            followed.start_consumer()
    await followed.follows(1, 80, 80)
    assert killed
    cases = await followed.superuser.fetch("SELECT transaction_count FROM cases")
    assert [row[0] for row in cases] == [80]


async def test_a_late_commit_raises_its_alert_and_labels_are_noted(followed: FollowedAlerts) -> None:
    await followed.start_relay()
    followed.start_consumer()
    async with outbox_writer(followed.fraud) as other:
        async with followed.writer.transaction():
            await followed.writer.insert_payloads([scored("slow")])
            await other.write_payloads([scored("fast"), event("low", confidence_score=0.94).SerializeToString()])
            await asyncio.sleep(0.6)
            assert await followed.counts() == (0, 0, 0)
        await followed.follows(1, 2, 2)
    label = event_pb2.DecisionEvent(tenant_id=TENANT, transaction_id="slow", event_type="label.recorded")
    label.label.label = "fraud"
    label.label.known_time.FromDatetime(datetime.now(UTC))
    asked = event_pb2.DecisionEvent(tenant_id=TENANT, event_type="alert.asked")
    asked.alert.cause, asked.alert.subject, asked.alert.words = "breaker", "cards", "Too many declines."
    asked.create_time.FromDatetime(datetime.now(UTC))
    bad = event_pb2.DecisionEvent(tenant_id="nobody", event_type="alert.asked")
    payloads = [each.SerializeToString() for each in (label, asked, bad)]
    await followed.writer.write_payloads(payloads)
    await followed.follows(2, 3, 2)
    labels = await followed.superuser.fetch("SELECT transaction_id FROM alert_transactions WHERE label = 'fraud'")
    assert [row[0] for row in labels] == ["slow"]
    assert await followed.superuser.fetchval("SELECT count(*) FROM dead_letters") == 1
    assert await followed.superuser.fetchval("SELECT case_id FROM alerts WHERE cause = 'breaker'") is None


async def test_a_service_that_is_added_later_begins_with_what_comes(
    followed: FollowedAlerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wait in ("STREAM_WAIT", "RETRY_SECONDS", "RECOVERY_CHECK_SECONDS"):
        monkeypatch.setattr(consumer_module, wait, 0.1)
    await followed.writer.write_payloads([scored("long ago")])
    owner = await asyncpg.connect(followed.fraud.server.dsn(followed.fraud.name, "postgres"), timeout=5)
    try:
        await owner.execute("UPDATE outbox_pruned SET (xid, seq) = (SELECT xid, seq FROM outbox); DELETE FROM outbox")
    finally:
        await owner.close()
    followed.start_consumer()
    async with asyncio.timeout(10):
        while await followed.superuser.fetchval("SELECT xid::text FROM positions") == "0":
            await asyncio.sleep(0.02)
    await followed.writer.write_payloads([scored("now")])
    await followed.follows(1, 1, 1)
