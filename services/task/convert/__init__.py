"""Between messages and the domain of the task service."""

from __future__ import annotations

from services.task.convert.parts import admits_from_proto
from services.task.convert.schedules import (
    new_schedule_from_proto,
    schedule_change_from_proto,
    schedule_check_from_proto,
    schedule_to_proto,
)
from services.task.convert.tasks import (
    attempt_to_proto,
    created_to_proto,
    filter_from_proto,
    new_task_from_proto,
    task_change_from_proto,
    task_check_from_proto,
    task_to_proto,
)
from services.task.convert.work import (
    beat_from_proto,
    completion_from_proto,
    failure_from_proto,
    kinds_from_proto,
    lease_from_proto,
    lease_seconds_from_proto,
    lease_to_proto,
    leased_to_proto,
)

__all__ = [
    "admits_from_proto",
    "attempt_to_proto",
    "beat_from_proto",
    "completion_from_proto",
    "created_to_proto",
    "failure_from_proto",
    "filter_from_proto",
    "kinds_from_proto",
    "lease_from_proto",
    "lease_seconds_from_proto",
    "lease_to_proto",
    "leased_to_proto",
    "new_schedule_from_proto",
    "new_task_from_proto",
    "schedule_change_from_proto",
    "schedule_check_from_proto",
    "schedule_to_proto",
    "task_change_from_proto",
    "task_check_from_proto",
    "task_to_proto",
]
