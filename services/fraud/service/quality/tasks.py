"""Does the tasks of reports: each attempt is handed to a runner, whose news become the task's progress."""

from __future__ import annotations

from contextlib import aclosing
from uuid import UUID

from meshkit.tasks import KindLimits, LeasedTask, Result, when_created
from services.fraud.ports.quality import QualityOrder, QualityReads, QualityRunner

__all__ = ["KIND", "REPORTS_AT_ONCE", "QualityWork"]

KIND = "fraud.quality_report"
REPORTS_AT_ONCE = KindLimits(max_running=1, max_running_per_tenant=1, internal=True)
"""Each takes a core, and memory."""


class QualityWork:
    """Handles tasks of `KIND`."""

    def __init__(self, reads: QualityReads, runner: QualityRunner) -> None:
        self._reads = reads
        self._runner = runner

    async def run(self, task: LeasedTask) -> Result:
        """Does an attempt. Raises TaskFailure, and MeshError UNAVAILABLE."""
        report_id = UUID(str(task.arguments["report_id"]))
        report = await when_created("report", lambda: self._reads.get(task.tenant_id, report_id))
        order = QualityOrder(
            tenant_id=task.tenant_id, report_id=report.report_id, token=task.token, question=report.question
        )
        done = 0
        async with aclosing(self._runner.run(order)) as news:
            async for each in news:
                done = each.done
                task.progress(each.done, each.total, each.message)
        return {"decisions": done}
