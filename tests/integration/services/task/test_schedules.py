"""What every store of schedules does: missed runs are one, never two at once, whoever asks and however many do."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from meshkit.ids import uuid7
from services.task.domain.schedules import NewSchedule, ScheduleChange
from services.task.domain.tasks import SYSTEM_TENANT, Task, TaskFilter
from services.task.ports import RevisionMismatchError
from services.task.service.cron import next_run
from tests.integration.services.task.conftest import Stores, lease_of

HOURLY = "0 * * * *"


def new(tenant: str, kind: str, name: str = "s1", **fields: Any) -> NewSchedule:
    return NewSchedule(tenant, name, fields.pop("cron", HOURLY), kind=kind, fingerprint=b"f", **fields)


async def made(stores: Stores, tenant: str) -> list[Task]:
    return list(await stores.tasks.page(tenant, TaskFilter(), None, 100))


async def fire(stores: Stores, tenant: str, *, passed: timedelta = timedelta(hours=2)) -> list[Task]:
    """Lets time pass for the schedules of a tenant and makes what is due."""
    await stores.move("schedules", "next_run_at", passed, tenant)
    await stores.schedules.fire()
    return await made(stores, tenant)


async def test_schedule_is_stored_with_its_next_time(stores: Stores, tenant: str, kind: str) -> None:
    asked = new(tenant, kind, time_zone="Asia/Tokyo", title="Report", arguments=b"a", priority=3, max_attempts=2)
    schedule = await stores.schedules.create(asked)
    assert schedule is not None
    assert (schedule.cron, schedule.time_zone, schedule.title, schedule.kind) == (HOURLY, "Asia/Tokyo", "Report", kind)
    assert (schedule.arguments, schedule.priority, schedule.max_attempts) == (b"a", 3, 2)
    assert schedule.next_run_at == next_run(HOURLY, "Asia/Tokyo", schedule.created_at)
    assert await stores.schedules.get(tenant, "s1") == schedule
    assert await stores.schedules.create(asked) == schedule
    assert await stores.schedules.create(NewSchedule(tenant, "s1", HOURLY, fingerprint=b"other")) is None
    assert await stores.schedules.get(str(uuid7()), "s1") is None


async def test_schedules_are_listed_in_the_order_of_their_identifiers(stores: Stores, tenant: str, kind: str) -> None:
    for name in ("b", "a", "C", "d"):
        await stores.schedules.create(new(tenant, kind, name))
    assert [each.schedule_id for each in await stores.schedules.page(tenant, "", 10)] == ["C", "a", "b", "d"]
    assert [each.schedule_id for each in await stores.schedules.page(tenant, "a", 1)] == ["b"]


async def test_nothing_is_made_before_its_time(stores: Stores, tenant: str, kind: str) -> None:
    await stores.schedules.create(new(tenant, kind))
    await stores.schedules.fire()
    assert await made(stores, tenant) == []


async def test_due_schedule_makes_a_task_of_its_kind(stores: Stores, tenant: str, kind: str) -> None:
    await stores.schedules.create(new(tenant, kind, title="Report", arguments=b"a", priority=3, max_attempts=2))
    (task,) = await fire(stores, tenant)
    assert (task.title, task.kind, task.priority, task.max_attempts) == ("Report", kind, 3, 2)
    assert (task.schedule_id, task.state) == ("s1", "pending")
    (leased,) = await stores.lease(kind)
    assert (leased.task_id, leased.arguments) == (task.task_id, b"a")
    schedule = await stores.schedules.get(tenant, "s1")
    assert schedule is not None
    assert (schedule.last_task_id, schedule.last_run_at) == (task.task_id, task.created_at)
    assert schedule.next_run_at == next_run(HOURLY, "UTC", task.created_at)


async def test_missed_times_are_made_up_for_by_one_task(stores: Stores, tenant: str, kind: str) -> None:
    await stores.schedules.create(new(tenant, kind))
    assert len(await fire(stores, tenant, passed=timedelta(days=30))) == 1
    assert len(await fire(stores, tenant, passed=timedelta(0))) == 1


async def test_next_task_waits_until_the_one_before_is_finished(stores: Stores, tenant: str, kind: str) -> None:
    await stores.schedules.create(new(tenant, kind))
    await fire(stores, tenant)
    (leased,) = await stores.lease(kind)
    for _ in range(3):
        assert len(await fire(stores, tenant)) == 1
    await stores.succeed(lease_of(leased))
    # All the times that passed meanwhile are one task.
    assert len(await fire(stores, tenant, passed=timedelta(0))) == 2
    assert len(await fire(stores, tenant, passed=timedelta(0))) == 2


async def test_two_schedulers_at_once_make_one_task(stores: Stores, kind: str) -> None:
    tenants = [str(uuid7()) for _ in range(10)]
    for tenant in tenants:
        await stores.schedules.create(new(tenant, kind))
        await stores.move("schedules", "next_run_at", timedelta(hours=2), tenant)
    await asyncio.gather(*[stores.schedules.fire() for _ in range(6)])
    assert [len(await made(stores, tenant)) for tenant in tenants] == [1] * 10


async def test_paused_schedule_makes_nothing_and_does_not_make_up_for_it(
    stores: Stores, tenant: str, kind: str
) -> None:
    await stores.schedules.create(new(tenant, kind))
    paused = await stores.schedules.update(tenant, "s1", ScheduleChange(paused=True), None)
    assert paused is not None and (paused.paused, paused.next_run_at) == (True, None)
    assert await fire(stores, tenant) == []
    resumed = await stores.schedules.update(tenant, "s1", ScheduleChange(paused=False), None)
    assert resumed is not None and resumed.next_run_at is not None and resumed.next_run_at > resumed.updated_at
    await stores.schedules.fire()
    assert await made(stores, tenant) == []


async def test_new_time_counts_from_now(stores: Stores, tenant: str, kind: str) -> None:
    await stores.schedules.create(new(tenant, kind))
    await stores.move("schedules", "next_run_at", timedelta(hours=2), tenant)
    changed = await stores.schedules.update(tenant, "s1", ScheduleChange(cron="30 4 * * *", title="new"), 1)
    assert changed is not None and (changed.title, changed.revision) == ("new", 2)
    assert changed.next_run_at == next_run("30 4 * * *", "UTC", changed.updated_at)
    await stores.schedules.fire()
    assert await made(stores, tenant) == []


async def test_change_of_another_state_than_the_one_named_is_refused(stores: Stores, tenant: str, kind: str) -> None:
    await stores.schedules.create(new(tenant, kind))
    same = await stores.schedules.update(tenant, "s1", ScheduleChange(cron=HOURLY), 1)
    assert same is not None and same.revision == 1
    await stores.schedules.update(tenant, "s1", ScheduleChange(priority=0), 1)
    with pytest.raises(RevisionMismatchError):
        await stores.schedules.update(tenant, "s1", ScheduleChange(priority=1), 1)
    assert await stores.schedules.update(tenant, "s2", ScheduleChange(priority=1), None) is None


async def test_deleted_schedule_makes_nothing_more_and_its_tasks_stay(stores: Stores, tenant: str, kind: str) -> None:
    await stores.schedules.create(new(tenant, kind))
    await fire(stores, tenant)
    assert await stores.schedules.delete(tenant, "s1")
    assert not await stores.schedules.delete(tenant, "s1")
    await stores.schedules.fire()
    assert len(await made(stores, tenant)) == 1


async def test_schedule_is_changed_and_deleted_in_an_admitted_revision_alone(
    stores: Stores, tenant: str, kind: str
) -> None:
    await stores.schedules.create(new(tenant, kind))
    with pytest.raises(RevisionMismatchError):
        await stores.schedules.update(tenant, "s1", ScheduleChange(paused=True), None, {2}.__contains__)
    with pytest.raises(RevisionMismatchError):
        await stores.schedules.delete(tenant, "s1", {2}.__contains__)
    assert await stores.schedules.update(tenant, "s2", ScheduleChange(paused=True), None, {2}.__contains__) is None
    assert not await stores.schedules.delete(tenant, "s2", {2}.__contains__)
    paused = await stores.schedules.update(tenant, "s1", ScheduleChange(paused=True), None, {1}.__contains__)
    assert paused is not None and paused.revision == 2
    assert await stores.schedules.delete(tenant, "s1", {1, 2}.__contains__)


async def test_declared_schedule_exists_once_and_follows_its_declaration(stores: Stores, kind: str) -> None:
    name = f"fraud.{uuid7().hex}"
    declared = NewSchedule(SYSTEM_TENANT, name, HOURLY, kind=kind, fingerprint=b"one")
    await asyncio.gather(*[stores.schedules.declare(declared) for _ in range(4)])
    first = await stores.schedules.get(SYSTEM_TENANT, name)
    await stores.schedules.declare(declared)
    assert await stores.schedules.get(SYSTEM_TENANT, name) == first
    other = NewSchedule(SYSTEM_TENANT, name, "5 5 * * *", kind=kind, fingerprint=b"two")
    await stores.schedules.declare(other)
    changed = await stores.schedules.get(SYSTEM_TENANT, name)
    assert changed is not None and (changed.cron, changed.revision) == ("5 5 * * *", 2)
    assert changed.next_run_at == next_run("5 5 * * *", "UTC", changed.updated_at)
