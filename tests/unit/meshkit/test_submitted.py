"""How far submitted work is, of many tasks at once."""

from __future__ import annotations

import pytest

from meshkit.tasks import GONE, OrderedWork, WorkState, states_of, unfinished
from tests.support.submitted import MemoryTasks


async def test_states_come_in_the_order_asked_for_and_of_what_is_gone_too() -> None:
    tasks = MemoryTasks()
    first, second = [await tasks.submit(OrderedWork(str(number), "Work", {})) for number in range(2)]
    tasks.known[second] = WorkState("cancelling", 1, 2)
    assert await states_of(tasks, [second, "gone", first]) == [
        WorkState("cancelling", 1, 2),
        GONE,
        WorkState("pending"),
    ]
    assert await unfinished(tasks, [second, "gone", first]) == 2
    tasks.known[first] = WorkState("succeeded")
    assert await unfinished(tasks, [first, second]) == 1


async def test_of_no_task_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = MemoryTasks()
    monkeypatch.setattr(tasks, "states", None)
    assert (await states_of(tasks, []), await unfinished(tasks, [])) == ([], 0)
