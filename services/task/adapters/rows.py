"""What rows of the tasks, attempts and schedules become."""

from __future__ import annotations

import asyncpg

from services.task.domain.schedules import Schedule
from services.task.domain.tasks import Attempt, Fault, Progress, Task

__all__ = ["LIST_COLUMNS", "NEWS", "attempt_of", "schedule_of", "task_of"]

LIST_COLUMNS = """
    tenant_id, task_id, title, priority, kind, state, assignee, due_at, run_after, unique_key, schedule_id,
    max_attempts, attempt_limit, attempt_count, fence, worker, lease_until, done, total, message,
    checkpoint_done, checkpoint_total, checkpoint_message, result_reference, error_type, error_message,
    error_retryable, created_at, updated_at, started_at, finished_at, revision"""
"""All but what may be large."""

NEWS = "rampart_tasks"
"""The channel of notifications. Their payloads are the topics of `services.task.domain.news`."""


def task_of(row: asyncpg.Record) -> Task:
    return Task(
        tenant_id=str(row["tenant_id"]),
        task_id=row["task_id"],
        title=row["title"],
        priority=row["priority"],
        kind=row["kind"],
        state=row["state"],
        run_after=row["run_after"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        max_attempts=row["max_attempts"],
        arguments=row.get("arguments", b""),
        assignee=row["assignee"],
        due_at=row["due_at"],
        unique_key=row["unique_key"],
        schedule_id=row["schedule_id"],
        attempt_count=row["attempt_count"],
        attempt_limit=row["attempt_limit"],
        fence=row["fence"],
        worker=row["worker"],
        lease_until=row["lease_until"],
        progress=_progress(row, ""),
        checkpoint=row.get("checkpoint"),
        checkpoint_progress=_progress(row, "checkpoint_"),
        result=row.get("result"),
        result_reference=row["result_reference"],
        error=_fault(row),
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        revision=row["revision"],
    )


def attempt_of(row: asyncpg.Record) -> Attempt:
    return Attempt(
        number=row["number"],
        worker=row["worker"],
        outcome=row["outcome"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        error=_fault(row),
        progress=_progress(row, ""),
    )


def schedule_of(row: asyncpg.Record) -> Schedule:
    return Schedule(
        tenant_id=str(row["tenant_id"]),
        schedule_id=row["schedule_id"],
        cron=row["cron"],
        time_zone=row["time_zone"],
        title=row["title"],
        kind=row["kind"],
        arguments=row["arguments"],
        priority=row["priority"],
        max_attempts=row["max_attempts"],
        fingerprint=row["fingerprint"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        paused=row["paused"],
        next_run_at=row["next_run_at"],
        last_run_at=row["last_run_at"],
        last_task_id=row["last_task_id"],
        revision=row["revision"],
    )


def _progress(row: asyncpg.Record, prefix: str) -> Progress | None:
    done = row[f"{prefix}done"]
    return Progress(done, row[f"{prefix}total"], row[f"{prefix}message"]) if done is not None else None


def _fault(row: asyncpg.Record) -> Fault | None:
    kind = row["error_type"]
    return Fault(kind, row["error_message"], row["error_retryable"]) if kind is not None else None
