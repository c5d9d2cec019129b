"""What the task service needs from its store. Each port has a twin in memory that passes the same conformance suite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.task.domain.leases import Beat, DeclaredKind, Ending, Lease, Pulse
from services.task.domain.schedules import NewSchedule, Schedule, ScheduleChange
from services.task.domain.tasks import Attempt, NewTask, Task, TaskChange, TaskFilter

__all__ = [
    "Admits",
    "Created",
    "Engine",
    "KeyTakenError",
    "NextRun",
    "RevisionMismatchError",
    "Schedules",
    "TaskStore",
    "ValueRefusedError",
    "check_admitted",
]

Admits = Callable[[int], bool]
"""Tells of a revision whether it may be changed. The store asks in the transaction of the change."""


class ValueRefusedError(Exception):
    """The store takes the rest, but not some value in it. The message says which kind of fault, for the log."""


class RevisionMismatchError(Exception):
    """What is to be changed exists, but not in the state that the caller wants to change."""


def check_admitted(admits: Admits | None, revision: int | None) -> None:
    """Raises RevisionMismatchError for a revision that may not be changed; None stands for what is not there."""
    if admits is not None and revision is not None and not admits(revision):
        raise RevisionMismatchError


class KeyTakenError(Exception):
    """A task that is not finished has the unique key already, or comes from the same schedule."""


@dataclass(frozen=True, slots=True)
class Created:
    """What a request for a task led to."""

    task_id: UUID
    created_at: datetime
    """When the request was first carried out."""
    run_after: datetime
    existing: Task | None = None
    """The live task of the same unique key, as it is now, if there was one."""
    fingerprint: bytes | None = None
    """Of the first request of the same name; None if the request has no name."""


class NextRun(Protocol):
    """Computes when a cron expression comes next after a moment, in a time zone; None for never."""

    def __call__(self, cron: str, time_zone: str, after: datetime) -> datetime | None: ...


class TaskStore(Protocol):
    """The tasks of each tenant."""

    async def create(self, tasks: Sequence[NewTask]) -> Sequence[Created | None]:
        """Stores tasks of any tenants in one commit, and answers in order.

        None is answered for one whose unique key was given free while it was looked for: it may be tried again. Raises
        ValueRefusedError, and stores nothing, if one of them holds what cannot be stored.
        """
        ...

    async def get(self, tenant_id: str, task_id: UUID) -> Task | None: ...

    async def some(self, tenant_id: str, task_ids: Sequence[UUID]) -> Sequence[Task]:
        """Returns those of the tasks that there are, in no order, without what lists leave out."""
        ...

    async def page(self, tenant_id: str, only: TaskFilter, before: UUID | None, limit: int) -> Sequence[Task]:
        """Returns at most `limit` tasks, newest first, older than `before`."""
        ...

    async def attempts(self, tenant_id: str, task_id: UUID, before: int, limit: int) -> Sequence[Attempt]:
        """Returns at most `limit` attempts, newest first, with numbers below `before`."""
        ...

    async def update(
        self, tenant_id: str, task_id: UUID, change: TaskChange, revision: int | None, admits: Admits | None = None
    ) -> Task | None:
        """Changes a manual task, only in a revision that is named and admitted. None if there is no such task.

        Raises RevisionMismatchError and ForbiddenMoveError.
        """
        ...

    async def cancel(self, tenant_id: str, task_id: UUID, admits: Admits | None = None) -> Task | None:
        """Cancels a task, or has its worker stop. Raises ForbiddenMoveError for one that ended otherwise.

        Raises RevisionMismatchError.
        """
        ...

    async def retry(self, tenant_id: str, task_id: UUID, admits: Admits | None = None) -> Task | None:
        """Makes a task pending again. Raises RevisionMismatchError, ForbiddenMoveError and KeyTakenError."""
        ...

    async def internal_kinds(self) -> frozenset[str]:
        """Returns the kinds of which tenants may not make tasks."""
        ...


class Engine(Protocol):
    """What moves tasks through their attempts, of all tenants. All times are the store's own."""

    async def declare(self, kinds: Sequence[DeclaredKind]) -> None:
        """Stores kinds with their limits, in the place of what was declared of them before."""
        ...

    async def lease(self, worker: str, kinds: Sequence[str], limit: int, seconds: float) -> Sequence[Task]:
        """Gives at most `limit` ready tasks to a worker, the first in rank first, each for `seconds`."""
        ...

    async def beat(self, beats: Sequence[Beat]) -> Sequence[Pulse]:
        """Extends leases and stores progress and checkpoints; what is of a lost lease changes nothing."""
        ...

    async def end(self, lease: Lease, ending: Ending) -> str | None:
        """Ends an attempt and returns the state of the task; None for a lost lease. The same again answers the same."""
        ...

    async def cancelled(self, worker: str) -> Sequence[Lease]:
        """Returns the leases of a worker whose tasks are being cancelled."""
        ...

    async def expire(self) -> int:
        """Ends attempts whose leases have run out, a slice of them, and returns how many."""
        ...

    async def prune(self) -> int:
        """Deletes finished tasks and names of requests after their time, a slice of them; returns how many."""
        ...


class Schedules(Protocol):
    """The schedules of each tenant."""

    async def create(self, schedule: NewSchedule) -> Schedule | None:
        """Stores a schedule. Returns the one that has its identifier already if the content is the same, else None."""
        ...

    async def get(self, tenant_id: str, schedule_id: str) -> Schedule | None: ...

    async def page(self, tenant_id: str, after: str, limit: int) -> Sequence[Schedule]:
        """Returns at most `limit` schedules whose identifiers come after `after`, in their order."""
        ...

    async def update(
        self,
        tenant_id: str,
        schedule_id: str,
        change: ScheduleChange,
        revision: int | None,
        admits: Admits | None = None,
    ) -> Schedule | None:
        """Changes a schedule, only in a revision that is named and admitted. Raises RevisionMismatchError."""
        ...

    async def delete(self, tenant_id: str, schedule_id: str, admits: Admits | None = None) -> bool:
        """Deletes a schedule; False if there is none. Raises RevisionMismatchError."""
        ...

    async def declare(self, schedule: NewSchedule) -> None:
        """Makes a schedule be as given, whatever it was. One that is the same already is left alone."""
        ...

    async def fire(self) -> int:
        """Makes the tasks that are due, one for each schedule whose task before is finished; returns how many."""
        ...
