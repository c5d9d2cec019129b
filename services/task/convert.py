"""Between messages and the domain of the task service."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from rampart.task.v1 import schedule_pb2, task_pb2
from rampart.task.v1 import task_service_pb2 as pb

from services.task import errors
from services.task.domain.leases import Beat, Ending, KindLimits, Lease, Outcome
from services.task.domain.schedules import NewSchedule, Schedule, ScheduleChange
from services.task.domain.tasks import (
    DEFAULT_ATTEMPTS,
    DEFAULT_PRIORITY,
    MANUAL,
    NONE,
    PRIORITIES,
    Attempt,
    Fault,
    NewTask,
    Progress,
    Task,
    TaskChange,
    TaskFilter,
)
from services.task.ports import Created

__all__ = [
    "attempt_message",
    "beat",
    "completion",
    "created_message",
    "failure",
    "kind_limits",
    "lease",
    "lease_message",
    "leased_message",
    "new_schedule",
    "new_task",
    "revision_of",
    "schedule_change",
    "schedule_message",
    "task_change",
    "task_filter",
    "task_message",
]

MAX_ARGUMENTS_BYTES = 256 << 10
DEFAULT_LEASE_SECONDS = 30
LEAST_LEASE_SECONDS = 2

_NUMBERS = {name: number for number, name in enumerate(PRIORITIES)}
_TASK_FIELDS = ("title", "priority", "assignee", "due_time", "state")
_SCHEDULE_FIELDS = ("title", "cron", "time_zone", "arguments", "priority", "max_attempts", "state")
_NO_REVISION = -1
"""What no state has."""


def new_task(message: pb.CreateTaskRequest, tenant_id: str) -> NewTask:
    """Returns the task to create. Raises VALIDATION_FAILED."""
    kind = message.kind or MANUAL
    if kind == MANUAL and not message.title:
        raise errors.invalid_field("title", "title.required", "is required for manual tasks")
    named = bool(message.request_id)
    return NewTask(
        tenant_id,
        message.title,
        priority_of(message.priority),
        kind,
        _struct(message, "arguments", MAX_ARGUMENTS_BYTES) or b"",
        message.assignee,
        _time(message, "due_time"),
        _time(message, "run_after"),
        message.unique_key,
        message.max_attempts or DEFAULT_ATTEMPTS,
        UUID(message.request_id) if named else None,
        _fingerprint(message) if named else b"",
    )


def created_message(request: pb.CreateTaskRequest, new: NewTask, created: Created) -> task_pb2.Task:
    """Returns a task as it was created: also later, when its request comes again."""
    if created.existing is not None:
        return task_message(created.existing)
    made = _timestamp(created.created_at)
    message = task_pb2.Task(
        task_id=str(created.task_id),
        title=new.title,
        priority=PRIORITIES[new.priority],
        kind=new.kind,
        state="pending",
        assignee=new.assignee,
        run_after=_timestamp(created.run_after),
        unique_key=new.unique_key,
        max_attempts=new.max_attempts,
        create_time=made,
        update_time=made,
        etag='"1"',
    )
    if request.HasField("arguments"):
        message.arguments.CopyFrom(request.arguments)
    if request.HasField("due_time"):
        message.due_time.CopyFrom(request.due_time)
    return message


def task_message(task: Task) -> task_pb2.Task:
    message = task_pb2.Task(
        task_id=str(task.task_id),
        title=task.title,
        priority=PRIORITIES[task.priority],
        kind=task.kind,
        state=task.state,
        assignee=task.assignee,
        run_after=_timestamp(task.run_after),
        unique_key=task.unique_key,
        max_attempts=task.max_attempts,
        attempt_count=task.attempt_count,
        result_reference=task.result_reference,
        worker=task.worker,
        schedule_id=task.schedule_id,
        create_time=_timestamp(task.created_at),
        update_time=_timestamp(task.updated_at),
        etag=f'"{task.revision}"',
    )
    _put_times(message, due_time=task.due_at, start_time=task.started_at, finish_time=task.finished_at)
    _put_structs(message, arguments=task.arguments or None, checkpoint=task.checkpoint, result=task.result)
    _put_report(message, task.progress, task.error)
    return message


def attempt_message(attempt: Attempt) -> task_pb2.Attempt:
    message = task_pb2.Attempt(number=attempt.number, worker=attempt.worker, outcome=attempt.outcome)
    _put_times(message, start_time=attempt.started_at, finish_time=attempt.finished_at)
    _put_report(message, attempt.progress, attempt.error)
    return message


def task_filter(message: pb.ListTasksRequest) -> TaskFilter:
    return TaskFilter(message.state, message.kind, _NUMBERS.get(message.priority, -1), message.assignee)


def task_change(message: task_pb2.Task, mask: FieldMask) -> TaskChange:
    """Raises VALIDATION_FAILED for a mask that names what cannot be changed."""
    named = _masked(message, mask, _TASK_FIELDS)
    return TaskChange(
        title=message.title if "title" in named else NONE,
        priority=priority_of(message.priority) if "priority" in named else NONE,
        assignee=message.assignee if "assignee" in named else NONE,
        due_at=_time(message, "due_time") if "due_time" in named else NONE,
        state=message.state if "state" in named and message.state else NONE,
    )


def revision_of(etag: str) -> int | None:
    """Returns the revision that an etag names, None without one. The quotes of the etag may be missing."""
    digits = etag.strip('"')
    if not etag:
        return None
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else _NO_REVISION


def priority_of(name: str) -> int:
    return _NUMBERS[name] if name else DEFAULT_PRIORITY


def new_schedule(message: pb.CreateScheduleRequest, tenant_id: str) -> NewSchedule:
    """Returns the schedule to create. Raises VALIDATION_FAILED."""
    kind = message.kind or MANUAL
    if kind == MANUAL and not message.title:
        raise errors.invalid_field("title", "title.required", "is required for manual tasks")
    return NewSchedule(
        tenant_id,
        message.schedule_id,
        message.cron,
        message.time_zone or "UTC",
        message.title,
        kind,
        _struct(message, "arguments", MAX_ARGUMENTS_BYTES) or b"",
        priority_of(message.priority),
        message.max_attempts or DEFAULT_ATTEMPTS,
        _fingerprint(message),
    )


def schedule_message(schedule: Schedule) -> schedule_pb2.Schedule:
    message = schedule_pb2.Schedule(
        schedule_id=schedule.schedule_id,
        title=schedule.title,
        cron=schedule.cron,
        time_zone=schedule.time_zone,
        kind=schedule.kind,
        priority=PRIORITIES[schedule.priority],
        max_attempts=schedule.max_attempts,
        state="paused" if schedule.paused else "active",
        last_task_id=str(schedule.last_task_id or ""),
        create_time=_timestamp(schedule.created_at),
        update_time=_timestamp(schedule.updated_at),
        etag=f'"{schedule.revision}"',
    )
    _put_times(message, next_run_time=schedule.next_run_at, last_run_time=schedule.last_run_at)
    _put_structs(message, arguments=schedule.arguments or None)
    return message


def schedule_change(message: schedule_pb2.Schedule, mask: FieldMask) -> ScheduleChange:
    """Raises VALIDATION_FAILED for a mask that names what cannot be changed. What is emptied gets its default."""
    named = _masked(message, mask, _SCHEDULE_FIELDS)
    return ScheduleChange(
        title=message.title if "title" in named else NONE,
        cron=message.cron if "cron" in named else NONE,
        time_zone=message.time_zone or "UTC" if "time_zone" in named else NONE,
        arguments=_struct(message, "arguments", MAX_ARGUMENTS_BYTES) or b"" if "arguments" in named else NONE,
        priority=priority_of(message.priority) if "priority" in named else NONE,
        max_attempts=message.max_attempts or DEFAULT_ATTEMPTS if "max_attempts" in named else NONE,
        paused=message.state == "paused" if "state" in named else NONE,
    )


def kind_limits(messages: Iterable[pb.KindDeclaration]) -> list[KindLimits]:
    return [KindLimits(each.kind, each.max_running, each.max_running_per_tenant, each.internal) for each in messages]


def leased_message(task: Task, seconds: float) -> pb.LeasedTask:
    message = pb.LeasedTask(
        tenant_id=task.tenant_id,
        task_id=str(task.task_id),
        token=task.fence,
        kind=task.kind,
        attempt=task.attempt_count,
        max_attempts=task.max_attempts,
        lease_seconds=int(seconds),
        title=task.title,
    )
    _put_structs(message, arguments=task.arguments or None, checkpoint=task.checkpoint)
    _put_report(message, task.progress, None)
    return message


def lease_seconds(asked: int) -> float:
    return float(max(LEAST_LEASE_SECONDS, asked or DEFAULT_LEASE_SECONDS))


def lease(message: pb.Lease) -> Lease:
    return Lease(str(UUID(message.tenant_id)), str(UUID(message.task_id)), message.token)


def lease_message(lease: Lease) -> pb.Lease:
    return pb.Lease(tenant_id=lease.tenant_id, task_id=lease.task_id, token=lease.token)


def beat(message: pb.Beat) -> Beat:
    """Raises VALIDATION_FAILED for a checkpoint that is too large."""
    return Beat(
        lease(message.lease),
        lease_seconds(message.lease_seconds),
        _progress(message),
        _struct(message, "checkpoint", MAX_ARGUMENTS_BYTES),
    )


def completion(message: pb.CompleteTaskRequest) -> Ending:
    return Ending(
        Outcome.SUCCEEDED,
        result=message.result.SerializeToString(deterministic=True) if message.HasField("result") else None,
        result_reference=message.result_reference,
        progress=_progress(message),
    )


def failure(message: task_pb2.TaskError) -> Ending:
    return Ending(Outcome.FAILED, fault=Fault(message.type, message.message, message.retryable))


def _progress(message: pb.Beat | pb.CompleteTaskRequest) -> Progress | None:
    if not message.HasField("progress"):
        return None
    return Progress(message.progress.done, message.progress.total, message.progress.message)


def _put_report(message: Any, progress: Progress | None, fault: Fault | None) -> None:
    if progress is not None:
        told = task_pb2.Progress(done=progress.done, total=progress.total, message=progress.message)
        message.progress.CopyFrom(told)
    if fault is not None:
        message.error.CopyFrom(task_pb2.TaskError(type=fault.type, message=fault.message, retryable=fault.retryable))


def _put_times(message: Message, **times: datetime | None) -> None:
    for name, time in times.items():
        if time is not None:
            getattr(message, name).CopyFrom(_timestamp(time))


def _put_structs(message: Message, **structs: bytes | None) -> None:
    for name, serialised in structs.items():
        if serialised is not None:
            # An empty one is set nevertheless.
            getattr(message, name).CopyFrom(Struct.FromString(serialised))


def _struct(message: Message, name: str, limit: int) -> bytes | None:
    """Returns a struct serialised, None if it is not set. Raises VALIDATION_FAILED above `limit` bytes."""
    if not message.HasField(name):
        return None
    serialised: bytes = getattr(message, name).SerializeToString(deterministic=True)
    if len(serialised) > limit:
        raise errors.invalid_field(name, f"{name}.max_bytes", f"has more than {limit} bytes")
    return serialised


def _time(message: Message, name: str) -> datetime | None:
    """Raises VALIDATION_FAILED for a time that is none."""
    if not message.HasField(name):
        return None
    try:
        time: datetime = getattr(message, name).ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise errors.invalid_field(name, "timestamp.valid", "is not a valid time") from None
    return time


def _timestamp(time: datetime) -> Timestamp:
    seconds = int(time.timestamp())
    # Exact: a float of seconds has no room for microseconds.
    return Timestamp(seconds=seconds if time.timestamp() >= 0 else seconds - 1, nanos=time.microsecond * 1000)


def _masked(message: Message, mask: FieldMask, mutable: tuple[str, ...]) -> set[str]:
    """Returns the fields to change (AIP-134): those that the mask names, all for `*`, those set if there is none."""
    if not mask.paths:
        return {field.name for field, _ in message.ListFields()} & set(mutable)
    if list(mask.paths) == ["*"]:
        return set(mutable)
    # The etag says which state to change and may be named along with what changes. A member of a struct stands for it.
    named = {path.partition(".")[0] for path in mask.paths} - {"etag"}
    if not named <= set(mutable):
        raise errors.mask_unusable(mutable)
    return named


def _fingerprint(message: pb.CreateTaskRequest | pb.CreateScheduleRequest) -> bytes:
    """Returns what is equal for requests of equal content."""
    content = type(message).FromString(message.SerializeToString())
    if isinstance(content, pb.CreateTaskRequest):
        # The same UUID can be written in more than one way.
        content.request_id = ""
    return blake2b(content.SerializeToString(deterministic=True), digest_size=16).digest()
