"""Tasks, the attempts at them, and the moves between their states."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

__all__ = [
    "DEFAULT_ATTEMPTS",
    "DEFAULT_PRIORITY",
    "FINAL",
    "LEASE_EXPIRED",
    "MANUAL",
    "NONE",
    "PRIORITIES",
    "RETRYABLE",
    "SYSTEM_TENANT",
    "Attempt",
    "Fault",
    "ForbiddenMoveError",
    "NewTask",
    "Progress",
    "Task",
    "TaskChange",
    "TaskFilter",
    "changed",
]

MANUAL = "manual"
"""The kind of work that is for a person."""
PRIORITIES = ("low", "normal", "high", "urgent")
"""By their numbers: each is worth one step of waiting more than the one before."""
DEFAULT_PRIORITY = 1
DEFAULT_ATTEMPTS = 5
FINAL = frozenset({"succeeded", "failed", "dead", "cancelled"})
RETRYABLE = frozenset({"failed", "dead", "cancelled"})
"""States from which a task may be made pending again."""
SYSTEM_TENANT = "00000000-0000-0000-0000-000000000000"
"""Owns the tasks and schedules of the platform itself. No access token carries it."""

_MANUAL_MOVES = {
    "pending": {"running", "succeeded", "failed"},
    "running": {"pending", "succeeded", "failed"},
}
"""What a person may say of a manual task."""

NONE: Any = object()
"""Stands for a field that is left as it is, where None is a value."""


class ForbiddenMoveError(Exception):
    """The state of a task, or its kind, does not allow a change. `state` is that of the task."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is. A total of 0 means that nobody knows."""

    done: int
    total: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an attempt did not succeed."""

    type: str
    message: str
    retryable: bool


LEASE_EXPIRED = Fault("LeaseExpired", "the worker was not heard of in time", retryable=True)


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to create."""

    tenant_id: str
    title: str
    priority: int = DEFAULT_PRIORITY
    kind: str = MANUAL
    arguments: bytes = b""
    """A serialised google.protobuf.Struct, as are checkpoints and results. Empty means none."""
    assignee: str = ""
    due_at: datetime | None = None
    run_after: datetime | None = None
    unique_key: str = ""
    max_attempts: int = DEFAULT_ATTEMPTS
    request_id: UUID | None = None
    fingerprint: bytes = b""
    """Equal for requests of equal content."""

    @property
    def order(self) -> tuple[str, str]:
        """Sorts what one commit writes, so that concurrent ones do not wait for each other in a circle."""
        return self.tenant_id, str(self.request_id or "")


@dataclass(frozen=True, slots=True)
class Task:
    """A task as stored. Lists leave out `arguments`, `checkpoint` and `result`."""

    tenant_id: str
    task_id: UUID
    title: str
    priority: int
    kind: str
    state: str
    run_after: datetime
    created_at: datetime
    updated_at: datetime
    max_attempts: int
    arguments: bytes = b""
    assignee: str = ""
    due_at: datetime | None = None
    unique_key: str = ""
    schedule_id: str = ""
    attempt_count: int = 0
    attempt_limit: int = 0
    """The count of attempts with which the task is dead."""
    fence: int = 0
    """Fencing token of the latest lease."""
    worker: str = ""
    lease_until: datetime | None = None
    progress: Progress | None = None
    checkpoint: bytes | None = None
    checkpoint_progress: Progress | None = None
    result: bytes | None = None
    result_reference: str = ""
    error: Fault | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    revision: int = 1
    """Counts the changes: the etag is made of it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to do a task."""

    number: int
    worker: str
    outcome: str
    started_at: datetime
    finished_at: datetime | None = None
    error: Fault | None = None
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks to list. Empty text and a negative number do not restrict."""

    state: str = ""
    kind: str = ""
    priority: int = -1
    assignee: str = ""


@dataclass(frozen=True, slots=True)
class TaskChange:
    """New values of a manual task's fields. `NONE` leaves a field as it is."""

    title: str = NONE
    priority: int = NONE
    assignee: str = NONE
    due_at: datetime | None = NONE
    state: str = NONE

    def values(self) -> dict[str, Any]:
        """Returns what is to change, by the name of the field."""
        named = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in named if value is not NONE}


def changed(task: Task, change: TaskChange, moment: datetime) -> Task:
    """Returns a task after a change by a person. Raises ForbiddenMoveError."""
    values = change.values()
    if task.kind != MANUAL or task.state in FINAL:
        raise ForbiddenMoveError(task.state)
    state = values.get("state", task.state)
    if state != task.state and state not in _MANUAL_MOVES[task.state]:
        raise ForbiddenMoveError(task.state)
    if all(getattr(task, name) == value for name, value in values.items()):
        return task
    return replace(
        task,
        **values,
        updated_at=moment,
        revision=task.revision + 1,
        started_at=moment if state == "running" and task.state != "running" else task.started_at,
        finished_at=moment if state in FINAL else None,
    )
