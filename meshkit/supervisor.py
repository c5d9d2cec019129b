"""Supervises background tasks: one that dies is logged, counted, and restarted with back-off."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from random import random
from typing import Any

from prometheus_client import Counter

from meshkit.settings import SettingsError

__all__ = ["FATAL", "BackgroundTask", "Work"]

_log = logging.getLogger(__name__)
_restarts = Counter("background_restarts", "Background tasks that died and were restarted, by task.", ["task"])

Work = Callable[[], Coroutine[Any, Any, None]]
"""Makes the coroutine of a task. It is called again for every restart, so it must not keep half-done state."""

FATAL: tuple[type[Exception], ...] = (SettingsError,)
"""What no restart can mend: the process ends with it."""

FIRST_BACKOFF = 0.1
MAX_BACKOFF = 5.0
SETTLED_SECONDS = 10.0
"""A task that ran this long before it died starts over with the first back-off."""
JITTER = 0.2


class BackgroundTask:
    """Runs `work` until it is stopped. Work that raises or returns is run again after a pause.

    `fatal` is called with an error of `FATAL`, which ends the task for good.
    """

    def __init__(self, name: str, work: Work, fatal: Callable[[Exception], None]) -> None:
        self.name = name
        self._work = work
        self._fatal = fatal
        self._task: asyncio.Task[None] | None = None
        self._died = ""
        self._started = 0.0
        self._backoff = FIRST_BACKOFF

    def start(self) -> None:
        self._task = asyncio.create_task(self._supervise(), name=self.name)

    async def stop(self) -> None:
        """Cancels the task and returns when it has ended."""
        # Again until it ends: before Python 3.12, asyncio.wait_for may swallow a cancellation (bpo-37658).
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=1.0)

    async def check(self) -> None:
        """Raises RuntimeError from the death of the task until it has run again for as long as its last back-off."""
        settled = time.monotonic() - self._started > self._backoff
        if self._died and not (settled and self._running):
            raise RuntimeError(self._died)

    @property
    def _running(self) -> bool:
        return self._started > 0.0

    async def _supervise(self) -> None:
        while True:
            self._started = began = time.monotonic()
            try:
                await self._work()
                self._note("returned", None)
            except FATAL as error:
                self._died = str(error)
                self._fatal(error)
                return
            except Exception as error:
                self._note(f"died of {type(error).__name__}", error)
            self._started = 0.0
            if time.monotonic() - began > SETTLED_SECONDS:
                self._backoff = FIRST_BACKOFF
            await asyncio.sleep(self._backoff * (1 + JITTER * random()))
            self._backoff = min(2 * self._backoff, MAX_BACKOFF)

    def _note(self, died: str, error: Exception | None) -> None:
        self._died = died
        _restarts.labels(self.name).inc()
        _log.error("background task %s %s", self.name, died, exc_info=error, extra={"fields": {"task": self.name}})
