"""Tasks that services submit, for tests of those who do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import uuid4

from meshkit.errors import unavailable
from meshkit.tasks import OrderedWork, WorkState

__all__ = ["MemoryTasks"]


class MemoryTasks:
    """Implements `SubmittedTasks`: tasks that nobody does. `away` is an outage of the task service."""

    def __init__(self) -> None:
        self.known: dict[str, WorkState] = {}
        self.away = False

    async def submit(self, work: OrderedWork) -> str:
        if self.away:
            raise unavailable("task")
        task_id = str(uuid4())
        self.known[task_id] = WorkState("pending")
        return task_id

    async def states(self, task_ids: Collection[str]) -> Mapping[str, WorkState]:
        return {each: self.known[each] for each in task_ids if each in self.known}

    async def cancel(self, task_id: str) -> WorkState:
        self.known[task_id] = WorkState("cancelled")
        return self.known[task_id]
