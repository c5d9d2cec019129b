"""Long work that a service has done as a task: what is to be done, how far it is, and the port to ask of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

__all__ = ["GONE", "UNFINISHED", "OrderedWork", "SubmittedTasks", "WorkState", "states_of", "unfinished"]

UNFINISHED = frozenset({"pending", "running", "cancelling"})
"""States of which something may still come out."""


class OrderedWork(NamedTuple):
    """What is to be done."""

    name: str
    """UUID: the same again is the same task."""
    title: str
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WorkState:
    """How far work is."""

    state: str
    done: int = 0
    total: int = 0
    message: str = ""
    error: str = ""
    finished_at: datetime | None = None


GONE = WorkState("failed", error="there is no such task any more")
"""Of a task that was deleted, as ended ones are some day."""


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


async def states_of(tasks: SubmittedTasks, task_ids: Sequence[str]) -> Sequence[WorkState]:
    """Returns how far the work of each task is, in their order. Raises MeshError."""
    states = await tasks.states(task_ids) if task_ids else {}
    return [states.get(each, GONE) for each in task_ids]


async def unfinished(tasks: SubmittedTasks, task_ids: Sequence[str]) -> int:
    """Returns of how many tasks something may still come out. Raises MeshError."""
    return sum(each.state in UNFINISHED for each in await states_of(tasks, task_ids))
