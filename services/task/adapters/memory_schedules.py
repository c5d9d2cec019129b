"""Schedules in memory, with the behaviour of `PostgresSchedules`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from meshkit.ids import uuid7
from services.task.adapters.memory import MemoryTaskRows
from services.task.domain import news
from services.task.domain.schedules import NewSchedule, Schedule, ScheduleChange
from services.task.domain.tasks import FINAL, Task
from services.task.ports import Admits, NextRun, RevisionMismatchError, check_admitted

__all__ = ["MemorySchedules"]


class MemorySchedules:
    """Implements `Schedules`."""

    def __init__(self, rows: MemoryTaskRows, next_run: NextRun) -> None:
        self._rows = rows
        self._next_run = next_run

    async def create(self, schedule: NewSchedule) -> Schedule | None:
        key = (schedule.tenant_id, schedule.schedule_id)
        there = self._rows.schedules.setdefault(key, self._made(schedule))
        return there if there.fingerprint == schedule.fingerprint else None

    async def get(self, tenant_id: str, schedule_id: str) -> Schedule | None:
        return self._rows.schedules.get((tenant_id, schedule_id))

    async def page(self, tenant_id: str, after: str, limit: int) -> Sequence[Schedule]:
        found = [each for (tenant, name), each in self._rows.schedules.items() if tenant == tenant_id and name > after]
        return sorted(found, key=lambda each: each.schedule_id)[:limit]

    async def update(
        self,
        tenant_id: str,
        schedule_id: str,
        change: ScheduleChange,
        revision: int | None,
        admits: Admits | None = None,
    ) -> Schedule | None:
        schedule = self._rows.schedules.get((tenant_id, schedule_id))
        if schedule is None:
            return None
        if revision is not None and revision != schedule.revision:
            raise RevisionMismatchError
        check_admitted(admits, schedule.revision)
        values = {name: value for name, value in change.values().items() if getattr(schedule, name) != value}
        if not values:
            return schedule
        now = self._rows.now()
        made = replace(schedule, **values, updated_at=now, revision=schedule.revision + 1)
        if {"paused", "cron", "time_zone"} & set(values):
            following = None if made.paused else self._next_run(made.cron, made.time_zone, now)
            made = replace(made, next_run_at=following)
        self._rows.schedules[tenant_id, schedule_id] = made
        return made

    async def delete(self, tenant_id: str, schedule_id: str, admits: Admits | None = None) -> bool:
        there = self._rows.schedules.get((tenant_id, schedule_id))
        check_admitted(admits, there.revision if there is not None else None)
        return self._rows.schedules.pop((tenant_id, schedule_id), None) is not None

    async def declare(self, schedule: NewSchedule) -> None:
        key = (schedule.tenant_id, schedule.schedule_id)
        there = self._rows.schedules.get(key)
        if there is None or there.fingerprint != schedule.fingerprint:
            revision = there.revision + 1 if there is not None else 1
            self._rows.schedules[key] = replace(self._made(schedule), revision=revision)

    async def fire(self) -> int:
        now = self._rows.now()
        due = [each for each in self._rows.schedules.values() if self._is_due(each, now)]
        for schedule in due:
            self._run(schedule, now)
        return len(due)

    def _made(self, schedule: NewSchedule) -> Schedule:
        now = self._rows.now()
        return Schedule(
            tenant_id=schedule.tenant_id,
            schedule_id=schedule.schedule_id,
            cron=schedule.cron,
            time_zone=schedule.time_zone,
            title=schedule.title,
            kind=schedule.kind,
            arguments=schedule.arguments,
            priority=schedule.priority,
            max_attempts=schedule.max_attempts,
            fingerprint=schedule.fingerprint,
            created_at=now,
            updated_at=now,
            next_run_at=self._next_run(schedule.cron, schedule.time_zone, now),
        )

    def _is_due(self, schedule: Schedule, now: datetime) -> bool:
        if schedule.next_run_at is None or schedule.next_run_at > now:
            return False
        return not any(
            (task.tenant_id, task.schedule_id) == (schedule.tenant_id, schedule.schedule_id) and task.state not in FINAL
            for task in self._rows.tasks.values()
        )

    def _run(self, schedule: Schedule, now: datetime) -> None:
        task = Task(
            tenant_id=schedule.tenant_id,
            task_id=uuid7(),
            title=schedule.title,
            priority=schedule.priority,
            kind=schedule.kind,
            state="pending",
            run_after=now,
            created_at=now,
            updated_at=now,
            max_attempts=schedule.max_attempts,
            arguments=schedule.arguments,
            schedule_id=schedule.schedule_id,
            attempt_limit=schedule.max_attempts,
        )
        self._rows.put(task, ranked=True)
        self._rows.tell(news.ready(task.kind))
        following = self._next_run(schedule.cron, schedule.time_zone, now)
        self._rows.schedules[schedule.tenant_id, schedule.schedule_id] = replace(
            schedule, next_run_at=following, last_run_at=now, last_task_id=task.task_id
        )
