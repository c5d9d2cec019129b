"""What every engine does: leases, fencing, progress, ends, expiry, limits, ageing, retention."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from meshkit.ids import uuid7
from services.task.domain.leases import AttemptOutcome, Beat, DeclaredKind, Ending, Lease, Pulse
from services.task.domain.tasks import LEASE_EXPIRED, NewTask, Progress, TaskFilter
from tests.integration.services.task.conftest import BROKEN, HOPELESS, Stores, lease_of

ALL = TaskFilter()
DONE = Ending(AttemptOutcome.SUCCEEDED, result=b"result", progress=Progress(10, 10, "done"))
FAILED = Ending(AttemptOutcome.FAILED, fault=BROKEN)
RETURNED = Ending(AttemptOutcome.RETURNED)


async def beat(
    stores: Stores, lease: Lease, progress: Progress | None = None, checkpoint: bytes | None = None
) -> Pulse:
    (pulse,) = await stores.engine.beat([Beat(lease, 30.0, progress, checkpoint)])
    return pulse


async def test_leased_task_runs_with_a_token_and_an_attempt(stores: Stores, tenant: str, kind: str) -> None:
    task_id = await stores.make(tenant, kind, arguments=b"arguments")
    task, _ = await stores.lease_one(kind)
    assert (task.task_id, task.state, task.fence, task.attempt_count) == (task_id, "running", 1, 1)
    assert (task.worker, task.arguments, task.tenant_id) == ("worker-1", b"arguments", tenant)
    assert task.lease_until is not None and task.started_at is not None
    assert timedelta(seconds=29) < task.lease_until - task.started_at < timedelta(seconds=31)
    assert await stores.get(tenant, task_id) == task
    assert await stores.lease(kind) == []
    (attempt,) = await stores.tasks.attempts(tenant, task_id, 100, 10)
    assert (attempt.number, attempt.worker, attempt.outcome) == (1, "worker-1", "running")


async def test_manual_task_and_one_of_another_kind_are_not_leased(stores: Stores, tenant: str, kind: str) -> None:
    await stores.make(tenant, "manual")
    await stores.make(tenant, kind)
    assert await stores.lease("manual") == []
    assert await stores.lease(f"{kind}x") == []


async def test_task_is_leased_when_its_time_has_come(stores: Stores, tenant: str, kind: str) -> None:
    task = await stores.get(tenant, await stores.make(tenant, kind))
    later = await stores.make(tenant, f"{kind}x", run_after=task.created_at + timedelta(seconds=0.4))
    assert await stores.lease(f"{kind}x") == []
    await asyncio.sleep(0.5)
    assert [each.task_id for each in await stores.lease(f"{kind}x")] == [later]


async def test_concurrent_workers_never_get_the_same_task(stores: Stores, tenant: str, kind: str) -> None:
    made = {await stores.make(tenant, kind) for _ in range(30)}
    leased = await asyncio.gather(*[stores.engine.lease(f"w{n}", [kind], 4, 30) for n in range(8)])
    rest = await stores.lease(kind, 100)
    counted = Counter(task.task_id for tasks in [*leased, rest] for task in tasks)
    assert set(counted) == made and max(counted.values()) == 1


async def test_more_urgent_is_leased_first_and_waiting_counts_as_urgency(
    stores: Stores, tenant: str, kind: str
) -> None:
    old = str(uuid7())
    await stores.make(old, kind, priority=1, assignee="old normal")
    await stores.make(old, kind, priority=0, assignee="old low")
    await age(stores, old, timedelta(seconds=650))
    for priority, name in enumerate(["low", "normal", "high", "urgent"]):
        await stores.make(tenant, kind, priority=priority, assignee=name)
    order = [task.assignee for task in await stores.lease(kind, 10)]
    # A step of priority is worth 600 seconds: what waited 650 is one step and a little ahead.
    assert order == ["urgent", "old normal", "high", "old low", "normal", "low"]


async def age(stores: Stores, tenant: str, by: timedelta) -> None:
    await stores.move("tasks", "run_after", by, tenant)
    if stores.rows is not None:
        for key in stores.rows.ranks:
            if key[0] == tenant:
                stores.rows.ranks[key] -= by
    else:
        await stores.move("tasks", "rank", by, tenant)


async def test_kinds_of_one_worker_take_turns_by_their_first_task(stores: Stores, tenant: str, kind: str) -> None:
    kinds = [f"{kind}a", f"{kind}b"]
    await stores.make(tenant, kinds[0])
    await stores.make(tenant, kinds[1], priority=3)
    tasks = await stores.engine.lease("w", kinds, 1, 30)
    assert [task.kind for task in tasks] == [kinds[1]]
    tasks = await stores.engine.lease("w", kinds, 5, 30)
    assert [task.kind for task in tasks] == [kinds[0]]


async def test_success_ends_the_task_with_its_result(stores: Stores, tenant: str, kind: str) -> None:
    task_id = await stores.make(tenant, kind)
    _, lease = await stores.lease_one(kind)
    assert await stores.engine.end(lease, DONE) == "succeeded"
    task = await stores.get(tenant, task_id)
    assert (task.state, task.result, task.progress) == ("succeeded", b"result", Progress(10, 10, "done"))
    assert (task.worker, task.lease_until, task.error) == ("", None, None)
    assert task.finished_at == task.updated_at
    (attempt,) = await stores.tasks.attempts(tenant, task_id, 100, 10)
    assert (attempt.outcome, attempt.progress, attempt.finished_at) == ("succeeded", task.progress, task.finished_at)


@pytest.mark.parametrize("ending", [DONE, FAILED, RETURNED])
async def test_end_told_again_is_answered_the_same(stores: Stores, tenant: str, kind: str, ending: Ending) -> None:
    task_id = await stores.make(tenant, kind)
    _, lease = await stores.lease_one(kind)
    state = await stores.engine.end(lease, ending)
    task = await stores.get(tenant, task_id)
    assert await stores.engine.end(lease, ending) == state
    assert await stores.get(tenant, task_id) == task
    other = FAILED if ending is DONE else DONE
    assert await stores.engine.end(lease, other) is None


async def test_failure_is_followed_by_another_attempt_after_a_pause(stores: Stores, tenant: str, kind: str) -> None:
    task_id = await stores.make(tenant, kind)
    leased = await stores.lease(kind)
    for number in (1, 2):
        assert await stores.engine.end(lease_of(leased[0]), FAILED) == "pending"
        task = await stores.get(tenant, task_id)
        assert (task.attempt_count, task.error) == (number, BROKEN)
        pause = (task.run_after - task.updated_at).total_seconds()
        assert 0.025 * 2 ** (number - 1) <= pause <= 0.05 * 2 ** (number - 1) + 1e-6
        leased = await stores.lease(kind)
        assert leased == [] or datetime.now(UTC) >= task.run_after, "only where the machine took longer than the pause"
        if not leased:
            await asyncio.sleep(pause + 0.05)
            leased = await stores.lease(kind)
    assert len(leased) == 1


async def test_pauses_do_not_grow_without_end_and_differ(stores: Stores, tenant: str, kind: str) -> None:
    await stores.tasks.create([NewTask(tenant, "work", kind=kind, max_attempts=100)] * 10)
    pauses: set[float] = set()
    for _ in range(5):
        for task in await stores.lease(kind, 10):
            await stores.engine.end(lease_of(task), FAILED)
            after = await stores.get(tenant, task.task_id)
            pauses.add((after.run_after - after.updated_at).total_seconds())
        await asyncio.sleep(0.25)
    assert max(pauses) <= 0.2 + 1e-6 and len(pauses) > 20


async def test_last_attempt_leaves_the_task_dead_with_its_history(stores: Stores, tenant: str, kind: str) -> None:
    task_id = await stores.make(tenant, kind, max_attempts=2)
    states = []
    for _ in range(2):
        _, lease = await stores.lease_one(kind)
        states.append(await stores.engine.end(lease, FAILED))
        await asyncio.sleep(0.1)
    assert states == ["pending", "dead"]
    task = await stores.get(tenant, task_id)
    assert (task.state, task.error, task.finished_at) == ("dead", BROKEN, task.updated_at)
    history = await stores.tasks.attempts(tenant, task_id, 100, 10)
    assert [(each.number, each.outcome) for each in history] == [(2, "failed"), (1, "failed")]
    assert [each.number for each in await stores.tasks.attempts(tenant, task_id, 2, 10)] == [1]


async def test_error_that_cannot_be_mended_ends_the_task_at_once(stores: Stores, tenant: str, kind: str) -> None:
    task_id = await stores.make(tenant, kind)
    _, lease = await stores.lease_one(kind)
    assert await stores.engine.end(lease, Ending(AttemptOutcome.FAILED, fault=HOPELESS)) == "failed"
    assert (await stores.get(tenant, task_id)).error == HOPELESS


async def test_task_given_back_does_not_count_the_attempt_and_is_ready_at_once(
    stores: Stores, tenant: str, kind: str
) -> None:
    await stores.make(tenant, kind, max_attempts=1)
    _, lease = await stores.lease_one(kind)
    assert await stores.engine.end(lease, RETURNED) == "pending"
    task, second = await stores.lease_one(kind)
    assert (task.attempt_count, task.fence) == (1, 2)
    assert await stores.succeed(lease) is None
    assert await stores.succeed(second) == "succeeded"


async def test_heartbeat_extends_the_lease(stores: Stores, tenant: str, kind: str) -> None:
    await stores.make(tenant, kind)
    _, lease = await stores.lease_one(kind, seconds=0.4)
    for _ in range(4):
        await asyncio.sleep(0.2)
        (pulse,) = await stores.engine.beat([Beat(lease, 0.4)])
        assert pulse is Pulse.HELD
        assert await stores.engine.expire() == 0
    assert await stores.succeed(lease) == "succeeded"


async def test_lost_lease_stops_every_write(stores: Stores, tenant: str, kind: str) -> None:
    task_id = await stores.make(tenant, kind)
    _, lease = await stores.lease_one(kind, seconds=0.2)
    await asyncio.sleep(0.3)
    # Nobody has noticed yet: the lease is over nevertheless.
    before = await stores.get(tenant, task_id)
    assert await beat(stores, lease, Progress(1), b"late") is Pulse.LOST
    assert [await stores.engine.end(lease, ending) for ending in (DONE, FAILED, RETURNED)] == [None] * 3
    assert await stores.get(tenant, task_id) == before
    # Nor do they count once another has the task.
    assert await stores.engine.expire() >= 1
    await asyncio.sleep(0.1)
    taken, second = await stores.lease_one(kind)
    assert await beat(stores, lease, Progress(1), b"late") is Pulse.LOST
    assert await stores.engine.end(lease, DONE) is None
    assert await stores.get(tenant, task_id) == taken
    assert await stores.succeed(second) == "succeeded"


async def test_expired_lease_is_a_failed_attempt_with_a_history(stores: Stores, tenant: str, kind: str) -> None:
    task_id = await stores.make(tenant, kind, max_attempts=2)
    for state in ("pending", "dead"):
        await stores.lease_one(kind, seconds=0.1)
        await asyncio.sleep(0.2)
        await stores.engine.expire()
        task = await stores.get(tenant, task_id)
        assert (task.state, task.error, task.worker) == (state, LEASE_EXPIRED, "")
        await asyncio.sleep(0.1)
    history = await stores.tasks.attempts(tenant, task_id, 100, 10)
    assert [(each.outcome, each.error) for each in history] == [("expired", LEASE_EXPIRED)] * 2


async def test_two_expire_at_once_and_each_attempt_ends_once(stores: Stores, tenant: str, kind: str) -> None:
    for _ in range(10):
        await stores.make(tenant, kind)
    await stores.lease(kind, 10, seconds=0.05)
    await asyncio.sleep(0.1)
    counts = await asyncio.gather(*[stores.engine.expire() for _ in range(4)])
    assert sum(counts) >= 10
    tasks = [await stores.get(tenant, task.task_id) for task in await stores.tasks.page(tenant, ALL, None, 50)]
    assert {(task.state, task.revision) for task in tasks} == {("pending", 3)}


async def test_progress_of_one_attempt_never_goes_back(stores: Stores, tenant: str, kind: str) -> None:
    task_id = await stores.make(tenant, kind)
    _, lease = await stores.lease_one(kind)
    for told, known in [(5, 5), (3, 5), (5, 5), (9, 9), (0, 9)]:
        assert await beat(stores, lease, Progress(told, 10, str(told))) is Pulse.HELD
        assert (await stores.get(tenant, task_id)).progress == Progress(known, 10, str(known))


async def test_next_attempt_begins_at_the_last_checkpoint(stores: Stores, tenant: str, kind: str) -> None:
    task_id = await stores.make(tenant, kind)
    _, lease = await stores.lease_one(kind)
    await beat(stores, lease, Progress(4, 10, "four"), b"at 4")
    await beat(stores, lease, Progress(7, 10, "seven"))
    assert (await stores.get(tenant, task_id)).checkpoint == b"at 4"
    await stores.engine.end(lease, FAILED)
    assert (await stores.get(tenant, task_id)).progress == Progress(7, 10, "seven")
    await asyncio.sleep(0.1)
    task, second = await stores.lease_one(kind)
    assert (task.checkpoint, task.progress) == (b"at 4", Progress(4, 10, "four"))
    await beat(stores, second, None, b"still at 4")
    task = await stores.get(tenant, task_id)
    assert (task.checkpoint, task.checkpoint_progress) == (b"still at 4", Progress(4, 10, "four"))


async def test_silent_heartbeat_makes_no_new_state(stores: Stores, tenant: str, kind: str) -> None:
    task_id = await stores.make(tenant, kind)
    task, lease = await stores.lease_one(kind)
    assert await beat(stores, lease) is Pulse.HELD
    assert (await stores.get(tenant, task_id)).revision == task.revision


async def test_heartbeats_are_answered_each_for_itself(stores: Stores, tenant: str, kind: str) -> None:
    for _ in range(3):
        await stores.make(tenant, kind)
    leases = [lease_of(task) for task in await stores.lease(kind, 3)]
    await stores.tasks.cancel(tenant, (await stores.tasks.page(tenant, ALL, None, 1))[0].task_id)
    stale = Lease(leases[0].tenant_id, leases[0].task_id, 0)
    foreign = Lease(str(uuid7()), leases[1].task_id, 1)
    pulses = await stores.engine.beat([Beat(lease, 30) for lease in [stale, *leases, foreign]])
    assert pulses[0] is pulses[-1] is Pulse.LOST
    assert Counter(pulses[1:-1]) == {Pulse.HELD: 2, Pulse.CANCELLED: 1}


async def test_running_task_is_cancelling_until_its_worker_has_stopped(stores: Stores, tenant: str, kind: str) -> None:
    task_id = await stores.make(tenant, kind)
    _, lease = await stores.lease_one(kind)
    task = await stores.tasks.cancel(tenant, task_id)
    assert task is not None and (task.state, task.finished_at) == ("cancelling", None)
    assert lease in await stores.engine.cancelled("worker-1")
    assert await beat(stores, lease) is Pulse.CANCELLED
    assert await stores.engine.end(lease, FAILED) == "cancelled"
    assert lease not in await stores.engine.cancelled("worker-1")
    assert await stores.engine.end(lease, FAILED) == "cancelled"
    (attempt,) = await stores.tasks.attempts(tenant, task_id, 100, 10)
    assert attempt.outcome == "cancelled"


async def test_work_that_is_done_before_its_cancellation_is_heard_of_has_succeeded(
    stores: Stores, tenant: str, kind: str
) -> None:
    task_id = await stores.make(tenant, kind)
    _, lease = await stores.lease_one(kind)
    await stores.tasks.cancel(tenant, task_id)
    assert await stores.engine.end(lease, DONE) == "succeeded"


@pytest.mark.parametrize("given_back", [True, False])
async def test_cancelled_task_whose_worker_is_gone_is_cancelled(
    stores: Stores, tenant: str, kind: str, given_back: bool
) -> None:
    task_id = await stores.make(tenant, kind)
    _, lease = await stores.lease_one(kind, seconds=0.2)
    await stores.tasks.cancel(tenant, task_id)
    if given_back:
        await stores.engine.end(lease, RETURNED)
    else:
        await asyncio.sleep(0.3)
        await stores.engine.expire()
    assert (await stores.get(tenant, task_id)).state == "cancelled"


async def test_at_most_so_many_of_a_kind_run_in_all(stores: Stores, kind: str) -> None:
    await stores.engine.declare([DeclaredKind(kind, max_running=3)])
    for _ in range(8):
        await stores.make(str(uuid7()), kind)
    leased = await asyncio.gather(*[stores.engine.lease(f"w{n}", [kind], 2, 30) for n in range(6)])
    running = [task for tasks in leased for task in tasks]
    assert len(running) == 3
    await stores.succeed(lease_of(running[0]))
    assert len(await stores.lease(kind, 10)) == 1


async def test_at_most_so_many_of_a_kind_run_of_one_tenant(stores: Stores, kind: str) -> None:
    await stores.engine.declare([DeclaredKind(kind, max_running_per_tenant=2)])
    busy, other = str(uuid7()), str(uuid7())
    for _ in range(6):
        await stores.make(busy, kind)
    await stores.make(other, kind)
    leased = await asyncio.gather(*[stores.engine.lease(f"w{n}", [kind], 3, 30) for n in range(5)])
    running = [task for tasks in leased for task in tasks]
    assert Counter(task.tenant_id for task in running) == {busy: 2, other: 1}
    await stores.succeed(next(lease_of(task) for task in running if task.tenant_id == busy))
    assert [task.tenant_id for task in await stores.lease(kind, 10)] == [busy]


async def test_finished_tasks_are_deleted_after_their_time_with_their_attempts(
    stores: Stores, tenant: str, kind: str
) -> None:
    other = str(uuid7())
    finished = {}
    for owner in (tenant, other):
        finished[owner] = await stores.make(owner, kind)
        _, lease = await stores.lease_one(kind)
        await stores.succeed(lease)
    live = await stores.make(tenant, kind)
    await keep(stores, other, 60)
    for owner in (tenant, other):
        await stores.move("tasks", "finished_at", timedelta(days=31), owner)
    while await stores.engine.prune():
        pass
    assert await stores.tasks.get(tenant, finished[tenant]) is None
    assert await stores.tasks.attempts(tenant, finished[tenant], 100, 10) == []
    assert await stores.tasks.get(tenant, live) is not None
    assert await stores.tasks.get(other, finished[other]) is not None


async def keep(stores: Stores, tenant: str, days: int) -> None:
    if stores.rows is not None:
        stores.rows.retention[tenant] = days
    else:
        await stores.execute("INSERT INTO task_retention (tenant_id, days) VALUES ($1, $2)", tenant, days)
