"""Does something with many alerts or cases as a task: resumable, each once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from meshkit.errors import Kind, MeshError
from meshkit.ids import uuid7_text
from meshkit.tasks import (
    GONE,
    KindLimits,
    LeasedTask,
    OrderedWork,
    Result,
    SubmittedTasks,
    TaskFailure,
    WorkState,
    when_created,
)
from services.cases import errors
from services.cases.domain.jobs import MOST_ITEMS, JobAction, StoredJob
from services.cases.ports import AlertFilter, CaseChanges, CaseFilter, CaseReads, CaseWriter
from services.cases.service.alerts import AlertDesk
from services.cases.service.cases import CaseDesk
from services.cases.service.closing import CaseClosing

__all__ = ["JOBS_AT_ONCE", "JOB_KIND", "CaseJobWork", "CaseJobs"]

JOB_KIND = "cases.job"
JOBS_AT_ONCE = KindLimits(max_running=4, max_running_per_tenant=1, internal=True)
ITEMS_AT_ONCE = 100
"""Items of one transaction."""


class CaseJobs:
    """The use cases of jobs."""

    def __init__(self, reads: CaseReads, tasks: SubmittedTasks, clock: Callable[[], datetime]) -> None:
        self._reads = reads
        self._tasks = tasks
        self._clock = clock

    async def matching(self, tenant_id: str, only: AlertFilter | CaseFilter) -> Sequence[str]:
        """Returns the identifiers of what matches and has not ended.

        Raises VALIDATION_FAILED for nothing, and for too many.
        """
        only = replace(only, live=True)
        if isinstance(only, AlertFilter):
            alerts = await self._reads.alerts(tenant_id, only, None, MOST_ITEMS + 1)
            found = [each.alert_id for each in alerts]
        else:
            found = [each.case_id for each in await self._reads.cases(tenant_id, only, None, MOST_ITEMS + 1)]
        if not 0 < len(found) <= MOST_ITEMS:
            words = f"must match at least one item, and at most {MOST_ITEMS:,}"
            raise errors.field_invalid("action", "action.matches", words)
        return found

    async def create(
        self, changes: CaseChanges, actor: str, action: JobAction, argument: str, items: Sequence[str]
    ) -> StoredJob:
        """Has something done with each item. Raises DEPENDENCY_UNAVAILABLE."""
        job_id = uuid7_text()
        work = OrderedWork(job_id, f"{action.value.capitalize()} {len(items)} at once", {"job_id": job_id})
        job = StoredJob(
            job_id=job_id,
            task_id=await self._tasks.submit(work),
            action=action,
            argument=argument,
            items=tuple(items),
            created_by=actor,
            created_at=self._clock(),
        )
        await changes.add_job(job)
        return job

    async def get(self, tenant_id: str, job_id: UUID) -> tuple[StoredJob, WorkState]:
        """Raises RESOURCE_NOT_FOUND."""
        found = await self._reads.job(tenant_id, job_id)
        if found is None:
            raise errors.found_none("case job")
        states = await self._tasks.states([found.task_id])
        return found, states.get(found.task_id, GONE)


class CaseJobWork:
    """Handles tasks of `JOB_KIND`."""

    def __init__(
        self, reads: CaseReads, writer: CaseWriter, alerts: AlertDesk, cases: CaseDesk, closing: CaseClosing
    ) -> None:
        self._reads = reads
        self._writer = writer
        self._alerts = alerts
        self._cases = cases
        self._closing = closing

    async def run(self, task: LeasedTask) -> Result:
        """Does an attempt. Raises TaskFailure, and MeshError UNAVAILABLE."""
        job_id = UUID(str(task.arguments["job_id"]))
        while True:
            job = await when_created("job", lambda: self._reads.job(task.tenant_id, job_id))
            items = job.items[job.done : job.done + ITEMS_AT_ONCE]
            if not items:
                return {"changed": job.changed, "refused": job.refused}
            await self._do(task.tenant_id, job, items)
            task.progress(job.done + len(items), len(job.items), "alerts or cases")

    async def _do(self, tenant_id: str, job: StoredJob, items: Sequence[str]) -> None:
        async with self._writer.begin(tenant_id) as changes:
            changed = 0
            for each in items:
                changed += await _done(self._one(changes, job, UUID(each)))
            if not await changes.advance(job, len(items), changed):
                raise TaskFailure("Superseded", "another attempt does the job", retryable=False)

    def _one(self, changes: CaseChanges, job: StoredJob, item: UUID) -> Awaitable[object]:
        match job.action:
            case JobAction.DISMISS:
                return self._alerts.dismiss_in(changes, item, job.created_by, job.argument)
            case JobAction.ASSIGN:
                return self._cases.assign_any(changes, item, job.created_by, job.argument)
            case JobAction.CLOSE:
                return self._closing.close_unlabelled(changes, item, job.created_by)


async def _done(work: Awaitable[object]) -> bool:
    """Tells whether something could be done. Raises what is no refusal."""
    try:
        await work
    except MeshError as error:
        if error.kind in (Kind.FAILED_PRECONDITION, Kind.NOT_FOUND):
            return False
        raise
    return True
