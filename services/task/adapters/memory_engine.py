"""The engine in memory, with the behaviour of `PostgresEngine`."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from services.task.adapters.memory import Key, MemoryTaskRows
from services.task.domain import news
from services.task.domain.leases import (
    AttemptOutcome,
    Beat,
    DeclaredKind,
    Ending,
    Lease,
    Pulse,
    backoff,
    state_after,
)
from services.task.domain.tasks import FINAL, LEASE_EXPIRED, MANUAL, Attempt, Progress, Task

__all__ = ["MemoryEngine"]

REQUESTS_KEPT = timedelta(hours=24)


class MemoryEngine:
    """Implements `Engine`."""

    def __init__(self, rows: MemoryTaskRows, *, retention_days: int = 30) -> None:
        self._rows = rows
        self._retention_days = retention_days

    async def declare(self, kinds: Sequence[DeclaredKind]) -> None:
        self._rows.kinds |= {kind.kind: kind for kind in kinds}

    async def lease(self, worker: str, kinds: Sequence[str], limit: int, seconds: float) -> Sequence[Task]:
        now = self._rows.now()
        leased: list[Task] = []
        for key in sorted(self._ready(kinds, now), key=lambda key: self._rows.ranks[key]):
            if len(leased) < limit and self._has_room(self._rows.tasks[key]):
                leased.append(self._lease(self._rows.tasks[key], worker, now, seconds))
        return leased

    async def beat(self, beats: Sequence[Beat]) -> Sequence[Pulse]:
        return [self._beat(beat) for beat in beats]

    async def end(self, lease: Lease, ending: Ending) -> str | None:
        task = self._held(lease)
        if task is not None:
            return self._end(task, ending)
        key = (lease.tenant_id, UUID(lease.task_id))
        attempt = self._rows.attempts.get(key, {}).get(lease.token)
        same = attempt is not None and (
            attempt.outcome == ending.outcome
            or (
                attempt.outcome == AttemptOutcome.CANCELLED
                and ending.outcome in (AttemptOutcome.FAILED, AttemptOutcome.RETURNED)
            )
        )
        if not same:
            return None
        return self._rows.tasks[key].state if self._rows.tasks[key].fence == lease.token else "pending"

    async def cancelled(self, worker: str) -> Sequence[Lease]:
        return [
            Lease(task.tenant_id, str(task.task_id), task.fence)
            for task in self._rows.tasks.values()
            if task.worker == worker and task.state == "cancelling"
        ]

    async def expire(self) -> int:
        now = self._rows.now()
        lost = [task for task in self._rows.tasks.values() if task.lease_until is not None and task.lease_until <= now]
        for task in lost:
            self._end(task, Ending(AttemptOutcome.EXPIRED, fault=LEASE_EXPIRED))
        return len(lost)

    async def prune(self) -> int:
        now = self._rows.now()
        old = [key for key, task in self._rows.tasks.items() if self._is_old(task, now)]
        for key in old:
            del self._rows.tasks[key], self._rows.ranks[key]
            self._rows.attempts.pop(key, None)
        names = [key for key, (*_, made) in self._rows.requests.items() if made < now - REQUESTS_KEPT]
        for name in names:
            del self._rows.requests[name]
        return len(old) + len(names)

    def _ready(self, kinds: Sequence[str], now: datetime) -> Iterator[Key]:
        for key, task in self._rows.tasks.items():
            if task.state == "pending" and task.kind != MANUAL and task.kind in kinds and task.run_after <= now:
                yield key

    def _has_room(self, task: Task) -> bool:
        limits = self._rows.kinds.get(task.kind)
        if limits is None:
            return True
        running = [each for each in self._rows.tasks.values() if each.kind == task.kind and each.lease_until]
        own = [each for each in running if each.tenant_id == task.tenant_id]
        return (not limits.max_running or len(running) < limits.max_running) and (
            not limits.max_running_per_tenant or len(own) < limits.max_running_per_tenant
        )

    def _lease(self, task: Task, worker: str, now: datetime, seconds: float) -> Task:
        made = replace(
            task,
            state="running",
            fence=task.fence + 1,
            attempt_count=task.attempt_count + 1,
            worker=worker,
            lease_until=now + timedelta(seconds=seconds),
            started_at=now,
            updated_at=now,
            progress=task.checkpoint_progress,
            revision=task.revision + 1,
        )
        key = (task.tenant_id, task.task_id)
        self._rows.attempts.setdefault(key, {})[made.fence] = Attempt(made.fence, worker, "running", now)
        return self._rows.put(made)

    def _held(self, lease: Lease) -> Task | None:
        task = self._rows.tasks.get((lease.tenant_id, UUID(lease.task_id)))
        if task is None or task.fence != lease.token or task.lease_until is None:
            return None
        return task if task.lease_until > self._rows.now() else None

    def _beat(self, beat: Beat) -> Pulse:
        task = self._held(beat.lease)
        if task is None:
            return Pulse.LOST
        now = self._rows.now()
        told = beat.progress is not None or beat.checkpoint is not None
        saved = beat.checkpoint is not None
        made = replace(
            task,
            lease_until=now + timedelta(seconds=beat.seconds),
            progress=_advanced(task.progress, beat.progress),
            checkpoint=beat.checkpoint if saved else task.checkpoint,
            checkpoint_progress=(beat.progress or task.progress) if saved else task.checkpoint_progress,
            updated_at=now if told else task.updated_at,
            revision=task.revision + told,
        )
        self._rows.put(made)
        return Pulse.CANCELLED if task.state == "cancelling" else Pulse.HELD

    def _end(self, task: Task, ending: Ending) -> str:
        now, returned = self._rows.now(), ending.outcome is AttemptOutcome.RETURNED
        state = state_after(
            ending.outcome,
            cancelling=task.state == "cancelling",
            retryable=ending.fault.retryable if ending.fault else False,
            attempts=task.attempt_count,
            limit=task.attempt_limit,
        )
        pause = 0.0 if returned else backoff(self._rows.rules, task.attempt_count, random.random())
        made = replace(
            task,
            state=state,
            worker="",
            lease_until=None,
            updated_at=now,
            revision=task.revision + 1,
            finished_at=now if state in FINAL else None,
            attempt_count=task.attempt_count - returned,
            run_after=now + timedelta(seconds=pause) if state == "pending" else task.run_after,
            error=task.error if returned else ending.fault,
            result=ending.result,
            result_reference=ending.result_reference,
            progress=_advanced(task.progress, ending.progress),
        )
        self._rows.put(made, ranked=state == "pending" and not returned)
        self._close(made, task.fence, ending, now)
        self._rows.tell(news.ready(task.kind))
        return state

    def _close(self, task: Task, number: int, ending: Ending, now: datetime) -> None:
        cancelled = task.state == "cancelled" and ending.outcome is not AttemptOutcome.EXPIRED
        attempts = self._rows.attempts[task.tenant_id, task.task_id]
        attempts[number] = replace(
            attempts[number],
            outcome=(AttemptOutcome.CANCELLED if cancelled else ending.outcome).value,
            error=ending.fault,
            progress=task.progress,
            finished_at=now,
        )

    def _is_old(self, task: Task, now: datetime) -> bool:
        days = self._rows.retention.get(task.tenant_id, self._retention_days)
        return task.finished_at is not None and task.finished_at < now - timedelta(days=days)


def _advanced(old: Progress | None, new: Progress | None) -> Progress | None:
    """Progress of one attempt never goes back."""
    return new if new is not None and (old is None or new.done >= old.done) else old
