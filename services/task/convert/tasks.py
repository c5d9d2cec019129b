"""Converts between messages and tasks."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask
from rampart.task.v1 import task_pb2
from rampart.task.v1 import task_service_pb2 as pb

from meshkit.preconditions import etag_from_revision
from meshkit.updates import Updates
from services.task import errors
from services.task.convert.parts import (
    PRIORITY_NUMBERS,
    fingerprint_from_proto,
    priority_from_name,
    report_to_proto,
    struct_from_proto,
    structs_to_proto,
    time_from_proto,
    time_to_proto,
    times_to_proto,
)
from services.task.domain.tasks import (
    DEFAULT_ATTEMPTS,
    MANUAL,
    NONE,
    PRIORITIES,
    Attempt,
    NewTask,
    Task,
    TaskChange,
    TaskFilter,
)
from services.task.ports import Created

__all__ = [
    "attempt_to_proto",
    "created_to_proto",
    "filter_from_proto",
    "new_task_from_proto",
    "task_change_from_proto",
    "task_check_from_proto",
    "task_to_proto",
]

_TASK = Updates(
    "task",
    task_pb2.Task,
    identifier="task_id",
    mutable=["title", "priority", "assignee", "due_time", "state"],
    fixed=["kind", "arguments", "unique_key", "max_attempts", "schedule_id", "create_time"],
)


def new_task_from_proto(message: pb.CreateTaskRequest, tenant_id: str) -> NewTask:
    """Returns the task to create. Raises VALIDATION_FAILED."""
    kind = message.kind or MANUAL
    if kind == MANUAL and not message.title:
        raise errors.invalid_field("title", "title.required", "is required for manual tasks")
    named = bool(message.request_id)
    return NewTask(
        tenant_id,
        message.title,
        priority_from_name(message.priority),
        kind,
        struct_from_proto(message, "arguments") or b"",
        message.assignee,
        time_from_proto(message, "due_time"),
        time_from_proto(message, "run_after"),
        message.unique_key,
        message.max_attempts or DEFAULT_ATTEMPTS,
        UUID(message.request_id) if named else None,
        fingerprint_from_proto(message) if named else b"",
    )


def created_to_proto(request: pb.CreateTaskRequest, new: NewTask, created: Created) -> task_pb2.Task:
    """Returns a task as it was created: also later, when its request comes again."""
    if created.existing is not None:
        return task_to_proto(created.existing)
    made = time_to_proto(created.created_at)
    message = task_pb2.Task(
        task_id=str(created.task_id),
        title=new.title,
        priority=PRIORITIES[new.priority],
        kind=new.kind,
        state="pending",
        assignee=new.assignee,
        run_after=time_to_proto(created.run_after),
        unique_key=new.unique_key,
        max_attempts=new.max_attempts,
        create_time=made,
        update_time=made,
        etag=etag_from_revision(1),
    )
    times_to_proto(message, due_time=new.due_at)
    if new.arguments:
        message.arguments.CopyFrom(request.arguments)
    return message


def task_to_proto(task: Task) -> task_pb2.Task:
    message = task_pb2.Task(
        task_id=str(task.task_id),
        title=task.title,
        priority=PRIORITIES[task.priority],
        kind=task.kind,
        state=task.state,
        assignee=task.assignee,
        run_after=time_to_proto(task.run_after),
        unique_key=task.unique_key,
        max_attempts=task.max_attempts,
        attempt_count=task.attempt_count,
        result_reference=task.result_reference,
        worker=task.worker,
        schedule_id=task.schedule_id,
        create_time=time_to_proto(task.created_at),
        update_time=time_to_proto(task.updated_at),
        etag=etag_from_revision(task.revision),
    )
    times_to_proto(message, due_time=task.due_at, start_time=task.started_at, finish_time=task.finished_at)
    structs_to_proto(message, arguments=task.arguments or None, checkpoint=task.checkpoint, result=task.result)
    report_to_proto(message, task.progress, task.error)
    return message


def attempt_to_proto(attempt: Attempt) -> task_pb2.Attempt:
    message = task_pb2.Attempt(number=attempt.number, worker=attempt.worker, outcome=attempt.outcome)
    times_to_proto(message, start_time=attempt.started_at, finish_time=attempt.finished_at)
    report_to_proto(message, attempt.progress, attempt.error)
    return message


def filter_from_proto(message: pb.ListTasksRequest) -> TaskFilter:
    return TaskFilter(message.state, message.kind, PRIORITY_NUMBERS.get(message.priority, -1), message.assignee)


def task_change_from_proto(message: task_pb2.Task, mask: FieldMask) -> TaskChange:
    """Raises VALIDATION_FAILED for a mask that names what is no field of a task, and for what must not be empty."""
    named = _TASK.changes(message, mask)
    for name in {"title", "state"}.intersection(mask.paths):
        if not getattr(message, name):
            raise errors.invalid_field(name, f"{name}.required", "must not be empty")
    return TaskChange(
        title=message.title if "title" in named and message.title else NONE,
        priority=priority_from_name(message.priority) if "priority" in named else NONE,
        assignee=message.assignee if "assignee" in named else NONE,
        due_at=time_from_proto(message, "due_time") if "due_time" in named else NONE,
        state=message.state if "state" in named and message.state else NONE,
    )


def task_check_from_proto(message: task_pb2.Task, mask: FieldMask) -> Callable[[Task], None] | None:
    """Returns what compares a task with what an update says of it besides its changes, None if it says nothing.

    What it returns raises VALIDATION_FAILED.
    """
    claims = _TASK.claims(message, mask)
    return (lambda task: _TASK.check(claims, message, task_to_proto(task))) if claims else None
