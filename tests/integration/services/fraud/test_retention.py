"""Old decisions are deleted in slices by the cleaner's role, and nothing else is."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from rampart.task.v1 import task_service_pb2 as pb

from meshkit.context import SYSTEM_TENANT
from meshkit.errors import MeshError, unavailable
from meshkit.ids import uuid7
from meshkit.storage.postgres import Pool, connected, open_pool
from meshkit.tasks import LeasedTask, TaskFailure
from meshkit.tasks.leased import struct_of
from services.fraud.adapters import postgres_retention
from services.fraud.adapters.postgres_retention import PostgresOldDecisions, PostgresOldLabels
from services.fraud.service.retention import KIND, LIMITS, SCHEDULE, DecisionRetention
from tests.integration.conftest import FreshDatabase
from tests.support.certificates import Certificates
from tests.support.processes import Node
from tests.support.servers import Database
from tests.support.tasks import working


@pytest.fixture
def database(fresh_database: FreshDatabase) -> Database:
    return fresh_database("fraud")


@pytest.fixture
async def superuser(database: Database) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(database.server.dsn(database.name))
    yield connection
    await connection.close()


@pytest.fixture
async def cleaner(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(database.server.dsn(database.name, "rampart_fraud_cleaner"), size=2)
    yield pool
    await pool.close()


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_retention, "CHUNK", 4)


def nightly(cleaner: Pool) -> DecisionRetention:
    return DecisionRetention(PostgresOldDecisions(cleaner, 400), PostgresOldLabels(cleaner), pause=0)


def tenants(count: int) -> list[str]:
    return sorted(str(uuid7()) for _ in range(count))


def decision_id(age: timedelta) -> str:
    moment = int((datetime.now(UTC) - age).timestamp() * 1000)
    digits = f"{moment:012x}7{secrets.token_hex(2)[:3]}8{secrets.token_hex(8)[:15]}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


async def store(connection: Any, tenant: str, *days: float) -> None:
    """Stores a decision of each age in days."""
    for age in days:
        await connection.execute(
            """WITH named AS (
                INSERT INTO transactions (tenant_id, transaction_id, decision_id, fingerprint) VALUES ($1, $3, $2, '')
            )
            INSERT INTO decisions (tenant_id, decision_id, transaction_id, event_type, user_id, outcome, event_time,
                create_time, event, answer, inputs)
            VALUES ($1, $2, $3, 'payment', 'u', 'approve', $4, $4, '{}', '', '')""",
            tenant,
            decision_id(timedelta(days=age)),
            secrets.token_hex(8),
            datetime.now(UTC) - timedelta(days=age),
        )


async def ages(connection: Any, tenant: str) -> list[int]:
    """Returns the ages of the decisions, each of which has its transaction, and no other is there."""
    named = await connection.fetch("SELECT decision_id FROM transactions WHERE tenant_id = $1", tenant)
    stored = await connection.fetch("SELECT decision_id FROM decisions WHERE tenant_id = $1", tenant)
    assert set(named) == set(stored)
    rows = await connection.fetch(
        "SELECT round(extract(epoch FROM now() - create_time) / 86400)::int AS age FROM decisions WHERE tenant_id = $1"
        " ORDER BY age",
        tenant,
    )
    return [row["age"] for row in rows]


class Told(LeasedTask):
    """A task whose checkpoints are stored here."""

    def __init__(self, tenant: str = SYSTEM_TENANT, resumed: dict[str, object] | None = None) -> None:
        message = pb.LeasedTask(tenant_id=tenant, kind=KIND, lease_seconds=30, token=1)
        if resumed:
            message.checkpoint.CopyFrom(struct_of(resumed))
        super().__init__(message, 0.0)
        self.checkpoints: list[dict[str, object]] = []

    async def checkpoint(self, value: Any) -> None:
        self.checkpoints.append(dict(value))


@pytest.mark.usefixtures("slices")
async def test_decisions_older_than_their_tenants_retention_are_deleted(superuser: Any, cleaner: Pool) -> None:
    first, second, young = tenants(3)
    await store(superuser, first, 1, 100, 399, *[401 + n for n in range(9)])
    await store(superuser, second, 1, 100, 399, 401)
    await store(superuser, young, 1)
    await superuser.execute("INSERT INTO decision_retention VALUES ($1, 90)", second)
    task = Told()
    result = await nightly(cleaner).run(task)
    assert result == {"deleted": 12}
    assert await ages(superuser, first) == [1, 100, 399]
    assert await ages(superuser, second) == [1]
    assert await ages(superuser, young) == [1]
    assert task.checkpoints[-1] == {"tenant": young, "deleted": 12}


@pytest.mark.usefixtures("slices")
async def test_run_that_was_interrupted_goes_on_with_the_next_tenant(superuser: Any, cleaner: Pool) -> None:
    first, second = tenants(2)
    await store(superuser, first, 401)
    await store(superuser, second, 401)
    task = Told(resumed={"tenant": first, "deleted": 7})
    result = await nightly(cleaner).run(task)
    assert result == {"deleted": 8}
    assert (await ages(superuser, first), await ages(superuser, second)) == ([401], [])


async def test_what_the_outbox_still_tells_of_stays(superuser: Any, cleaner: Pool) -> None:
    (tenant,) = tenants(1)
    await store(superuser, tenant, 401, 450)
    await superuser.execute(
        "INSERT INTO outbox (tenant_id, payload, created_at) VALUES ($1, '', now() - interval '420 days')", tenant
    )
    decisions = PostgresOldDecisions(cleaner, 400)
    assert (await decisions.delete(tenant), await decisions.delete(tenant)) == (1, 0)
    assert await ages(superuser, tenant) == [401]


async def label(connection: Any, tenant: str, days: float, *, count: int = 1, decided: bool = False) -> None:
    """Stores labels of an age in days, each of a transaction of its own."""
    await connection.execute(
        """INSERT INTO labels (tenant_id, transaction_id, number, label_id, label, source, reason, known_time,
            decision_id, created_by, create_time)
        SELECT $1, gen_random_uuid()::text, 1, gen_random_uuid(), 'fraud', 'analyst', '', $2, $3, 'alice', $2
        FROM generate_series(1, $4)""",
        tenant,
        datetime.now(UTC) - timedelta(days=days),
        decision_id(timedelta(days=days)) if decided else None,
        count,
    )


@pytest.mark.usefixtures("slices")
async def test_labels_that_waited_for_90_days_are_deleted_in_slices_and_no_others(
    superuser: Any, cleaner: Pool
) -> None:
    first, second = tenants(2)
    await label(superuser, first, 91, count=9)
    await label(superuser, first, 91, decided=True)
    await label(superuser, second, 91)
    await label(superuser, second, 89)
    old = PostgresOldLabels(cleaner)
    assert [await old.delete() for _ in range(4)] == [4, 4, 2, 0]
    rows = await superuser.fetch("SELECT tenant_id, decision_id IS NULL AS waits FROM labels ORDER BY create_time")
    assert [(str(row["tenant_id"]), row["waits"]) for row in rows] == [(first, False), (second, True)]


async def test_files_of_labels_are_deleted_after_30_days_with_what_was_refused_of_them(
    superuser: Any, cleaner: Pool
) -> None:
    (tenant,) = tenants(1)
    for days in (31, 29):
        await superuser.execute(
            """WITH file AS (
                INSERT INTO label_imports (tenant_id, import_id, task_id, data, rows, created_by, create_time)
                VALUES ($1, gen_random_uuid(), gen_random_uuid(), '', 1, 'alice', $2) RETURNING import_id
            )
            INSERT INTO label_import_errors SELECT $1, import_id, 2, 'label', 'must be another' FROM file""",
            tenant,
            datetime.now(UTC) - timedelta(days=days),
        )
    old = PostgresOldLabels(cleaner)
    assert (await old.delete(), await old.delete()) == (1, 0)
    for table in ("label_imports", "label_import_errors"):
        assert await superuser.fetchval(f"SELECT count(*) FROM {table}") == 1


async def test_old_labels_are_found_by_an_index(superuser: Any) -> None:
    await superuser.execute("SET enable_seqscan = off")
    lines = await superuser.fetch("EXPLAIN " + postgres_retention._DELETE_PENDING.replace("$1", "1000"))
    assert any("labels_pending_by_age" in line[0] for line in lines), lines


async def test_decisions_are_deleted_before_labels_that_cannot_be(superuser: Any, cleaner: Pool) -> None:
    (tenant,) = tenants(1)
    await store(superuser, tenant, 401)
    retention = DecisionRetention(PostgresOldDecisions(cleaner, 400), StuckLabels(), pause=0)
    with pytest.raises(MeshError):
        await retention.run(Told())
    assert await ages(superuser, tenant) == []


class StuckLabels:
    """Labels of which none can be deleted."""

    async def delete(self) -> int:
        raise unavailable("postgres")


async def test_nothing_that_windows_count_can_be_deleted_whatever_is_asked(superuser: Any, cleaner: Pool) -> None:
    (tenant,) = tenants(1)
    await store(superuser, tenant, 1, 30, 32)
    await PostgresOldDecisions(cleaner, 1).delete(tenant)
    async with connected(cleaner) as connection:
        await connection.execute("DELETE FROM decisions")
        await connection.execute("DELETE FROM transactions")
    assert await ages(superuser, tenant) == [1, 30]
    with pytest.raises(asyncpg.CheckViolationError):
        await superuser.execute("INSERT INTO decision_retention VALUES ($1, 30)", tenant)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT answer FROM decisions",
        "SELECT event FROM decisions",
        "SELECT fingerprint FROM transactions",
        "SELECT payload FROM outbox",
        "DELETE FROM outbox",
    ],
)
async def test_cleaner_sees_nothing_of_what_decisions_say(cleaner: Pool, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with connected(cleaner) as connection:
            await connection.execute(statement)


async def test_task_of_a_tenant_deletes_nothing(superuser: Any, cleaner: Pool) -> None:
    (tenant,) = tenants(1)
    await store(superuser, tenant, 401)
    with pytest.raises(TaskFailure) as caught:
        await nightly(cleaner).run(Told(tenant))
    assert not caught.value.retryable
    assert await ages(superuser, tenant) == [401]


async def test_schedule_exists_once_per_deployment_and_runs_the_deletion(
    superuser: Any, cleaner: Pool, task: Node, certificates: Certificates, databases: dict[str, Database]
) -> None:
    (tenant,) = tenants(1)
    await store(superuser, tenant, 401)
    retention = nightly(cleaner)
    options = {"limits": {KIND: LIMITS}, "schedules": [SCHEDULE]}
    identity = certificates.identity("service/fraud")
    tasks = await asyncpg.connect(databases["task"].server.dsn(databases["task"].name))
    try:
        async with (
            working(task.address, identity, {KIND: retention.run}, **options),
            working(task.address, identity, {KIND: retention.run}, **options),
        ):
            await until(tasks, "SELECT count(*) = 1 FROM schedules WHERE schedule_id = $1", KIND)
            await tasks.execute(
                "UPDATE schedules SET next_run_at = now() - interval '3 days' WHERE schedule_id = $1", KIND
            )
            await until(tasks, "SELECT count(*) = 1 FROM tasks WHERE kind = $1 AND state = 'succeeded'", KIND)
    finally:
        await tasks.close()
    assert await ages(superuser, tenant) == []


async def until(connection: Any, question: str, *parameters: object) -> None:
    async with asyncio.timeout(10):
        while not await connection.fetchval(question, *parameters):
            await asyncio.sleep(0.05)
