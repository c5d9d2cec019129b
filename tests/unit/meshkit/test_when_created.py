"""What a task is for is waited for, as long as the transaction that asked for the task may take."""

from __future__ import annotations

import pytest

from meshkit.tasks import TaskFailure, when_created


async def test_a_task_that_begins_before_its_creation_is_committed_waits_for_it() -> None:
    found = iter([None, None, "report"])

    async def read() -> str | None:
        return next(found)

    assert await when_created("report", read) == "report"


async def test_a_creation_that_is_never_committed_fails_the_attempt_and_another_may_find_it() -> None:
    async def read() -> str | None:
        return None

    with pytest.raises(TaskFailure, match="the report was not created") as failed:
        await when_created("report", read, seconds=0.2)
    assert (failed.value.type, failed.value.retryable) == ("NotCreated", True)
