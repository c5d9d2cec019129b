"""The ports of tasks in memory, with the rows that all of them share."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from meshkit.ids import uuid7
from services.task.domain import news
from services.task.domain.leases import DeclaredKind, EngineRules
from services.task.domain.schedules import Schedule
from services.task.domain.tasks import (
    FINAL,
    RETRYABLE,
    Attempt,
    ForbiddenMoveError,
    NewTask,
    Task,
    TaskChange,
    TaskFilter,
    changed,
)
from services.task.ports import Admits, Created, KeyTakenError, RevisionMismatchError, check_admitted

__all__ = ["MemoryTaskRows", "MemoryTasks"]

Key = tuple[str, UUID]


@dataclass
class MemoryTaskRows:
    """What the store holds, and its clock, which nobody moves."""

    rules: EngineRules = field(default_factory=EngineRules)
    tell: Callable[[str], None] = lambda news: None
    """Is told what has happened, by its topic."""
    tasks: dict[Key, Task] = field(default_factory=dict)
    ranks: dict[Key, datetime] = field(default_factory=dict)
    attempts: dict[Key, dict[int, Attempt]] = field(default_factory=dict)
    requests: dict[Key, tuple[bytes, Created, datetime]] = field(default_factory=dict)
    kinds: dict[str, DeclaredKind] = field(default_factory=dict)
    schedules: dict[tuple[str, str], Schedule] = field(default_factory=dict)
    retention: dict[str, int] = field(default_factory=dict)
    _origin: tuple[datetime, float] = field(default_factory=lambda: (datetime.now(UTC), time.monotonic()))

    def now(self) -> datetime:
        began, at = self._origin
        return began + timedelta(seconds=time.monotonic() - at)

    def put(self, task: Task, *, ranked: bool = False) -> Task:
        """Stores a task and tells of it; `ranked` gives it its place for leasing."""
        key = (task.tenant_id, task.task_id)
        self.tasks[key] = task
        if ranked:
            self.ranks[key] = task.run_after - timedelta(seconds=self.rules.ageing * task.priority)
        self.tell(news.changed(*key))
        return task

    def live(self, tenant_id: str, kind: str, unique_key: str) -> Task | None:
        """Returns the task of a key that is not finished."""
        asked = (tenant_id, kind, unique_key)
        for task in self.tasks.values():
            if unique_key and task.state not in FINAL and (task.tenant_id, task.kind, task.unique_key) == asked:
                return task
        return None


class MemoryTasks:
    """Implements `TaskStore`."""

    def __init__(self, rows: MemoryTaskRows) -> None:
        self._rows = rows

    async def create(self, tasks: Sequence[NewTask]) -> Sequence[Created | None]:
        return [self._create(task) for task in tasks]

    async def get(self, tenant_id: str, task_id: UUID) -> Task | None:
        return self._rows.tasks.get((tenant_id, task_id))

    async def some(self, tenant_id: str, task_ids: Sequence[UUID]) -> Sequence[Task]:
        found = [self._rows.tasks.get((tenant_id, each)) for each in set(task_ids)]
        return [replace(task, arguments=b"", checkpoint=None, result=None) for task in found if task is not None]

    async def page(self, tenant_id: str, only: TaskFilter, before: UUID | None, limit: int) -> Sequence[Task]:
        tasks = [
            replace(task, arguments=b"", checkpoint=None, result=None)
            for task in self._rows.tasks.values()
            if task.tenant_id == tenant_id and _takes(only, task) and (before is None or task.task_id < before)
        ]
        return sorted(tasks, key=lambda task: task.task_id, reverse=True)[:limit]

    async def attempts(self, tenant_id: str, task_id: UUID, before: int, limit: int) -> Sequence[Attempt]:
        found = self._rows.attempts.get((tenant_id, task_id), {})
        return [found[number] for number in sorted(found, reverse=True) if number < before][:limit]

    async def update(
        self, tenant_id: str, task_id: UUID, change: TaskChange, revision: int | None, admits: Admits | None = None
    ) -> Task | None:
        task = self._rows.tasks.get((tenant_id, task_id))
        if task is None:
            return None
        if revision is not None and revision != task.revision:
            raise RevisionMismatchError
        check_admitted(admits, task.revision)
        made = changed(task, change, self._rows.now())
        return task if made is task else self._rows.put(made, ranked=True)

    async def cancel(self, tenant_id: str, task_id: UUID, admits: Admits | None = None) -> Task | None:
        task = self._rows.tasks.get((tenant_id, task_id))
        check_admitted(admits, task.revision if task is not None else None)
        if task is None or task.state in ("cancelling", "cancelled"):
            return task
        if task.state not in ("pending", "running"):
            raise ForbiddenMoveError(task.state)
        now, leased = self._rows.now(), task.lease_until is not None
        made = replace(
            task,
            state="cancelling" if leased else "cancelled",
            finished_at=None if leased else now,
            updated_at=now,
            revision=task.revision + 1,
        )
        self._rows.put(made)
        self._rows.tell(news.cancel_of(task.worker))
        return made

    async def retry(self, tenant_id: str, task_id: UUID, admits: Admits | None = None) -> Task | None:
        task = self._rows.tasks.get((tenant_id, task_id))
        if task is None:
            return None
        check_admitted(admits, task.revision)
        if task.state not in RETRYABLE:
            raise ForbiddenMoveError(task.state)
        if self._rows.live(tenant_id, task.kind, task.unique_key) is not None:
            raise KeyTakenError
        now = self._rows.now()
        made = replace(
            task,
            state="pending",
            attempt_limit=task.attempt_count + task.max_attempts,
            run_after=now,
            result=None,
            result_reference="",
            finished_at=None,
            updated_at=now,
            revision=task.revision + 1,
        )
        self._rows.put(made, ranked=True)
        self._rows.tell(news.ready(task.kind))
        return made

    async def internal_kinds(self) -> frozenset[str]:
        return frozenset(kind.kind for kind in self._rows.kinds.values() if kind.internal)

    def _create(self, task: NewTask) -> Created:
        rows, name = self._rows, task.request_id
        if name is not None and (task.tenant_id, name) in rows.requests:
            fingerprint, first, _ = rows.requests[task.tenant_id, name]
            existing = rows.tasks[task.tenant_id, first.task_id] if first.existing is not None else None
            return replace(first, existing=existing, fingerprint=fingerprint)
        live = rows.live(task.tenant_id, task.kind, task.unique_key)
        created = self._insert(task) if live is None else Created(live.task_id, live.created_at, live.run_after, live)
        if name is not None:
            created = replace(created, fingerprint=task.fingerprint)
            rows.requests[task.tenant_id, name] = (task.fingerprint, created, rows.now())
        return created

    def _insert(self, task: NewTask) -> Created:
        now = self._rows.now()
        made = Task(
            tenant_id=task.tenant_id,
            task_id=uuid7(),
            title=task.title,
            priority=task.priority,
            kind=task.kind,
            state="pending",
            run_after=max(task.run_after or now, now),
            created_at=now,
            updated_at=now,
            max_attempts=task.max_attempts,
            arguments=task.arguments,
            assignee=task.assignee,
            due_at=task.due_at,
            unique_key=task.unique_key,
            attempt_limit=task.max_attempts,
        )
        self._rows.put(made, ranked=True)
        self._rows.tell(news.ready(task.kind))
        return Created(made.task_id, now, made.run_after)


def _takes(only: TaskFilter, task: Task) -> bool:
    return (
        only.state in ("", task.state)
        and only.kind in ("", task.kind)
        and only.priority in (-1, task.priority)
        and only.assignee in ("", task.assignee)
    )
