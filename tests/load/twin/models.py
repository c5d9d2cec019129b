"""Table of the tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import DateTime, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["Base", "TaskRow"]

TIME = DateTime(timezone=True)


class Base(DeclarativeBase):
    pass


class TaskRow(Base):
    """One task of a tenant."""

    __tablename__ = "tasks"

    task_id: Mapped[UUID] = mapped_column(primary_key=True, insert_default=uuid4)
    tenant: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(64))
    priority: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB)
    assignee: Mapped[str] = mapped_column(String(128))
    due_time: Mapped[datetime | None] = mapped_column(TIME)
    run_after: Mapped[datetime] = mapped_column(TIME)
    unique_key: Mapped[str | None] = mapped_column(String(200))
    max_attempts: Mapped[int]
    attempt_count: Mapped[int] = mapped_column(insert_default=0)
    progress: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    checkpoint: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    result_reference: Mapped[str] = mapped_column(String(2000), insert_default="")
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    worker: Mapped[str] = mapped_column(String(128), insert_default="")
    schedule_id: Mapped[str] = mapped_column(String(64), insert_default="")
    create_time: Mapped[datetime] = mapped_column(TIME)
    update_time: Mapped[datetime] = mapped_column(TIME)
    start_time: Mapped[datetime | None] = mapped_column(TIME)
    finish_time: Mapped[datetime | None] = mapped_column(TIME)
    version: Mapped[int] = mapped_column(insert_default=1)

    @property
    def etag(self) -> str:
        return f'"{self.version}"'

    __table_args__ = (
        Index("tasks_newest", "tenant", create_time.desc(), task_id.desc()),
        Index("tasks_by_state", "tenant", "state", create_time.desc()),
        Index("tasks_unique_key", "tenant", "kind", "unique_key", unique=True),
    )
