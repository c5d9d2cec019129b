"""The port of long work: tasks that the task service gives to whoever does them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from services.fraud.domain.work import OrderedWork, WorkState

__all__ = ["SubmittedTasks"]


class SubmittedTasks(Protocol):
    """The tasks of one kind, of the tenant whose call is carried out. Every method raises MeshError."""

    async def submit(self, work: OrderedWork) -> str:
        """Has work done. Returns the identifier of its task."""
        ...

    async def states(self, task_ids: Collection[str]) -> Mapping[str, WorkState]:
        """Returns the states of those tasks that there are."""
        ...

    async def cancel(self, task_id: str) -> WorkState:
        """Raises RESOURCE_NOT_FOUND and STATE_NOT_ALLOWED."""
        ...
