"""Jobs look at each alert and case once, by the same tests in memory and in PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from google.protobuf import json_format
from rampart.task.v1 import task_service_pb2

from meshkit.errors import MeshError, unavailable
from meshkit.ids import uuid7_text
from meshkit.storage import postgres
from meshkit.storage.reads import Reads
from meshkit.tasks import LeasedTask, TaskFailure, WorkState
from services.cases.adapters.memory import MemoryCaseRows, MemoryCaseWriter
from services.cases.adapters.memory_reads import MemoryCaseReads, MemoryTenantsWithCases
from services.cases.adapters.postgres_changes import PostgresCaseWriter
from services.cases.adapters.postgres_reads import PostgresCaseReads
from services.cases.adapters.postgres_tenants import PostgresTenantsWithCases
from services.cases.domain.alerts import AlertCause, AlertState
from services.cases.domain.cases import CaseDisposition
from services.cases.domain.jobs import JobAction, StoredJob
from services.cases.ports import AlertFilter, CaseFilter
from services.cases.service import jobs
from services.cases.service.jobs import CaseJobs, CaseJobWork
from tests.support.cases import CaseWorld
from tests.support.servers import Database
from tests.support.submitted import MemoryTasks


@pytest.fixture(params=["memory", "postgres"])
async def world(request: pytest.FixtureRequest, databases: dict[str, Database]) -> AsyncIterator[CaseWorld]:
    if request.param == "memory":
        rows = MemoryCaseRows()
        yield CaseWorld(MemoryCaseReads(rows), MemoryCaseWriter(rows), MemoryTenantsWithCases(rows))
        return
    async with postgres.pool(databases["cases"].dsn) as pool:
        yield CaseWorld(PostgresCaseReads(Reads(pool)), PostgresCaseWriter(pool), PostgresTenantsWithCases(pool))


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "ITEMS_AT_ONCE", 3)


async def create(world: CaseWorld, only: AlertFilter | CaseFilter, action: JobAction, argument: str = "") -> StoredJob:
    service = CaseJobs(world.reads, MemoryTasks(), lambda: world.now)
    items = await service.matching(world.tenant, only)
    async with world.writer.begin(world.tenant) as changes:
        made = await service.create(changes, "ana", action, argument, items)
    assert await service.get(world.tenant, UUID(made.job_id)) == (made, WorkState("pending"))
    return made


def task_of(world: CaseWorld, job_id: str) -> LeasedTask:
    message = task_service_pb2.LeasedTask(tenant_id=world.tenant, kind=jobs.JOB_KIND, lease_seconds=30, token=1)
    json_format.ParseDict({"job_id": job_id}, message.arguments)
    return LeasedTask(message, time.monotonic())


def work_of(world: CaseWorld) -> CaseJobWork:
    return CaseJobWork(world.reads, world.writer, world.alerts, world.desk, world.closing)


async def test_a_job_goes_on_where_it_was_interrupted(world: CaseWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        await world.decide(f"t{number}", user_id=f"user-{number}")
    made = await create(world, AlertFilter(state=AlertState.OPEN), JobAction.DISMISS, "Wrong rule.")
    first, *_ = made.items
    alert, _ = await world.alerts.get(world.tenant, UUID(first))
    await world.closing.close(world.tenant, UUID(alert.case_id), "ana", CaseDisposition.FRAUD, (), "")
    work, dismissed = work_of(world), world.alerts.dismiss_in
    left = 5

    async def failing(*arguments: object) -> object:
        nonlocal left
        left -= 1
        if left < 0:
            raise unavailable("postgres")
        return await dismissed(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(world.alerts, "dismiss_in", failing)
    with pytest.raises(MeshError):
        await work.run(task_of(world, made.job_id))
    half = await world.reads.job(world.tenant, UUID(made.job_id))
    assert half is not None and (half.done, half.changed, half.refused) == (3, 2, 1)
    monkeypatch.setattr(world.alerts, "dismiss_in", dismissed)
    assert await work.run(task_of(world, made.job_id)) == {"changed": 7, "refused": 1}
    assert await work.run(task_of(world, made.job_id)) == {"changed": 7, "refused": 1}
    found, _ = await world.alerts.page(world.tenant, AlertFilter(state=AlertState.DISMISSED), None, 10)
    assert {(each.reason, each.changed_by, each.revision) for each in found} == {("Wrong rule.", "ana", 3)}


async def test_alerts_that_end_before_their_turn_are_refused_to_a_job(world: CaseWorld) -> None:
    for number in range(2):
        await world.decide(f"t{number}", user_id=f"user-{number}")
    made = await create(world, AlertFilter(), JobAction.DISMISS)
    again = await create(world, AlertFilter(), JobAction.DISMISS)
    assert await work_of(world).run(task_of(world, made.job_id)) == {"changed": 2, "refused": 0}
    assert await work_of(world).run(task_of(world, again.job_id)) == {"changed": 0, "refused": 2}


async def test_a_job_matches_nothing_that_has_ended(world: CaseWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MOST_ITEMS", 2)
    for number in range(5):
        await world.decide(f"t{number}", "burst", user_id=f"user-{number}", score=0.9)
    alerts, _ = await world.alerts.page(world.tenant, AlertFilter(), None, 10)
    for each in alerts[:2]:
        await world.alerts.dismiss(world.tenant, UUID(each.alert_id), "ana", "Ours.", "")
    await world.closing.close(world.tenant, UUID(alerts[2].case_id), "ana", CaseDisposition.INCONCLUSIVE, (), "")
    dismissing = await create(world, AlertFilter(cause=AlertCause.RULE), JobAction.DISMISS)
    assert set(dismissing.items) == {each.alert_id for each in alerts[3:]}
    world.now += timedelta(hours=200)
    await world.keeper.round()
    assigning = await create(world, CaseFilter(overdue=True), JobAction.ASSIGN, "bob")
    assert set(assigning.items) == {each.case_id for each in alerts[3:]}


async def test_cases_are_assigned_and_closed(world: CaseWorld) -> None:
    for number in range(4):
        await world.decide(f"t{number}", user_id=f"user-{number}")
    assigning = await create(world, CaseFilter(), JobAction.ASSIGN, "bob")
    assert await work_of(world).run(task_of(world, assigning.job_id)) == {"changed": 4, "refused": 0}
    closing = await create(world, CaseFilter(assignee="bob"), JobAction.CLOSE)
    assert await work_of(world).run(task_of(world, closing.job_id)) == {"changed": 4, "refused": 0}
    cases, _ = await world.desk.page(world.tenant, CaseFilter(), None, 10)
    assert {(each.assignee, each.disposition) for each in cases} == {("bob", "inconclusive")}
    assert world.labels.told == []


async def test_a_job_needs_something_to_do_and_one_that_was_not_created_fails(world: CaseWorld) -> None:
    with pytest.raises(MeshError) as caught:
        await create(world, CaseFilter(), JobAction.CLOSE)
    assert caught.value.reason == "VALIDATION_FAILED"
    with pytest.raises(TaskFailure):
        await work_of(world).run(task_of(world, uuid7_text()))
