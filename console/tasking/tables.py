"""Renders tasks, attempts and schedules for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from console.api import Json
from console.plain import plain
from console.tables import state_text, table, when

TASKS = ("task_id", "state", "priority", "kind", "title", "progress", "attempts", "assignee", "created")
ATTEMPTS = ("number", "outcome", "worker", "started", "finished", "progress", "error")
SCHEDULES = ("schedule_id", "state", "cron", "time_zone", "kind", "next run", "last run")


def attempt_table(attempts: Iterable[Json]) -> Table:
    return table(ATTEMPTS, map(_attempt_row, attempts))


def details(item: Json) -> Table:
    """Returns everything that is known of a task or a schedule, a line for each field that is set."""
    grid = Table.grid(padding=(0, 2))
    for name, value in item.items():
        if value not in (None, "", 0):
            grid.add_row(name, _detail(name, value))
    return grid


def progress_text(progress: Json | None) -> str:
    """Returns how far work is: done, total if it is known, and the worker's words."""
    if not progress:
        return ""
    done, total, message = progress.get("done", 0), progress.get("total", 0), progress.get("message", "")
    if not (done or total or message):
        return ""
    share = f"{done:,}/{total:,} ({done / total:.0%})" if total else f"{done:,}"
    return plain(f"{share} {message}".rstrip())


def error_text(error: Json | None) -> str:
    return plain(f"{error.get('type', '')}: {error.get('message', '')}") if error else ""


def task_row(task: Json) -> Sequence[str | Text]:
    attempts = f"{task.get('attempt_count', 0)}/{task.get('max_attempts', 0)}"
    return (
        task["task_id"], state_text(task["state"]), task["priority"], task["kind"], task["title"],
        progress_text(task.get("progress")), attempts, task.get("assignee", ""), when(task.get("create_time")),
    )  # fmt: skip


def _attempt_row(attempt: Json) -> Sequence[str | Text]:
    return (
        str(attempt["number"]), state_text(attempt["outcome"]), attempt["worker"], when(attempt.get("start_time")),
        when(attempt.get("finish_time")), progress_text(attempt.get("progress")), error_text(attempt.get("error")),
    )  # fmt: skip


def schedule_row(schedule: Json) -> Sequence[str | Text]:
    return (
        schedule["schedule_id"], state_text(schedule["state"]), schedule["cron"], schedule["time_zone"],
        schedule["kind"], when(schedule.get("next_run_time")), when(schedule.get("last_run_time")),
    )  # fmt: skip


def _detail(name: str, value: object) -> Text:
    if name == "state":
        return state_text(str(value))
    return Text(plain(_words(name, value)))


def _words(name: str, value: object) -> str:
    if name.endswith(("_time", "run_after")):
        return when(str(value))
    if isinstance(value, dict) and name == "progress":
        return progress_text(value)
    if isinstance(value, dict) and name == "error":
        return error_text(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
