"""Does the tasks of training: each attempt is handed to a runner, whose news become the task's progress."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime

from meshkit.tasks import KindLimits, LeasedTask, Result, TaskFailure, when_created
from services.fraud.domain.scoring.model import ModelRef
from services.fraud.domain.scoring.version import ModelEnd
from services.fraud.ports.models import ModelReads, ModelWriter
from services.fraud.ports.training import TrainingOrder, TrainingRunner

__all__ = ["KIND", "TRAININGS_AT_ONCE", "TrainingWork"]

KIND = "fraud.training"
TRAININGS_AT_ONCE = KindLimits(max_running=1, max_running_per_tenant=1, internal=True)
"""Each takes a core, and memory."""


class TrainingWork:
    """Handles tasks of `KIND`."""

    def __init__(
        self, reads: ModelReads, writer: ModelWriter, runner: TrainingRunner, clock: Callable[[], datetime]
    ) -> None:
        self._reads = reads
        self._writer = writer
        self._runner = runner
        self._clock = clock

    async def run(self, task: LeasedTask) -> Result:
        """Does an attempt. Raises TaskFailure, and MeshError UNAVAILABLE."""
        order = await self._order(task)
        try:
            async with aclosing(self._runner.run(order)) as news:
                async for each in news:
                    task.progress(each.done, each.total, each.message)
        except TaskFailure as failure:
            if not failure.retryable or task.attempt >= task.max_attempts:
                await self._note(order, failure)
            raise
        return {"model": order.ref.name, "version": order.ref.number}

    async def _order(self, task: LeasedTask) -> TrainingOrder:
        ref = ModelRef(str(task.arguments["model"]), int(task.arguments["version"]))

        async def read() -> TrainingOrder | None:
            version = await self._reads.version(task.tenant_id, ref)
            # Of a creation that failed, the number may be another's.
            if version is None or version.settings is None or version.task_id != task.task_id:
                return None
            return TrainingOrder(
                tenant_id=task.tenant_id,
                ref=ref,
                event_type=version.event_type,
                token=task.token,
                settings=version.settings,
            )

        return await when_created("version", read)

    async def _note(self, order: TrainingOrder, failure: TaskFailure) -> None:
        """Notes why there will be no model: the task is deleted some day."""
        async with self._writer.begin(order.tenant_id) as changes:
            await changes.end(order.ref, ModelEnd("failed", failure.message, self._clock()))
