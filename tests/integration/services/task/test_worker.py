"""The worker library against the running task service."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.trace import StatusCode

from meshkit.context import current
from meshkit.errors import Kind, MeshError
from meshkit.tasks import KindLimits, LeasedTask, Reference, Result, TaskFailure, Worker
from meshkit.tasks.leased import LeaseLostError
from tests.support.calls import calling, new_client
from tests.support.certificates import Certificates
from tests.support.processes import Node
from tests.support.spans import recording
from tests.support.tasks import NAME, Tasks, a_kind, struct, working

Working = Callable[..., AbstractAsyncContextManager[Worker]]


@pytest.fixture
async def tasks(task: Node, auth: Node, certificates: Certificates) -> AsyncIterator[Tasks]:
    client = await new_client(auth, certificates, f"t-{secrets.token_hex(6)}")
    async with calling(task.address, NAME, certificates.identity("service/gateway")) as gateway:
        yield Tasks(gateway, client)


@pytest.fixture
def work(task: Node, certificates: Certificates) -> Working:
    """Runs a worker of the fraud service."""
    return partial(working, task.address, certificates.identity("service/fraud"))


async def forever(_: LeasedTask) -> Result:
    await asyncio.Event().wait()
    return None


async def test_handler_gets_its_task_and_returns_the_result(tasks: Tasks, work: Working) -> None:
    kind, seen = a_kind(), []

    async def handler(task: LeasedTask) -> Result:
        seen.append((task.tenant_id, task.kind, task.arguments, task.resumed, task.attempt, task.token, task.held))
        return {"sum": task.arguments["a"] + task.arguments["b"], "list": [1, None, "x"]}

    async with work({kind: handler}):
        made = await tasks.create(kind=kind, arguments=struct(a=1, b=2))
        task = await tasks.until(made.task_id, "succeeded")
    assert seen == [(tasks.client.tenant_id, kind, {"a": 1.0, "b": 2.0}, None, 1, 1, True)]
    assert json_format.MessageToDict(task.result) == {"sum": 3.0, "list": [1.0, None, "x"]}


@pytest.mark.parametrize("error", [None, TaskFailure("Later", "not yet", retryable=False)])
async def test_an_attempt_is_a_trace_and_its_calls_and_logs_are_in_it(
    tasks: Tasks, work: Working, error: Exception | None
) -> None:
    kind, seen = a_kind(), []

    async def handler(_: LeasedTask) -> Result:
        seen.append((current().request_id, current().traceparent))
        if error is not None:
            raise error
        return None

    with recording() as spans:
        async with work({kind: handler}):
            made = await tasks.create(kind=kind)
            await tasks.until(made.task_id, "succeeded", "failed")
    (attempt,) = spans.named(f"attempt {kind}")
    assert attempt.context is not None and attempt.attributes is not None
    ids = f"{attempt.context.trace_id:032x}-{attempt.context.span_id:016x}"
    assert seen == [(f"{made.task_id}.1", f"00-{ids}-01")]
    assert attempt.attributes["rampart.outcome"] == ("succeeded" if error is None else "failed")
    assert (attempt.status.status_code is StatusCode.ERROR) is (error is not None)
    told = "CompleteTask" if error is None else "FailTask"
    (call,) = spans.named(f"/rampart.task.v1.TaskService/{told}")
    assert call.parent is not None and call.parent.span_id == attempt.context.span_id
    # What a worker asks for when it has nothing to do belongs to no trace.
    assert not spans.named("/rampart.task.v1.TaskService/LeaseTasks")


@pytest.mark.parametrize(("result", "reference"), [(None, ""), (Reference("s3://b/k"), "s3://b/k")])
async def test_result_may_be_nothing_or_elsewhere(tasks: Tasks, work: Working, result: Result, reference: str) -> None:
    kind = a_kind()

    async def handler(_: LeasedTask) -> Result:
        return result

    async with work({kind: handler}):
        task = await tasks.until((await tasks.create(kind=kind)).task_id, "succeeded")
    assert (task.HasField("result"), task.result_reference) == (False, reference)


@pytest.mark.parametrize(
    ("error", "ends", "told"),
    [
        (TaskFailure("FileMissing", "no such file", retryable=False), "failed", ("FileMissing", "no such file", False)),
        (TaskFailure("Later", "not yet"), "dead", ("Later", "not yet", True)),
        (MeshError(Kind.UNAVAILABLE, "GONE", "away"), "dead", ("GONE", "away", True)),
        (MeshError(Kind.NOT_FOUND, "NONE", "not there"), "failed", ("NONE", "not there", False)),
        (ValueError("secret"), "dead", ("ValueError", "the handler failed; the worker's log says why", True)),
    ],
)
async def test_error_of_a_handler_is_told_with_its_type(
    tasks: Tasks, work: Working, error: Exception, ends: str, told: tuple[str, str, bool]
) -> None:
    kind = a_kind()

    async def handler(_: LeasedTask) -> Result:
        raise error

    async with work({kind: handler}):
        made = await tasks.create(kind=kind, max_attempts=1)
        task = await tasks.until(made.task_id, "failed", "dead")
    assert task.state == ends
    assert (task.error.type, task.error.message, task.error.retryable) == told


@pytest.mark.parametrize("result", [{"x": "y" * (1 << 20)}, {"x": object()}])
async def test_result_that_cannot_be_stored_fails_the_task(tasks: Tasks, work: Working, result: Any) -> None:
    kind = a_kind()

    async def handler(_: LeasedTask) -> Result:
        return dict(result)

    async with work({kind: handler}):
        task = await tasks.until((await tasks.create(kind=kind)).task_id, "failed")
    assert task.error.type in ("RESULT_TOO_LARGE", "MALFORMED_REQUEST")


async def test_next_attempt_resumes_from_the_checkpoint(tasks: Tasks, work: Working) -> None:
    kind, began = a_kind(), []

    async def handler(task: LeasedTask) -> Result:
        first = int(task.resumed["next"]) if task.resumed else 0
        began.append(first)
        for step in range(first, 6):
            task.progress(step, 6, f"step {step}")
            await task.checkpoint({"next": step + 1})
            if step == 2 and task.attempt == 1:
                raise TaskFailure("Broken", "half way")
        return {"steps": 6}

    async with work({kind: handler}):
        made = await tasks.create(kind=kind)
        states = [response.task async for response in tasks.watch(made.task_id)]
    assert began == [0, 3]
    assert states[-1].state == "succeeded"
    done = [(state.attempt_count, state.progress.done) for state in states]
    assert done == sorted(done)


async def reached(started: asyncio.Semaphore, times: int = 1) -> None:
    """Waits until handlers have started. What the service says is running may still be on its way to its worker."""
    async with asyncio.timeout(10):
        for _ in range(times):
            await started.acquire()


async def test_cancellation_reaches_the_handler_within_a_second(tasks: Tasks, work: Working) -> None:
    kind, cancelled = a_kind(), []

    async def handler(_: LeasedTask) -> Result:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(time.monotonic())
            raise
        return None

    async with work({kind: handler}, concurrency=4):
        for _ in range(3):
            made = await tasks.create(kind=kind)
            await tasks.until(made.task_id, "running")
            await asyncio.sleep(0.1)
            asked = time.monotonic()
            assert (await tasks.cancel(made.task_id)).state == "cancelling"
            task = await tasks.until(made.task_id, "cancelled")
            assert cancelled.pop() - asked < 1.0
            assert (task.error.type, [each.outcome for each in await tasks.attempts(made.task_id)]) == (
                "Cancelled", ["cancelled"]
            )  # fmt: skip


async def test_handler_that_finishes_in_spite_of_its_cancellation_has_succeeded(tasks: Tasks, work: Working) -> None:
    kind, started = a_kind(), asyncio.Semaphore(0)

    async def handler(_: LeasedTask) -> Result:
        started.release()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return {"saved": True}
        return None

    async with work({kind: handler}):
        made = await tasks.create(kind=kind)
        await reached(started)
        await tasks.cancel(made.task_id)
        await tasks.until(made.task_id, "succeeded")


async def test_worker_that_stops_gives_its_tasks_back_without_counting_the_attempt(tasks: Tasks, work: Working) -> None:
    kind, started = a_kind(), asyncio.Semaphore(0)

    async def handler(task: LeasedTask) -> Result:
        started.release()
        return await forever(task)

    async with work({kind: handler}):
        made = [await tasks.create(kind=kind, max_attempts=1) for _ in range(3)]
        await reached(started, len(made))
        stopping = time.monotonic()
    assert time.monotonic() - stopping < 2
    for task in made:
        found = await tasks.get(task.task_id)
        assert (found.state, found.attempt_count) == ("pending", 0)
        assert [each.outcome for each in await tasks.attempts(task.task_id)] == ["returned"]


async def test_worker_that_is_cancelled_again_and_again_still_gives_its_tasks_back(
    task: Node, certificates: Certificates, tasks: Tasks, work: Working
) -> None:
    kind, started = a_kind(), asyncio.Semaphore(0)

    async def slow(_: LeasedTask) -> Result:
        started.release()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.5)
        return None

    async with work({kind: slow}) as worker:
        made = await tasks.create(kind=kind)
        await reached(started)
        (running,) = [each for each in asyncio.all_tasks() if "Worker.run" in repr(each.get_coro())]
        assert worker.name
        while not running.done():
            running.cancel()
            await asyncio.sleep(0.05)
    assert (await tasks.get(made.task_id)).state == "pending"


async def test_so_many_handlers_run_at_once_and_no_more(tasks: Tasks, work: Working) -> None:
    kind, now, most = a_kind(), 0, 0

    async def handler(_: LeasedTask) -> Result:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.05)
        now -= 1
        return None

    async with work({kind: handler}, concurrency=3):
        made = [await tasks.create(kind=kind) for _ in range(12)]
        for task in made:
            await tasks.until(task.task_id, "succeeded")
    assert most == 3


async def test_limits_that_a_worker_declares_hold_for_all_workers(tasks: Tasks, work: Working) -> None:
    kind, now, most = a_kind(), 0, 0

    async def handler(_: LeasedTask) -> Result:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.05)
        now -= 1
        return None

    limits = {kind: KindLimits(max_running=2)}
    async with work({kind: handler}, limits=limits), work({kind: handler}, limits=limits):
        await asyncio.sleep(0.2)
        made = [await tasks.create(kind=kind) for _ in range(10)]
        for task in made:
            await tasks.until(task.task_id, "succeeded")
    assert most == 2


async def test_long_work_keeps_its_lease(tasks: Tasks, work: Working) -> None:
    kind, attempts = a_kind(), []

    async def handler(task: LeasedTask) -> Result:
        attempts.append(task.attempt)
        await asyncio.sleep(3.5)
        return None

    async with work({kind: handler}, lease_seconds=2):
        await tasks.until((await tasks.create(kind=kind)).task_id, "succeeded")
    assert attempts == [1]


async def test_lost_lease_cancels_the_handler_and_stops_its_writes(tasks: Tasks, work: Working) -> None:
    """A handler that blocks the loop past its lease is like a process that was stopped."""
    kind = a_kind()
    events: list[object] = []

    async def handler(task: LeasedTask) -> Result:
        if task.attempt > 1:
            return {"attempt": task.attempt}
        time.sleep(3.5)  # noqa: ASYNC251 - nothing of this process runs meanwhile
        events.append(task.held)
        try:
            await task.checkpoint({"late": True})
            await asyncio.sleep(5)
        except (asyncio.CancelledError, LeaseLostError):
            events.append("stopped")
            raise
        return {"attempt": 1}

    async with work({kind: handler}, lease_seconds=2):
        made = await tasks.create(kind=kind)
        task = await tasks.until(made.task_id, "succeeded")
        await asyncio.sleep(0.5)
    assert json_format.MessageToDict(task.result) == {"attempt": 2.0}
    assert events == [False, "stopped"]
    assert not task.HasField("checkpoint")
    assert [each.outcome for each in await tasks.attempts(made.task_id)] == ["succeeded", "expired"]
