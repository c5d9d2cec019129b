"""Reads what a task is to be done for. The transaction that asked for the task may commit after the task has begun."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from meshkit.tasks.leased import TaskFailure

__all__ = ["when_created"]

Created = TypeVar("Created")

CREATION_SECONDS = 2.0
POLL_SECONDS = 0.1


async def when_created(
    name: str, read: Callable[[], Awaitable[Created | None]], seconds: float = CREATION_SECONDS
) -> Created:
    """Returns what `read` finds, within some seconds. `name` is told if it finds nothing: "report", for example.

    Raises TaskFailure NotCreated, which another attempt may not meet: a creation that failed is never committed.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while (found := await read()) is None:
        if loop.time() >= until:
            raise TaskFailure("NotCreated", f"the {name} was not created")
        await asyncio.sleep(POLL_SECONDS)
    return found
