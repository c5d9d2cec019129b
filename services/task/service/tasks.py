"""The use cases of tasks as tenants see them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from meshkit.errors import MeshError
from meshkit.halving import halving
from meshkit.preconditions import etag_mismatch
from services.task import errors
from services.task.domain.tasks import Attempt, ForbiddenMoveError, NewTask, Task, TaskChange, TaskFilter
from services.task.ports import Admits, Created, KeyTakenError, RevisionMismatchError, TaskStore, ValueRefusedError

__all__ = ["TaskService"]

_log = logging.getLogger(__name__)

CREATE_TRIES = 3
KINDS_SECONDS = 5.0


class TaskService:
    """Keeps tasks. `tenant_id` is that of the verified caller."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store
        self._internal: frozenset[str] = frozenset()
        self._internal_until = 0.0
        self._asking = asyncio.Lock()

    async def create(self, tasks: Sequence[NewTask]) -> Sequence[Created | MeshError]:
        """Creates tasks of any tenants in one commit; answers each in order, with its own error."""
        return await self._create(tasks, await self._internal_kinds())

    async def submit(self, task: NewTask) -> Created:
        """Creates a task for a tenant as its service does, of any kind. Raises IDEMPOTENCY_CONFLICT."""
        (answer,) = await self._create([task], frozenset())
        if isinstance(answer, MeshError):
            raise answer
        return answer

    async def _create(self, tasks: Sequence[NewTask], internal: Collection[str]) -> Sequence[Created | MeshError]:
        answers: list[Created | MeshError] = [
            errors.kind_not_allowed() if task.kind in internal else errors.unsettled() for task in tasks
        ]
        open_ = [index for index, task in enumerate(tasks) if task.kind not in internal]
        for _ in range(CREATE_TRIES):
            if not open_:
                break
            created = await halving(
                [tasks[index] for index in open_], self._store.create, splits=(ValueRefusedError,), alone=_refused
            )
            for index, found in zip(open_, created, strict=True):
                if isinstance(found, MeshError):
                    answers[index] = found
                elif found is not None:
                    answers[index] = _answer(tasks[index], found)
            open_ = [index for index, found in zip(open_, created, strict=True) if found is None]
        return answers

    async def get(self, tenant_id: str, task_id: UUID) -> Task:
        """Raises RESOURCE_NOT_FOUND."""
        return _found(await self._store.get(tenant_id, task_id))

    async def some(self, tenant_id: str, task_ids: Sequence[UUID]) -> Sequence[Task]:
        """Returns those of the tasks that there are, as in lists."""
        return await self._store.some(tenant_id, task_ids)

    async def page(
        self, tenant_id: str, only: TaskFilter, before: UUID | None, limit: int
    ) -> tuple[Sequence[Task], bool]:
        """Returns a page of at most `limit` tasks, newest first, and whether there are more."""
        tasks = await self._store.page(tenant_id, only, before, limit + 1)
        return tasks[:limit], len(tasks) > limit

    async def attempts(self, tenant_id: str, task_id: UUID, before: int, limit: int) -> tuple[Sequence[Attempt], bool]:
        """Returns a page of attempts, newest first, and whether there are more. Raises RESOURCE_NOT_FOUND."""
        attempts = await self._store.attempts(tenant_id, task_id, before, limit + 1)
        if not attempts:
            await self.get(tenant_id, task_id)
        return attempts[:limit], len(attempts) > limit

    async def update(
        self,
        tenant_id: str,
        task_id: UUID,
        change: TaskChange,
        revision: int | None,
        check: Callable[[Task], None] | None = None,
        admits: Admits | None = None,
    ) -> Task:
        """Changes a manual task.

        Raises RESOURCE_NOT_FOUND, ETAG_MISMATCH and STATE_NOT_ALLOWED, and what `check` raises of the task.
        """
        if check is not None:
            check(await self.get(tenant_id, task_id))
        try:
            return _found(await self._store.update(tenant_id, task_id, change, revision, admits))
        except RevisionMismatchError:
            raise etag_mismatch() from None
        except ForbiddenMoveError as error:
            raise errors.state_not_allowed(error.state) from None

    async def cancel(self, tenant_id: str, task_id: UUID, admits: Admits | None = None) -> Task:
        """Raises RESOURCE_NOT_FOUND, ETAG_MISMATCH and STATE_NOT_ALLOWED."""
        try:
            return _found(await self._store.cancel(tenant_id, task_id, admits))
        except RevisionMismatchError:
            raise etag_mismatch() from None
        except ForbiddenMoveError as error:
            raise errors.state_not_allowed(error.state) from None

    async def retry(self, tenant_id: str, task_id: UUID, admits: Admits | None = None) -> Task:
        """Raises RESOURCE_NOT_FOUND, ETAG_MISMATCH, STATE_NOT_ALLOWED and RESOURCE_EXISTS."""
        try:
            return _found(await self._store.retry(tenant_id, task_id, admits))
        except RevisionMismatchError:
            raise etag_mismatch() from None
        except ForbiddenMoveError as error:
            raise errors.state_not_allowed(error.state) from None
        except KeyTakenError:
            raise errors.key_taken() from None

    async def check_kind(self, kind: str) -> None:
        """Raises VALIDATION_FAILED for a kind of which tenants may not make tasks."""
        if kind in await self._internal_kinds():
            raise errors.kind_not_allowed()

    async def _internal_kinds(self) -> frozenset[str]:
        """Returns what was declared internal, as of a few seconds ago."""
        if time.monotonic() >= self._internal_until:
            async with self._asking:
                if time.monotonic() >= self._internal_until:
                    self._internal = await self._store.internal_kinds()
                    self._internal_until = time.monotonic() + KINDS_SECONDS
        return self._internal


def _answer(task: NewTask, created: Created) -> Created | MeshError:
    if task.request_id is not None and created.fingerprint not in (None, task.fingerprint):
        return errors.request_differs(str(task.request_id))
    return created


def _refused(_: NewTask, error: Exception) -> MeshError:
    _log.error("a task holds what cannot be stored: %s", error)
    return errors.value_refused()


def _found(task: Task | None) -> Task:
    if task is None:
        raise errors.task_not_found()
    return task
