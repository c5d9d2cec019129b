"""Converts between messages and schedules."""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.field_mask_pb2 import FieldMask
from rampart.task.v1 import schedule_pb2
from rampart.task.v1 import task_service_pb2 as pb

from meshkit.preconditions import etag_from_revision
from meshkit.updates import Updates
from services.task import errors
from services.task.convert.parts import (
    fingerprint_from_proto,
    priority_from_name,
    struct_from_proto,
    structs_to_proto,
    time_to_proto,
    times_to_proto,
)
from services.task.domain.schedules import DEFAULT_ZONE, NewSchedule, Schedule, ScheduleChange
from services.task.domain.tasks import DEFAULT_ATTEMPTS, MANUAL, NONE, PRIORITIES

__all__ = [
    "new_schedule_from_proto",
    "schedule_change_from_proto",
    "schedule_check_from_proto",
    "schedule_to_proto",
]

_SCHEDULE = Updates(
    "schedule",
    schedule_pb2.Schedule,
    identifier="schedule_id",
    mutable=["title", "cron", "time_zone", "arguments", "priority", "max_attempts", "state"],
    fixed=["kind", "create_time"],
    # A run of a schedule is no change of it.
    unversioned=["next_run_time", "last_run_time", "last_task_id"],
)


def new_schedule_from_proto(message: pb.CreateScheduleRequest, tenant_id: str) -> NewSchedule:
    """Returns the schedule to create. Raises VALIDATION_FAILED."""
    kind = message.kind or MANUAL
    if kind == MANUAL and not message.title:
        raise errors.invalid_field("title", "title.required", "is required for manual tasks")
    return NewSchedule(
        tenant_id,
        message.schedule_id,
        message.cron,
        message.time_zone or DEFAULT_ZONE,
        message.title,
        kind,
        struct_from_proto(message, "arguments") or b"",
        priority_from_name(message.priority),
        message.max_attempts or DEFAULT_ATTEMPTS,
        fingerprint_from_proto(message),
    )


def schedule_to_proto(schedule: Schedule) -> schedule_pb2.Schedule:
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
        create_time=time_to_proto(schedule.created_at),
        update_time=time_to_proto(schedule.updated_at),
        etag=etag_from_revision(schedule.revision),
    )
    times_to_proto(message, next_run_time=schedule.next_run_at, last_run_time=schedule.last_run_at)
    structs_to_proto(message, arguments=schedule.arguments or None)
    return message


def schedule_change_from_proto(message: schedule_pb2.Schedule, mask: FieldMask) -> ScheduleChange:
    """Raises VALIDATION_FAILED for a mask that names what is no field of a schedule. What is emptied gets its default.

    A state has none: to empty it would let a paused schedule run.
    """
    named = _SCHEDULE.changes(message, mask)
    if not message.state and "state" in mask.paths:
        raise errors.invalid_field("state", "state.required", "must not be empty")
    return ScheduleChange(
        title=message.title if "title" in named else NONE,
        cron=message.cron if "cron" in named else NONE,
        time_zone=message.time_zone or DEFAULT_ZONE if "time_zone" in named else NONE,
        arguments=struct_from_proto(message, "arguments") or b"" if "arguments" in named else NONE,
        priority=priority_from_name(message.priority) if "priority" in named else NONE,
        max_attempts=message.max_attempts or DEFAULT_ATTEMPTS if "max_attempts" in named else NONE,
        paused=message.state == "paused" if "state" in named and message.state else NONE,
    )


def schedule_check_from_proto(message: schedule_pb2.Schedule, mask: FieldMask) -> Callable[[Schedule], None] | None:
    """Returns what compares a schedule with what an update says of it besides its changes, None for nothing.

    What it returns raises VALIDATION_FAILED.
    """
    claims = _SCHEDULE.claims(message, mask)
    untitled = "title" in _SCHEDULE.changes(message, mask) and not message.title

    def check(schedule: Schedule) -> None:
        _SCHEDULE.check(claims, message, schedule_to_proto(schedule))
        if untitled and schedule.kind == MANUAL:
            raise errors.invalid_field("title", "title.required", "is required for manual tasks")

    return check if claims or untitled else None
