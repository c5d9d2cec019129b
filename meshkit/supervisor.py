"""Supervises background tasks: one that dies is logged, counted, and restarted with back-off and jitter."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from random import random
from typing import Any

from prometheus_client import Counter

from meshkit.cancellation import StillRunningError, cancel_until_done, cancelled_from_outside
from meshkit.settings import SettingsError
from meshkit.telemetry.admin import NotReadyError

__all__ = ["FATAL", "BackgroundTask", "Work"]

_log = logging.getLogger(__name__)
_restarts = Counter("background_restarts", "Deaths of background tasks, each followed by a restart, by task.", ["task"])

Work = Callable[[], Coroutine[Any, Any, None]]
"""Makes the coroutine of a task. It is called again for every restart, so it must not keep half-done state."""

FATAL: tuple[type[Exception], ...] = (SettingsError,)
"""What no restart can mend: the process ends with it."""

FIRST_BACKOFF = 0.1
MAX_BACKOFF = 5.0
SETTLED_SECONDS = 10.0
"""A task that ran this long before it died starts over with the first back-off."""
JITTER = 0.2
STOP_SECONDS = 5.0


class BackgroundTask:
    """Runs `work` until it is stopped. Work that raises or returns is run again after a pause.

    `fatal` is called with an error of `FATAL`, which ends the task for good.
    """

    def __init__(self, name: str, work: Work, fatal: Callable[[Exception], None]) -> None:
        self.name = name
        self._work = work
        self._fatal = fatal
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._death = ""
        self._running_since: float | None = None
        self._backoff = FIRST_BACKOFF

    def start(self) -> None:
        self._task = asyncio.create_task(self._supervise(), name=self.name)

    async def stop(self) -> None:
        """Cancels the task and returns when it has ended. Raises StillRunningError after `STOP_SECONDS`."""
        self._stopping = True
        if self._task is not None and not await cancel_until_done(self._task, STOP_SECONDS):
            raise StillRunningError(f"the background task {self.name} goes on although it was cancelled")

    async def check(self) -> None:
        """Raises NotReadyError from the death of the task until it has run again for as long as its last back-off."""
        if self._death and not self._settled():
            state = "not running" if self._running_since is None else "running again, not for long enough yet"
            raise NotReadyError(f"the background task {self._death} and is {state}")

    def _settled(self) -> bool:
        return self._running_since is not None and time.monotonic() - self._running_since > self._backoff

    async def _supervise(self) -> None:
        while True:
            began = self._running_since = time.monotonic()
            try:
                await self._run_once()
            except FATAL as error:
                self._death = "cannot run with these settings"
                self._fatal(error)
                return
            finally:
                self._running_since = None
            if self._stopping:
                return
            if time.monotonic() - began > SETTLED_SECONDS:
                self._backoff = FIRST_BACKOFF
            await asyncio.sleep(self._backoff * (1 + JITTER * random()))
            self._backoff = min(2 * self._backoff, MAX_BACKOFF)

    async def _run_once(self) -> None:
        """Runs the work and notes how it ended. Raises what is `FATAL`, and the cancellation that `stop` asks for."""
        try:
            await self._work()
        except FATAL:
            raise
        except asyncio.CancelledError:
            if cancelled_from_outside():
                raise
            # Something inside the work was cancelled, not the work: its task would end without a word.
            self._note("was cancelled from inside", None)
        except Exception as error:
            self._note(f"died of {type(error).__name__}", error)
        else:
            self._note("returned", None)

    def _note(self, death: str, error: Exception | None) -> None:
        if self._stopping:
            return
        self._death = death
        _restarts.labels(self.name).inc()
        _log.error("background task %s %s", self.name, death, exc_info=error, extra={"fields": {"task": self.name}})
