"""Bodies of requests and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

__all__ = ["ListedTask", "NewTask", "Task", "TaskPage"]

Priority = Literal["low", "normal", "high", "urgent"]


class NewTask(BaseModel):
    """What a caller says of a task."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=200)
    priority: Priority = "normal"
    kind: str = Field("manual", pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$", max_length=64)
    arguments: dict[str, Any] = Field(default_factory=dict)
    assignee: str = Field("", max_length=128)
    due_time: AwareDatetime | None = None
    run_after: AwareDatetime | None = None
    unique_key: str | None = Field(None, max_length=200)
    max_attempts: int = Field(5, ge=1, le=100)


class ListedTask(BaseModel):
    """A task as lists show it."""

    model_config = ConfigDict(from_attributes=True)

    task_id: UUID
    title: str
    priority: str
    kind: str
    state: str
    assignee: str
    due_time: datetime | None
    run_after: datetime
    unique_key: str | None
    max_attempts: int
    attempt_count: int
    progress: dict[str, Any] | None
    result_reference: str
    error: dict[str, Any] | None
    worker: str
    schedule_id: str
    create_time: datetime
    update_time: datetime
    start_time: datetime | None
    finish_time: datetime | None
    etag: str


class Task(ListedTask):
    """A task with all that it carries."""

    arguments: dict[str, Any]
    checkpoint: dict[str, Any] | None
    result: dict[str, Any] | None


class TaskPage(BaseModel):
    tasks: list[ListedTask]
    next_page_token: str
