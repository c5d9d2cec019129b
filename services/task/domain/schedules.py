"""Schedules: what makes tasks at times of the clock on the wall."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from services.task.domain.tasks import DEFAULT_ATTEMPTS, DEFAULT_PRIORITY, MANUAL, NONE

__all__ = ["DEFAULT_ZONE", "NewSchedule", "Schedule", "ScheduleChange"]

DEFAULT_ZONE = "UTC"


@dataclass(frozen=True, slots=True)
class NewSchedule:
    """A schedule to create."""

    tenant_id: str
    schedule_id: str
    cron: str
    time_zone: str = DEFAULT_ZONE
    title: str = ""
    kind: str = MANUAL
    arguments: bytes = b""
    priority: int = DEFAULT_PRIORITY
    max_attempts: int = DEFAULT_ATTEMPTS
    fingerprint: bytes = b""
    """Equal for requests of equal content."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as stored."""

    tenant_id: str
    schedule_id: str
    cron: str
    time_zone: str
    title: str
    kind: str
    arguments: bytes
    priority: int
    max_attempts: int
    fingerprint: bytes
    created_at: datetime
    updated_at: datetime
    paused: bool = False
    next_run_at: datetime | None = None
    """None while paused, and for a time that never comes."""
    last_run_at: datetime | None = None
    last_task_id: UUID | None = None
    revision: int = 1


@dataclass(frozen=True, slots=True)
class ScheduleChange:
    """New values of a schedule's fields. `NONE` leaves a field as it is."""

    title: str = NONE
    cron: str = NONE
    time_zone: str = NONE
    arguments: bytes = NONE
    priority: int = NONE
    max_attempts: int = NONE
    paused: bool = NONE

    def values(self) -> dict[str, Any]:
        """Returns what is to change, by the name of the field."""
        named = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in named if value is not NONE}
