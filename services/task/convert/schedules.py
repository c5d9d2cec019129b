"""Converts between messages and schedules."""

from __future__ import annotations

from google.protobuf.field_mask_pb2 import FieldMask
from rampart.task.v1 import schedule_pb2
from rampart.task.v1 import task_service_pb2 as pb

from services.task import errors
from services.task.convert.parts import (
    fields_from_mask,
    fingerprint_from_proto,
    priority_from_name,
    struct_from_proto,
    structs_to_proto,
    time_to_proto,
    times_to_proto,
)
from services.task.domain.schedules import NewSchedule, Schedule, ScheduleChange
from services.task.domain.tasks import DEFAULT_ATTEMPTS, MANUAL, NONE, PRIORITIES

__all__ = ["new_schedule_from_proto", "schedule_change_from_proto", "schedule_to_proto"]

_MUTABLE = ("title", "cron", "time_zone", "arguments", "priority", "max_attempts", "state")


def new_schedule_from_proto(message: pb.CreateScheduleRequest, tenant_id: str) -> NewSchedule:
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
        etag=f'"{schedule.revision}"',
    )
    times_to_proto(message, next_run_time=schedule.next_run_at, last_run_time=schedule.last_run_at)
    structs_to_proto(message, arguments=schedule.arguments or None)
    return message


def schedule_change_from_proto(message: schedule_pb2.Schedule, mask: FieldMask) -> ScheduleChange:
    """Raises VALIDATION_FAILED for a mask that names what cannot be changed. What is emptied gets its default."""
    named = fields_from_mask(message, mask, _MUTABLE)
    return ScheduleChange(
        title=message.title if "title" in named else NONE,
        cron=message.cron if "cron" in named else NONE,
        time_zone=message.time_zone or "UTC" if "time_zone" in named else NONE,
        arguments=struct_from_proto(message, "arguments") or b"" if "arguments" in named else NONE,
        priority=priority_from_name(message.priority) if "priority" in named else NONE,
        max_attempts=message.max_attempts or DEFAULT_ATTEMPTS if "max_attempts" in named else NONE,
        paused=message.state == "paused" if "state" in named else NONE,
    )
