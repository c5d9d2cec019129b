"""What ended long ago is deleted with all that belongs to it, and nothing else is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from meshkit.ids import uuid7_text
from meshkit.storage import postgres
from meshkit.storage.postgres import Pool, transaction
from meshkit.storage.reads import Reads
from services.cases.adapters.postgres_changes import PostgresCaseWriter
from services.cases.adapters.postgres_reads import PostgresCaseReads
from services.cases.adapters.postgres_retention import EndedCaseRetention
from services.cases.adapters.postgres_tenants import PostgresTenantsWithCases
from services.cases.domain.alerts import AlertCause, AlertedEntity, RaisedFor
from services.cases.domain.cases import CaseDisposition
from services.cases.domain.jobs import JobAction, StoredJob
from services.cases.ports import AlertFilter, CaseFilter
from tests.integration.conftest import FreshDatabase
from tests.support.cases import CaseWorld

OF_CASES = (
    "cases",
    "alerts",
    "alert_transactions",
    "dropped_evidence",
    "case_notes",
    "case_attachments",
    "case_history",
)


class KeptCases:
    """Cases that ended at different times, in a database of their own."""

    def __init__(self, pool: Pool, superuser: Any) -> None:
        self.pool = pool
        self._superuser = superuser
        writer = PostgresCaseWriter(pool)
        self.world = CaseWorld(PostgresCaseReads(Reads(pool)), writer, PostgresTenantsWithCases(pool))

    async def ended(self, user: str, days: float) -> None:
        """Has a case with something in each table, which was closed so many days ago."""
        world = self.world
        world.now = datetime.now(UTC) - timedelta(days=days)
        for number in range(101):
            await world.decide(f"{user}-{number}", user_id=user)
        case_id = await self.case_of(user)
        async with world.writer.begin(world.tenant) as changes:
            await world.desk.note(changes, case_id, "ana", "Called.")
            await world.desk.attach(changes, case_id, "ana", "s3://b/1", "one", "text/plain", 1)
        await world.closing.close(world.tenant, case_id, "ana", CaseDisposition.INCONCLUSIVE, (), "")

    async def case_of(self, user: str) -> UUID:
        (found, *_), _ = await self.world.desk.page(self.world.tenant, CaseFilter(entity=user), None, 10)
        return UUID(found.case_id)

    async def rows(self) -> dict[str, int]:
        return {table: await self._superuser.fetchval(f"SELECT count(*) FROM {table}") for table in OF_CASES}

    async def delete(self, days: int) -> int:
        return await EndedCaseRetention(self.pool, days).delete()


@pytest.fixture
async def kept(fresh_database: FreshDatabase) -> AsyncIterator[KeptCases]:
    database = fresh_database("cases")
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(postgres.pool(database.dsn))
        superuser = await asyncpg.connect(database.server.dsn(database.name, "postgres"), timeout=5)
        stack.push_async_callback(superuser.close)
        yield KeptCases(pool, superuser)


async def test_a_case_is_deleted_with_all_that_belongs_to_it_after_its_time(kept: KeptCases) -> None:
    await kept.ended("recent", 39)
    before = await kept.rows()
    assert 0 not in before.values()
    await kept.ended("old", 41)
    kept.world.now = datetime.now(UTC) - timedelta(days=60)
    await kept.world.decide("open", user_id="open")
    opened = {"cases": 1, "alerts": 1, "alert_transactions": 1, "case_history": 2}
    assert await kept.delete(40) == 1
    assert await kept.rows() == {table: count + opened.get(table, 0) for table, count in before.items()}
    assert await kept.delete(40) == 0


async def test_nothing_is_deleted_before_the_least_time_or_in_another_way(kept: KeptCases) -> None:
    await kept.ended("recent", 30)
    await kept.ended("old", 32)
    before = await kept.rows()
    async with transaction(kept.pool, [kept.world.tenant]) as connection:
        for table in ("cases", "alerts"):
            assert await connection.execute(f"DELETE FROM {table}") == "DELETE 0"
    for table in ("case_history", "case_notes"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with transaction(kept.pool, [kept.world.tenant]) as connection:
                await connection.execute(f"DELETE FROM {table}")
    assert await kept.rows() == before
    assert await kept.delete(1) == 1
    assert (await kept.rows())["cases"] == 1


async def test_ended_alerts_without_a_case_and_old_jobs_are_deleted(kept: KeptCases) -> None:
    world = kept.world
    for name, days in (("old", 50), ("live", 50), ("recent", 5)):
        world.now = datetime.now(UTC) - timedelta(days=days)
        raised_for = RaisedFor(AlertedEntity("scenario", name), AlertCause.BREAKER)
        async with world.writer.begin(world.tenant) as changes:
            await world.raising.ask(changes, raised_for, world.now, "Too many declines.")
            job = StoredJob(
                job_id=uuid7_text(), task_id=uuid7_text(), action=JobAction.CLOSE, argument="", items=(),
                created_by="ana", created_at=world.now,
            )  # fmt: skip
            await changes.add_job(job)
        (alert,), _ = await world.alerts.page(world.tenant, AlertFilter(entity=name), None, 10)
        if name != "live":
            await world.alerts.dismiss(world.tenant, UUID(alert.alert_id), "ana", "", "")
    assert await kept.delete(31) == 3
    left, _ = await world.alerts.page(world.tenant, AlertFilter(), None, 10)
    assert {each.raised_for.entity.value for each in left} == {"live", "recent"}
