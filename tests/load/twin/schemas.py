"""Bodies of requests and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

__all__ = ["NewTask", "Task", "TaskPage"]

Priority = Literal["low", "normal", "high", "urgent"]


class NewTask(BaseModel):
    """What a caller says of a task."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=200)
    priority: Priority = "normal"
    kind: str = Field("manual", pattern=r"^[a-z][a-z0-9_.-]{0,63}$")
    arguments: dict[str, Any] = Field(default_factory=dict)
    assignee: str = Field("", max_length=128)
    due_time: AwareDatetime | None = None
    run_after: AwareDatetime | None = None
    unique_key: str | None = Field(None, max_length=128)
    max_attempts: int = Field(1, ge=1, le=100)


class Task(BaseModel):
    """A task as it is answered."""

    model_config = ConfigDict(from_attributes=True)

    task_id: UUID
    title: str
    kind: str
    priority: str
    state: str
    arguments: dict[str, Any]
    assignee: str
    unique_key: str | None
    due_time: datetime | None
    run_after: datetime | None
    attempt: int
    max_attempts: int
    progress_done: int
    progress_total: int
    progress_message: str
    create_time: datetime
    update_time: datetime


class TaskPage(BaseModel):
    tasks: list[Task]
    next_page_token: str
