"""What every store of tasks does: creating once, lists, people's changes, cancelling, retrying."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from meshkit.ids import uuid7
from services.task.domain.leases import AttemptOutcome, DeclaredKind, Ending
from services.task.domain.tasks import ForbiddenMoveError, NewTask, Task, TaskChange, TaskFilter
from services.task.ports import KeyTakenError, RevisionMismatchError
from tests.integration.services.task.conftest import BROKEN, HOPELESS, Stores

LATER = datetime(2199, 1, 1, tzinfo=UTC)


def named(tenant: str, request_id: UUID, fingerprint: bytes = b"same", **fields: object) -> NewTask:
    return NewTask(tenant, "work", request_id=request_id, fingerprint=fingerprint, **fields)  # type: ignore[arg-type]


async def test_new_task_is_stored_as_asked_for(stores: Stores, tenant: str, kind: str) -> None:
    new = NewTask(
        tenant, "Import", 2, kind, b"arguments", "ada", LATER, LATER - timedelta(days=1), "file-7", max_attempts=3
    )
    (created,) = await stores.tasks.create([new])
    assert created is not None and created.existing is None
    task = await stores.get(tenant, created.task_id)
    assert (task.title, task.priority, task.kind, task.arguments) == ("Import", 2, kind, b"arguments")
    assert (task.assignee, task.due_at, task.run_after) == ("ada", LATER, LATER - timedelta(days=1))
    assert (task.unique_key, task.max_attempts, task.attempt_limit) == ("file-7", 3, 3)
    assert (task.state, task.attempt_count, task.revision, task.fence) == ("pending", 0, 1, 0)
    assert task.created_at == task.updated_at == created.created_at
    assert created.run_after == task.run_after


async def test_time_that_has_passed_means_now(stores: Stores, tenant: str) -> None:
    task = await stores.get(tenant, await stores.make(tenant, run_after=datetime(2000, 1, 1, tzinfo=UTC)))
    assert task.run_after == task.created_at


async def test_many_tenants_are_answered_in_order(stores: Stores) -> None:
    tenants = [str(uuid7()) for _ in range(20)]
    created = await stores.tasks.create([NewTask(tenant, tenant) for tenant in reversed(tenants)])
    for tenant, made in zip(reversed(tenants), created, strict=True):
        assert made is not None
        assert (await stores.get(tenant, made.task_id)).title == tenant
        assert await stores.tasks.get(str(uuid7()), made.task_id) is None


async def test_identifiers_are_uuids_in_the_order_of_their_making(stores: Stores, tenant: str) -> None:
    made = []
    for _ in range(5):
        made.append(await stores.make(tenant))
        await asyncio.sleep(0.002)
    assert made == sorted(made)
    assert all(each.version == 7 for each in made)


async def test_live_task_of_a_unique_key_is_returned_instead_of_another(stores: Stores, tenant: str, kind: str) -> None:
    first = await stores.make(tenant, kind, unique_key="k")
    (again,) = await stores.tasks.create([NewTask(tenant, "other", kind=kind, unique_key="k")])
    assert again is not None and again.existing is not None
    assert (again.task_id, again.existing.title) == (first, "work")
    # Another kind, another tenant and another key are other work.
    assert await stores.make(tenant, f"{kind}x", unique_key="k") != first
    assert await stores.make(str(uuid7()), kind, unique_key="k") != first
    assert await stores.make(tenant, kind, unique_key="l") != first


async def test_unique_key_is_free_when_its_task_is_finished(stores: Stores, tenant: str, kind: str) -> None:
    first = await stores.make(tenant, kind, unique_key="k")
    _, lease = await stores.lease_one(kind)
    assert await stores.make(tenant, kind, unique_key="k") == first
    await stores.succeed(lease)
    assert await stores.make(tenant, kind, unique_key="k") != first


async def test_one_key_many_times_at_once_is_one_task(stores: Stores, tenant: str, kind: str) -> None:
    new = NewTask(tenant, "work", kind=kind, unique_key="k")
    batches = await asyncio.gather(*[stores.tasks.create([new] * 5) for _ in range(8)])
    assert len({made.task_id for batch in batches for made in batch if made is not None}) == 1
    assert len(await stores.tasks.page(tenant, TaskFilter(), None, 100)) == 1


async def test_request_of_the_same_name_gets_the_same_answer(stores: Stores, tenant: str, kind: str) -> None:
    name = uuid4()
    (first,) = await stores.tasks.create([named(tenant, name, kind=kind)])
    _, lease = await stores.lease_one(kind)
    await stores.succeed(lease)
    assert await stores.tasks.create([named(tenant, name, kind=kind)]) == [first]
    (other,) = await stores.tasks.create([named(str(uuid7()), name, kind=kind)])
    assert first is not None and other is not None and other.task_id != first.task_id


async def test_name_of_other_content_tells_what_the_first_was(stores: Stores, tenant: str) -> None:
    name = uuid4()
    await stores.tasks.create([named(tenant, name, b"one")])
    (again,) = await stores.tasks.create([named(tenant, name, b"two")])
    assert again is not None and again.fingerprint == b"one"


async def test_one_name_many_times_at_once_is_one_task(stores: Stores, tenant: str) -> None:
    name = uuid4()
    batches = await asyncio.gather(*[stores.tasks.create([named(tenant, name)] * 3) for _ in range(8)])
    assert len({made.task_id for batch in batches for made in batch if made is not None}) == 1
    assert len(await stores.tasks.page(tenant, TaskFilter(), None, 100)) == 1


async def test_name_stays_with_the_task_that_its_unique_key_had(stores: Stores, tenant: str, kind: str) -> None:
    first, name = await stores.make(tenant, kind, unique_key="k"), uuid4()
    asked = named(tenant, name, kind=kind, unique_key="k")
    (made,) = await stores.tasks.create([asked])
    _, lease = await stores.lease_one(kind)
    await stores.succeed(lease)
    (again,) = await stores.tasks.create([asked])
    assert made is not None and again is not None
    assert made.task_id == again.task_id == first
    assert again.existing is not None and again.existing.state == "succeeded"


async def test_keys_and_names_in_any_order_do_not_wait_for_each_other(stores: Stores, tenant: str, kind: str) -> None:
    new = [named(tenant, UUID(int=n + 1), kind=kind, unique_key=f"k{n}") for n in range(20)]
    batches = await asyncio.gather(*[stores.tasks.create(new[n:] + new[:n]) for n in range(0, 20, 3)])
    assert len({made.task_id for batch in batches for made in batch if made is not None}) == 20


async def test_pages_hold_every_task_once_newest_first_whatever_is_written_meanwhile(
    stores: Stores, tenant: str
) -> None:
    there = [await stores.make(tenant) for _ in range(7)]
    seen: list[UUID] = []
    before = None
    while page := await stores.tasks.page(tenant, TaskFilter(), before, 3):
        seen += [task.task_id for task in page]
        before = seen[-1]
        await asyncio.sleep(0.002)
        await stores.make(tenant)
        await stores.tasks.cancel(tenant, there[0])
    assert len(seen) == len(set(seen)) and set(there) <= set(seen)
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (TaskFilter(), "abcd"),
        (TaskFilter(state="cancelled"), "a"),
        (TaskFilter(kind="test.one"), "ab"),
        (TaskFilter(priority=0), "b"),
        (TaskFilter(assignee="ada"), "ac"),
        (TaskFilter(kind="test.two", assignee="ada"), "c"),
        (TaskFilter("pending", "test.one", 0, ""), "b"),
        (TaskFilter("cancelled", "test.two"), ""),
    ],
)
async def test_list_holds_what_its_filters_select(stores: Stores, tenant: str, only: TaskFilter, expected: str) -> None:
    ids = {
        "a": await stores.make(tenant, "test.one", assignee="ada"),
        "b": await stores.make(tenant, "test.one", priority=0),
        "c": await stores.make(tenant, "test.two", assignee="ada", arguments=b"large"),
        "d": await stores.make(tenant, "test.two", priority=3),
    }
    await stores.tasks.cancel(tenant, ids["a"])
    found = await stores.tasks.page(tenant, only, None, 10)
    assert {task.task_id for task in found} == {ids[name] for name in expected}
    assert all(task.arguments == b"" for task in found)


async def test_person_changes_a_manual_task(stores: Stores, tenant: str) -> None:
    task_id = await stores.make(tenant, "manual", due_at=LATER)
    change = TaskChange(title="new", priority=3, assignee="bob", due_at=None, state="running")
    task = await stores.tasks.update(tenant, task_id, change, 1)
    assert task == await stores.get(tenant, task_id)
    assert task is not None
    assert (task.title, task.priority, task.assignee, task.due_at) == ("new", 3, "bob", None)
    assert (task.state, task.revision, task.finished_at) == ("running", 2, None)
    done = await stores.tasks.update(tenant, task_id, TaskChange(state="succeeded"), None)
    assert done is not None and done.finished_at == done.updated_at and done.revision == 3


async def test_change_of_nothing_makes_no_new_state(stores: Stores, tenant: str) -> None:
    task_id = await stores.make(tenant, "manual")
    task = await stores.tasks.update(tenant, task_id, TaskChange(title="work"), None)
    assert task is not None and task.revision == 1


async def test_change_of_another_state_than_the_one_named_is_refused(stores: Stores, tenant: str) -> None:
    task_id = await stores.make(tenant, "manual")
    await stores.tasks.update(tenant, task_id, TaskChange(title="new"), 1)
    with pytest.raises(RevisionMismatchError):
        await stores.tasks.update(tenant, task_id, TaskChange(title="newer"), 1)
    assert await stores.tasks.update(tenant, uuid7(), TaskChange(title="x"), None) is None


async def test_every_change_asks_whether_the_present_revision_is_admitted(stores: Stores, tenant: str) -> None:
    task_id, asked = await stores.make(tenant, "manual"), list[int]()

    def never(revision: int) -> bool:
        asked.append(revision)
        return False

    def changes(of: UUID) -> list[Coroutine[Any, Any, Task | None]]:
        tasks = stores.tasks
        update = tasks.update(tenant, of, TaskChange(title="new"), None, never)
        return [update, tasks.cancel(tenant, of, never), tasks.retry(tenant, of, never)]

    for change in changes(task_id):
        with pytest.raises(RevisionMismatchError):
            await change
    assert asked == [1, 1, 1]
    assert [await change for change in changes(uuid7())] == [None] * 3
    task = await stores.tasks.cancel(tenant, task_id, {1}.__contains__)
    assert task is not None and (task.state, task.revision) == ("cancelled", 2)
    task = await stores.tasks.retry(tenant, task_id, {2}.__contains__)
    assert task is not None and task.state == "pending"


async def test_of_concurrent_changes_of_an_admitted_revision_one_happens(stores: Stores, tenant: str) -> None:
    task_id = await stores.make(tenant, "manual")
    changes = [
        stores.tasks.update(tenant, task_id, TaskChange(title=f"t{n}"), None, {1}.__contains__) for n in range(6)
    ]
    done = await asyncio.gather(*changes, return_exceptions=True)
    assert [type(error) for error in done if not isinstance(error, Task)] == [RevisionMismatchError] * 5


async def test_work_of_workers_and_finished_work_are_not_changed_by_people(
    stores: Stores, tenant: str, kind: str
) -> None:
    for task_id in (await stores.make(tenant, kind), await stores.make(tenant, "manual")):
        await stores.tasks.cancel(tenant, (task_id))
        with pytest.raises(ForbiddenMoveError, match="cancelled"):
            await stores.tasks.update(tenant, task_id, TaskChange(title="x"), None)
    with pytest.raises(ForbiddenMoveError, match="pending"):
        await stores.tasks.update(tenant, await stores.make(tenant, kind), TaskChange(title="x"), None)


async def test_pending_task_is_cancelled_at_once_and_never_leased(stores: Stores, tenant: str, kind: str) -> None:
    task_id = await stores.make(tenant, kind)
    task = await stores.tasks.cancel(tenant, task_id)
    assert task is not None and (task.state, task.finished_at) == ("cancelled", task.updated_at)
    assert await stores.lease(kind) == []
    assert await stores.tasks.cancel(tenant, task_id) == task
    assert await stores.tasks.cancel(tenant, uuid7()) is None


async def test_task_that_ended_otherwise_is_not_cancelled(stores: Stores, tenant: str, kind: str) -> None:
    task_id = await stores.make(tenant, kind)
    _, lease = await stores.lease_one(kind)
    await stores.succeed(lease)
    with pytest.raises(ForbiddenMoveError, match="succeeded"):
        await stores.tasks.cancel(tenant, task_id)


async def dead(stores: Stores, tenant: str, kind: str, **fields: object) -> Task:
    task_id = await stores.make(tenant, kind, max_attempts=1, **fields)
    _, lease = await stores.lease_one(kind)
    assert await stores.engine.end(lease, Ending(AttemptOutcome.FAILED, fault=BROKEN)) == "dead"
    return await stores.get(tenant, task_id)


async def test_retry_grants_as_many_attempts_again_and_keeps_the_history(
    stores: Stores, tenant: str, kind: str
) -> None:
    task = await dead(stores, tenant, kind)
    again = await stores.tasks.retry(tenant, task.task_id)
    assert again is not None
    assert (again.state, again.attempt_count, again.attempt_limit, again.finished_at) == ("pending", 1, 2, None)
    leased, lease = await stores.lease_one(kind)
    assert (leased.fence, leased.attempt_count) == (2, 2)
    assert await stores.engine.end(lease, Ending(AttemptOutcome.FAILED, fault=HOPELESS)) == "failed"
    history = await stores.tasks.attempts(tenant, task.task_id, 100, 10)
    assert [(each.number, each.outcome, each.error) for each in history] == [
        (2, "failed", HOPELESS),
        (1, "failed", BROKEN),
    ]


async def test_only_what_failed_or_was_cancelled_is_retried(stores: Stores, tenant: str, kind: str) -> None:
    task_id = await stores.make(tenant, kind)
    with pytest.raises(ForbiddenMoveError, match="pending"):
        await stores.tasks.retry(tenant, task_id)
    await stores.tasks.cancel(tenant, task_id)
    task = await stores.tasks.retry(tenant, task_id)
    assert task is not None and task.state == "pending"
    assert await stores.tasks.retry(tenant, uuid7()) is None


async def test_retry_does_not_make_a_second_live_task_of_a_key(stores: Stores, tenant: str, kind: str) -> None:
    task = await dead(stores, tenant, kind, unique_key="k")
    await stores.make(tenant, kind, unique_key="k")
    with pytest.raises(KeyTakenError):
        await stores.tasks.retry(tenant, task.task_id)


async def test_internal_kinds_are_known(stores: Stores, kind: str) -> None:
    await stores.engine.declare([DeclaredKind(kind, internal=True), DeclaredKind(f"{kind}x")])
    assert kind in await stores.tasks.internal_kinds()
    assert f"{kind}x" not in await stores.tasks.internal_kinds()
    await stores.engine.declare([DeclaredKind(kind)])
    assert kind not in await stores.tasks.internal_kinds()


async def test_some_tasks_of_a_tenant_are_read_at_once_as_lists_have_them(stores: Stores, tenant: str) -> None:
    made = [await stores.make(tenant, arguments=b"arguments") for _ in range(3)]
    foreign = await stores.make(str(uuid7()))
    found = await stores.tasks.some(tenant, [made[0], made[2], foreign, uuid7()])
    assert {task.task_id for task in found} == {made[0], made[2]}
    assert {task.arguments for task in found} == {b""}
    assert await stores.tasks.some(tenant, []) == []
