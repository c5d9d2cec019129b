"""Deletes the decisions of all tenants after their time, then labels that wait for none any more.

A task of the platform, done in slices, resumable.
"""

from __future__ import annotations

import asyncio

from meshkit.context import SYSTEM_TENANT
from meshkit.tasks import KindLimits, LeasedTask, Result, SystemSchedule, TaskFailure
from services.fraud.ports import OldDecisions
from services.fraud.ports.labels import OldLabels

__all__ = ["KIND", "LIMITS", "SCHEDULE", "DecisionRetention"]

KIND = "fraud.decision_retention"
LIMITS = KindLimits(max_running=1, internal=True)
SCHEDULE = SystemSchedule(name=KIND, cron="17 3 * * *", kind=KIND)
PAUSE_SECONDS = 0.05
"""Between slices, that decisions are made meanwhile as quickly as ever."""


class DecisionRetention:
    """Handles tasks of `KIND`."""

    def __init__(self, decisions: OldDecisions, labels: OldLabels, *, pause: float = PAUSE_SECONDS) -> None:
        self._decisions = decisions
        self._labels = labels
        self._pause = pause

    async def run(self, task: LeasedTask) -> Result:
        """Deletes what is old, tenant by tenant, and returns how many decisions that were in this and earlier attempts.

        Raises TaskFailure for a task that is not the platform's, and MeshError UNAVAILABLE.
        """
        if task.tenant_id != SYSTEM_TENANT:
            raise TaskFailure("NotAllowed", "only the platform itself deletes decisions", retryable=False)
        await self._decisions.prepare()
        done = task.resumed or {}
        after, deleted = str(done.get("tenant", SYSTEM_TENANT)), int(done.get("deleted", 0))
        while (tenant := await self._decisions.next_tenant(after)) is not None:
            while count := await self._decisions.delete(tenant):
                deleted += count
                task.progress(deleted, message="decisions deleted")
                await asyncio.sleep(self._pause)
            after = tenant
            await task.checkpoint({"tenant": after, "deleted": deleted})
        while await self._labels.delete():
            task.progress(deleted, message="labels deleted")
            await asyncio.sleep(self._pause)
        return {"deleted": deleted}
