"""Table of the tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import DateTime, Index, String, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["Base", "TaskRow"]

TIME = DateTime(timezone=True)


class Base(DeclarativeBase):
    pass


class TaskRow(Base):
    """One task of a tenant."""

    __tablename__ = "tasks"

    task_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(64))
    priority: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    assignee: Mapped[str] = mapped_column(String(128), default="")
    unique_key: Mapped[str | None] = mapped_column(String(128))
    due_time: Mapped[datetime | None] = mapped_column(TIME)
    run_after: Mapped[datetime | None] = mapped_column(TIME)
    attempt: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=1)
    progress_done: Mapped[int] = mapped_column(default=0)
    progress_total: Mapped[int] = mapped_column(default=0)
    progress_message: Mapped[str] = mapped_column(String(200), default="")
    create_time: Mapped[datetime] = mapped_column(TIME, server_default=func.now())
    update_time: Mapped[datetime] = mapped_column(TIME, server_default=func.now())

    __table_args__ = (
        Index("tasks_newest", "tenant", create_time.desc(), task_id.desc()),
        Index("tasks_by_state", "tenant", "state", create_time.desc()),
        Index("tasks_unique_key", "tenant", "kind", "unique_key", unique=True),
    )
