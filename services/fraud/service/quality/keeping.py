"""Keeps reports of quality: creates, reads, lists, cancels and deletes them. The tenant is the verified caller's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from meshkit.ids import uuid7_text
from meshkit.tasks import UNFINISHED, OrderedWork, SubmittedTasks, WorkState, states_of, unfinished
from services.fraud import errors
from services.fraud.domain.quality.question import NewQualityReport
from services.fraud.domain.quality.report import MOST_UNFINISHED_REPORTS, QualityReport
from services.fraud.domain.scenarios.publication import Actor
from services.fraud.ports.quality import QualityChanges, QualityReads
from services.fraud.service.quality.choosing import QualityChoices

__all__ = ["QualityKeeper", "ToldQualityReport"]

LOOKED_AT = 200
"""Reports without a result, the newest, of which it is asked whether they have ended."""
SUCCEEDED = "succeeded"


@dataclass(frozen=True, slots=True)
class ToldQualityReport:
    """A report with how far it is."""

    report: QualityReport
    state: WorkState


class QualityKeeper:
    """The use cases. What changes something does so in the transaction that it is given."""

    def __init__(
        self, reads: QualityReads, tasks: SubmittedTasks, choices: QualityChoices, clock: Callable[[], datetime]
    ) -> None:
        self._reads = reads
        self._tasks = tasks
        self._choices = choices
        self._clock = clock

    async def create(self, changes: QualityChanges, actor: Actor, new: NewQualityReport) -> ToldQualityReport:
        """Creates a report, and has it done. Where that fails nothing is left but a task that ends at once.

        Raises VALIDATION_FAILED, and STATE_NOT_ALLOWED if too many have not ended.
        """
        question = await self._choices.question(actor.tenant_id, new)
        waiting = await changes.without_result(LOOKED_AT)
        if await unfinished(self._tasks, [each.task_id for each in waiting]) >= MOST_UNFINISHED_REPORTS:
            words = f"there are {MOST_UNFINISHED_REPORTS} reports that have not ended: wait, or cancel one"
            raise errors.step_not_allowed(words, "pending")
        report_id = uuid7_text()
        made = QualityReport(
            tenant_id=actor.tenant_id,
            report_id=report_id,
            question=question,
            task_id=await self._tasks.submit(OrderedWork(report_id, "Report of quality", {"report_id": report_id})),
            created_by=actor.name,
            created_at=self._clock(),
        )
        await changes.add(made)
        return ToldQualityReport(made, WorkState("pending"))

    async def get(self, tenant_id: str, report_id: UUID) -> ToldQualityReport:
        """Raises RESOURCE_NOT_FOUND."""
        (told,) = await self._told([_found(await self._reads.get(tenant_id, report_id))])
        if told.state.state == SUCCEEDED and told.report.result is None:
            # It has ended between the two looks.
            (told,) = await self._told([_found(await self._reads.get(tenant_id, report_id))])
        return told

    async def page(self, tenant_id: str, before: UUID | None, limit: int) -> tuple[Sequence[ToldQualityReport], bool]:
        """Returns a page of at most `limit` reports, newest first, and whether there are more."""
        found = await self._reads.page(tenant_id, before, limit + 1)
        return await self._told(found[:limit]), len(found) > limit

    async def cancel(self, tenant_id: str, report_id: UUID) -> ToldQualityReport:
        """Raises RESOURCE_NOT_FOUND and STATE_NOT_ALLOWED."""
        found = _found(await self._reads.get(tenant_id, report_id))
        return ToldQualityReport(found, await self._tasks.cancel(found.task_id))

    async def delete(self, changes: QualityChanges, report_id: UUID) -> None:
        """Deletes a report that has ended. Raises RESOURCE_NOT_FOUND and STATE_NOT_ALLOWED."""
        found = _found(await changes.get(report_id))
        if found.finished_at is None:
            (state,) = await states_of(self._tasks, [found.task_id])
            if state.state in UNFINISHED:
                raise errors.step_not_allowed("the report has not ended: cancel it, or wait", state.state)
        await changes.delete(report_id)

    async def _told(self, reports: Sequence[QualityReport]) -> Sequence[ToldQualityReport]:
        """A report with a result has succeeded, whatever became of its task."""
        asked = [each.task_id for each in reports if each.finished_at is None]
        states = dict(zip(asked, await states_of(self._tasks, asked), strict=True))
        return [
            ToldQualityReport(each, states.get(each.task_id, WorkState(SUCCEEDED, finished_at=each.finished_at)))
            for each in reports
        ]


def _found(report: QualityReport | None) -> QualityReport:
    if report is None:
        raise errors.found_none("report")
    return report
