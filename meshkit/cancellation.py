"""Cancels tasks so that they end, and tells cancellations that were asked for from those that were not."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from typing import Any

__all__ = ["StillRunningError", "cancel_until_done", "cancelled_from_outside", "uninterrupted"]

CANCEL_AGAIN_SECONDS = 0.5


class StillRunningError(Exception):
    """Something was asked to end, in every way that there is, and goes on."""


def cancelled_from_outside() -> bool:
    """Tells whether somebody has asked the running task to end: an inner cancellation looks the same otherwise."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def cancel_until_done(task: asyncio.Task[Any], seconds: float) -> bool:
    """Cancels a task again and again until it has ended; False if it goes on after `seconds`.

    Once is not enough: before Python 3.12, asyncio.wait_for may swallow a cancellation (bpo-37658).
    """
    end = time.monotonic() + seconds
    while not task.done() and time.monotonic() < end:
        task.cancel()
        await asyncio.wait({task}, timeout=min(CANCEL_AGAIN_SECONDS, seconds))
    return task.done()


async def uninterrupted(work: Coroutine[Any, Any, None], seconds: float) -> None:
    """Runs what breaks if it is cut short. Cancellations meanwhile are raised after it, or after `seconds` as one."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        until = time.monotonic() + seconds
        while not task.done() and (left := until - time.monotonic()) > 0:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task}, timeout=left)
        raise
