"""Work beside the requests of one process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from gateway.edge.metrics import Telemetry

__all__ = ["background", "flush_regularly", "freeze"]

FLUSH_SECONDS = 0.2

_log = logging.getLogger(__name__)


def freeze() -> None:
    """Takes what is there now, above all the plan, out of the collector's rounds."""
    gc.collect()
    gc.freeze()


async def flush_regularly(telemetry: Telemetry) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        telemetry.flush()


@contextlib.asynccontextmanager
async def background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs background work while the block runs. Work that ends by an exception is in the log."""
    tasks = [asyncio.create_task(each) for each in work]
    for task in tasks:
        task.add_done_callback(_log_failure)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("background work ended: %s", task.get_coro(), exc_info=task.exception())
