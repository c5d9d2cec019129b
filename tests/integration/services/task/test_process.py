"""The task service as a process of the mesh, with tokens of the real auth service and workers of the fraud service."""

from __future__ import annotations

import asyncio
import secrets
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from rampart.mesh.v1 import batch_pb2
from rampart.task.v1 import schedule_pb2, task_pb2
from rampart.task.v1 import task_service_pb2 as pb

from meshkit.errors import Kind, from_status
from tests.support.calls import Caller, Credentials, calling, failure, new_client
from tests.support.certificates import Certificates
from tests.support.processes import Node
from tests.support.tasks import NAME, Tasks, a_kind, struct


@pytest.fixture
async def gateway(task: Node, certificates: Certificates) -> AsyncIterator[Caller]:
    async with calling(task.address, NAME, certificates.identity("service/gateway")) as caller:
        yield caller


@pytest.fixture
async def fraud(task: Node, certificates: Certificates) -> AsyncIterator[Caller]:
    async with calling(task.address, NAME, certificates.identity("service/fraud")) as caller:
        yield caller


@pytest.fixture
async def ours(auth: Node, certificates: Certificates) -> Credentials:
    return await new_client(auth, certificates, f"t-{secrets.token_hex(6)}")


@pytest.fixture
def tasks(gateway: Caller, ours: Credentials) -> Tasks:
    return Tasks(gateway, ours)


async def lease(fraud: Caller, kind: str, *, most: int = 1, seconds: int = 30, wait: int = 0) -> list[pb.LeasedTask]:
    request = pb.LeaseTasksRequest(worker="w1", kinds=[kind], max_tasks=most, lease_seconds=seconds, wait_ms=wait)
    return list((await fraud(request, pb.LeaseTasksResponse, timeout=30)).tasks)


def lease_of(task: pb.LeasedTask) -> pb.Lease:
    return pb.Lease(tenant_id=task.tenant_id, task_id=task.task_id, token=task.token)


async def test_manual_task_is_created_read_changed_and_listed(tasks: Tasks) -> None:
    made = await tasks.create(title="Test task", priority="high")
    assert (made.kind, made.state, made.priority, made.max_attempts, made.etag) == (
        "manual",
        "pending",
        "high",
        5,
        '"1"',
    )
    assert await tasks.get(made.task_id) == made
    change = pb.UpdateTaskRequest(
        task=task_pb2.Task(task_id=made.task_id, state="running", assignee="ada", etag=made.etag),
        update_mask=FieldMask(paths=["state", "assignee", "etag"]),
    )
    changed = (await tasks.call(change, pb.UpdateTaskResponse)).task
    assert (changed.state, changed.assignee, changed.etag) == ("running", "ada", '"2"')
    assert (await failure(tasks.call(change, pb.UpdateTaskResponse))).reason == "ETAG_MISMATCH"
    listed = await tasks.call(pb.ListTasksRequest(assignee="ada"), pb.ListTasksResponse)
    assert list(listed.tasks) == [changed]


async def test_pages_continue_after_the_last_task(tasks: Tasks) -> None:
    made = [(await tasks.create(title=str(n))).task_id for n in range(5)]
    request, seen = pb.ListTasksRequest(page_size=2), []
    while True:
        page = await tasks.call(request, pb.ListTasksResponse)
        seen += [task.task_id for task in page.tasks]
        request.page_token = page.next_page_token
        if not request.page_token:
            break
    assert sorted(seen) == sorted(made) and seen == sorted(seen, reverse=True)
    request.page_token = "bm90IG9uZQ"
    assert (await failure(tasks.call(request, pb.ListTasksResponse))).reason == "PAGE_TOKEN_INVALID"


async def test_named_request_is_answered_alike_whatever_became_of_the_task(tasks: Tasks, fraud: Caller) -> None:
    kind, name = a_kind(), str(uuid.uuid4())
    request = pb.CreateTaskRequest(kind=kind, arguments=struct(a=1), request_id=name)
    first = await tasks.call(request, pb.CreateTaskResponse)
    (leased,) = await lease(fraud, kind)
    await fraud(pb.CompleteTaskRequest(lease=lease_of(leased)), pb.CompleteTaskResponse)
    assert await tasks.call(request, pb.CreateTaskResponse) == first
    request.title = "another"
    error = await failure(tasks.call(request, pb.CreateTaskResponse))
    assert (error.kind, error.reason, error.metadata) == (
        Kind.ALREADY_EXISTS, "IDEMPOTENCY_CONFLICT", {"request_id": name}
    )  # fmt: skip


async def test_live_task_of_a_unique_key_answers_a_second_request(tasks: Tasks) -> None:
    first = await tasks.create(unique_key="k", kind=a_kind())
    assert await tasks.create(unique_key="k", kind=first.kind, title="other") == first


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": ""}, "title"),
        ({"priority": "extreme"}, "priority"),
        ({"kind": "Bad Kind"}, "kind"),
        ({"max_attempts": 101}, "max_attempts"),
        ({"arguments": struct(a="x" * 270_000)}, "arguments"),
        ({"request_id": "r1"}, "request_id"),
        ({"title": "a\x00b"}, "title"),
    ],
)
async def test_task_that_breaks_a_constraint_is_refused(tasks: Tasks, fields: dict[str, object], field: str) -> None:
    error = await failure(tasks.create(**fields))
    assert (error.reason, [violation.field for violation in error.violations]) == ("VALIDATION_FAILED", [field])


async def test_task_of_another_tenant_is_not_found(
    tasks: Tasks, gateway: Caller, auth: Node, certificates: Certificates
) -> None:
    theirs = Tasks(gateway, await new_client(auth, certificates, f"t-{secrets.token_hex(6)}"))
    task_id = (await theirs.create()).task_id
    for call in (
        tasks.get(task_id),
        tasks.cancel(task_id),
        tasks.attempts(task_id),
        tasks.call(pb.RetryTaskRequest(task_id=task_id), pb.RetryTaskResponse),
        tasks.call(pb.UpdateTaskRequest(task=task_pb2.Task(task_id=task_id, title="x")), pb.UpdateTaskResponse),
        anext(aiter(tasks.watch(task_id))),
    ):
        assert (await failure(call)).reason == "RESOURCE_NOT_FOUND"


async def test_batch_keeps_the_items_of_each_tenant_and_their_errors_apart(
    gateway: Caller, auth: Node, certificates: Certificates
) -> None:
    clients = [await new_client(auth, certificates, f"t-{secrets.token_hex(6)}") for _ in range(2)]
    asked = [
        (0, pb.CreateTaskRequest(title="a")),
        (1, pb.CreateTaskRequest(title="b")),
        (0, pb.CreateTaskRequest()),
        (1, pb.CreateTaskRequest(title="c")),
    ]
    items = [
        batch_pb2.BatchItem(request=request.SerializeToString(), token=index, timeout_ms=2000)
        for index, request in asked
    ]
    batch = batch_pb2.Batch(tokens=[client.token for client in clients], items=items)
    reply = (await gateway(pb.CoalesceCreateTaskRequest(batch=batch), pb.CoalesceCreateTaskResponse)).reply
    titles = [
        pb.CreateTaskResponse.FromString(result.response).task.title
        if result.HasField("response")
        else from_status(result.status).reason
        for result in reply.results
    ]
    assert titles == ["a", "b", "VALIDATION_FAILED", "c"]
    for client, expected in zip(clients, ({"a"}, {"b", "c"}), strict=True):
        listed = await gateway(pb.ListTasksRequest(), pb.ListTasksResponse, token=client.token)
        assert {task.title for task in listed.tasks} == expected


async def test_scopes_and_callers_are_asked_for(
    task: Node, gateway: Caller, auth: Node, certificates: Certificates
) -> None:
    reader = await new_client(auth, certificates, f"t-{secrets.token_hex(6)}", scopes=["task:read"])
    error = await failure(gateway(pb.CreateTaskRequest(title="x"), pb.CreateTaskResponse, token=reader.token))
    assert (error.reason, error.metadata) == ("SCOPE_MISSING", {"scope": "task:write"})
    request = pb.LeaseTasksRequest(worker="w", kinds=["fraud.x"], max_tasks=1)
    for identity in ("client/local", "service/gateway", "service/user"):
        async with calling(task.address, NAME, certificates.identity(identity)) as caller:
            assert (await failure(caller(request, pb.LeaseTasksResponse))).reason == "CALLER_NOT_ALLOWED"


async def test_service_gets_and_declares_only_work_that_carries_its_name(fraud: Caller) -> None:
    for request, answer in (
        (pb.LeaseTasksRequest(worker="w", kinds=["user.x"], max_tasks=1), pb.LeaseTasksResponse),
        (pb.DeclareWorkRequest(kinds=[pb.KindDeclaration(kind="fraudx.y")]), pb.DeclareWorkResponse),
        (
            pb.DeclareWorkRequest(
                schedules=[pb.CreateScheduleRequest(schedule_id="fraud.s", cron="* * * * *", kind="data.x")]
            ),
            pb.DeclareWorkResponse,
        ),
    ):
        assert (await failure(fraud(request, answer))).reason == "CALLER_NOT_ALLOWED"


async def test_internal_kind_is_not_for_tenants(tasks: Tasks, fraud: Caller) -> None:
    kind = a_kind()
    declared = pb.DeclareWorkRequest(kinds=[pb.KindDeclaration(kind=kind, internal=True)])
    await fraud(declared, pb.DeclareWorkResponse)
    await asyncio.sleep(5.1)
    error = await failure(tasks.create(kind=kind))
    assert [(violation.field, violation.reason) for violation in error.violations] == [("kind", "kind.internal")]
    schedule = pb.CreateScheduleRequest(schedule_id="s", cron="* * * * *", kind=kind)
    assert (await failure(tasks.call(schedule, pb.CreateScheduleResponse))).reason == "VALIDATION_FAILED"


async def test_long_poll_ends_with_the_task_that_it_waited_for(tasks: Tasks, fraud: Caller) -> None:
    kind = a_kind()
    polling = asyncio.create_task(lease(fraud, kind, wait=8_000))
    await asyncio.sleep(0.3)
    made = await tasks.create(kind=kind, arguments=struct(file="a.csv"))
    created = time.monotonic()
    (leased,) = await polling
    assert time.monotonic() - created < 0.5
    assert (leased.task_id, leased.token, leased.attempt) == (made.task_id, 1, 1)
    assert dict(leased.arguments) == {"file": "a.csv"}


async def test_long_poll_without_tasks_ends_empty(fraud: Caller) -> None:
    began = time.monotonic()
    assert await lease(fraud, a_kind(), wait=300) == []
    assert 0.25 < time.monotonic() - began < 1.5


async def test_stale_token_is_refused_everywhere(tasks: Tasks, fraud: Caller) -> None:
    kind = a_kind()
    made = await tasks.create(kind=kind)
    (leased,) = await lease(fraud, kind)
    stale = lease_of(leased)
    stale.token = 0
    error = task_pb2.TaskError(type="x")
    for request, answer in (
        (pb.CompleteTaskRequest(lease=stale), pb.CompleteTaskResponse),
        (pb.FailTaskRequest(lease=stale, error=error), pb.FailTaskResponse),
        (pb.ReleaseTaskRequest(lease=stale), pb.ReleaseTaskResponse),
    ):
        refused = await failure(fraud(request, answer))
        assert (refused.kind, refused.reason, refused.metadata) == (
            Kind.ABORTED, "LEASE_LOST", {"task_id": made.task_id}
        )  # fmt: skip
    beats = pb.HeartbeatRequest(beats=[pb.Beat(lease=stale), pb.Beat(lease=lease_of(leased))])
    pulses = (await fraud(beats, pb.HeartbeatResponse)).pulses
    assert [pulse.lease for pulse in pulses] == ["lost", "held"]


async def test_result_above_a_mebibyte_is_refused_and_says_what_to_do(tasks: Tasks, fraud: Caller) -> None:
    kind = a_kind()
    made = await tasks.create(kind=kind)
    (leased,) = await lease(fraud, kind)
    large = pb.CompleteTaskRequest(lease=lease_of(leased), result=struct(text="x" * (1 << 20)))
    error = await failure(fraud(large, pb.CompleteTaskResponse))
    assert (error.reason, error.metadata["limit"]) == ("RESULT_TOO_LARGE", "1048576")
    assert "store it elsewhere" in error.message
    fitting = pb.CompleteTaskRequest(lease=lease_of(leased), result=struct(text="x" * ((1 << 20) - 100)))
    await fraud(fitting, pb.CompleteTaskResponse)
    assert (await tasks.get(made.task_id)).result == fitting.result


async def test_result_may_be_kept_elsewhere(tasks: Tasks, fraud: Caller) -> None:
    kind = a_kind()
    made = await tasks.create(kind=kind)
    (leased,) = await lease(fraud, kind)
    done = pb.CompleteTaskRequest(lease=lease_of(leased), result_reference="s3://bucket/report.parquet")
    await fraud(done, pb.CompleteTaskResponse)
    task = await tasks.get(made.task_id)
    assert (task.result_reference, task.HasField("result")) == ("s3://bucket/report.parquet", False)


async def test_watch_tells_the_present_state_and_each_change_until_the_last(tasks: Tasks, fraud: Caller) -> None:
    kind = a_kind()
    made = await tasks.create(kind=kind)
    states = aiter(tasks.watch(made.task_id))

    async def following() -> tuple[str, int]:
        task = (await anext(states)).task
        return task.state, task.progress.done

    assert await following() == ("pending", 0)
    (leased,) = await lease(fraud, kind)
    assert await following() == ("running", 0)
    for done in (3, 7):
        beat = pb.Beat(lease=lease_of(leased), progress=task_pb2.Progress(done=done, total=10))
        began = time.monotonic()
        await fraud(pb.HeartbeatRequest(beats=[beat]), pb.HeartbeatResponse)
        assert await following() == ("running", done)
        assert time.monotonic() - began < 0.7
    await fraud(pb.CompleteTaskRequest(lease=lease_of(leased)), pb.CompleteTaskResponse)
    assert await following() == ("succeeded", 7)
    with pytest.raises(StopAsyncIteration):
        await anext(states)
    again = [response.task.state async for response in tasks.watch(made.task_id)]
    assert again == ["succeeded"]


async def test_schedule_is_created_changed_paused_listed_and_deleted(tasks: Tasks) -> None:
    request = pb.CreateScheduleRequest(
        schedule_id="nightly", cron="30 2 * * *", time_zone="Europe/Berlin", kind="report.daily", arguments=struct(a=1)
    )
    made = (await tasks.call(request, pb.CreateScheduleResponse)).schedule
    assert (made.state, made.time_zone, made.priority, made.max_attempts) == ("active", "Europe/Berlin", "normal", 5)
    assert made.next_run_time.ToNanoseconds() > made.create_time.ToNanoseconds()
    assert (await tasks.call(request, pb.CreateScheduleResponse)).schedule == made
    request.cron = "31 2 * * *"
    assert (await failure(tasks.call(request, pb.CreateScheduleResponse))).reason == "RESOURCE_EXISTS"

    async def update(**fields: object) -> schedule_pb2.Schedule:
        sent = schedule_pb2.Schedule(schedule_id="nightly", **fields)  # type: ignore[arg-type]
        answer = await tasks.call(pb.UpdateScheduleRequest(schedule=sent), pb.UpdateScheduleResponse)
        found: schedule_pb2.Schedule = answer.schedule
        return found

    changed = await update(cron="0 3 * * *", priority="high", etag=made.etag)
    assert (changed.cron, changed.priority, changed.etag) == ("0 3 * * *", "high", '"2"')
    assert (await failure(update(cron="0 4 * * *", etag=made.etag))).reason == "ETAG_MISMATCH"
    paused = await tasks.call(pb.PauseScheduleRequest(schedule_id="nightly"), pb.PauseScheduleResponse)
    assert (paused.schedule.state, paused.schedule.HasField("next_run_time")) == ("paused", False)
    resumed = await tasks.call(pb.ResumeScheduleRequest(schedule_id="nightly"), pb.ResumeScheduleResponse)
    assert (resumed.schedule.state, resumed.schedule.HasField("next_run_time")) == ("active", True)
    listed = await tasks.call(pb.ListSchedulesRequest(), pb.ListSchedulesResponse)
    assert list(listed.schedules) == [resumed.schedule]
    await tasks.call(pb.DeleteScheduleRequest(schedule_id="nightly"), pb.DeleteScheduleResponse)
    gone = await failure(tasks.call(pb.GetScheduleRequest(schedule_id="nightly"), pb.GetScheduleResponse))
    assert gone.metadata == {"resource": "schedule"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"cron": "61 * * * *"}, "cron"),
        ({"cron": "* * * * * *"}, "cron"),
        ({"cron": "0 0 30 2 *"}, "cron"),
        ({"cron": "@daily"}, "cron"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"kind": ""}, "title"),
    ],
)
async def test_schedule_that_cannot_run_is_refused(tasks: Tasks, fields: dict[str, Any], field: str) -> None:
    request = pb.CreateScheduleRequest(**{"schedule_id": "s", "cron": "* * * * *", "kind": "a.b", **fields})
    error = await failure(tasks.call(request, pb.CreateScheduleResponse))
    assert [violation.field for violation in error.violations] == [field]


async def test_a_service_has_work_of_its_own_done_for_the_tenant_of_a_call(
    fraud: Caller, gateway: Caller, auth: Node, certificates: Certificates
) -> None:
    scopes = ("scenario:write", "task:write", "task:read")
    ours, theirs = [await new_client(auth, certificates, f"t-{secrets.token_hex(6)}", scopes=scopes) for _ in range(2)]
    kind = a_kind()
    declared = pb.DeclareWorkRequest(kinds=[pb.KindDeclaration(kind=kind, internal=True)])
    await fraud(declared, pb.DeclareWorkResponse)

    async def asked(request: Any, answer: Any, whose: Credentials = ours, peer: Caller = fraud) -> Any:
        return await peer(request, answer, token=whose.token)

    new = pb.SubmitTaskRequest(task=pb.CreateTaskRequest(title="w", kind=kind, request_id=str(uuid.uuid4())))
    made = (await asked(new, pb.SubmitTaskResponse)).task
    assert (await asked(new, pb.SubmitTaskResponse)).task == made, "once for one request"
    seen = pb.GetSubmittedTasksRequest(task_ids=[made.task_id])
    assert [each.state for each in (await asked(seen, pb.GetSubmittedTasksResponse)).tasks] == ["pending"]
    assert not (await asked(seen, pb.GetSubmittedTasksResponse, theirs)).tasks
    cancel = pb.CancelSubmittedTaskRequest(task_id=made.task_id)
    assert (await failure(asked(cancel, pb.CancelSubmittedTaskResponse, theirs))).reason == "RESOURCE_NOT_FOUND"
    assert (await asked(cancel, pb.CancelSubmittedTaskResponse)).task.state == "cancelled"
    other = pb.SubmitTaskRequest(task=pb.CreateTaskRequest(title="w", kind="data.export"))
    assert (await failure(asked(other, pb.SubmitTaskResponse))).reason == "CALLER_NOT_ALLOWED"
    assert (await failure(asked(new, pb.SubmitTaskResponse, peer=gateway))).reason == "CALLER_NOT_ALLOWED"
    mine = (await asked(pb.CreateTaskRequest(title="w", kind="manual"), pb.CreateTaskResponse, peer=gateway)).task
    for_people = pb.CancelSubmittedTaskRequest(task_id=mine.task_id)
    assert (await failure(asked(for_people, pb.CancelSubmittedTaskResponse))).reason == "RESOURCE_NOT_FOUND"
    assert not (await asked(pb.GetSubmittedTasksRequest(task_ids=[mine.task_id]), pb.GetSubmittedTasksResponse)).tasks
