"""Reads the logs that checks could not wait for, so that the next check of the key finds them."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from contextvars import Context

from prometheus_client import Counter

from meshkit.errors import MeshError
from services.fraud.ports import LogKey, LogsUnavailableError
from services.fraud.service.logs.groups import LogGroup

__all__ = ["LogFiller"]

_log = logging.getLogger(__name__)
_filled = Counter("logs_read_later", "Logs that were read after checks had gone on without them.", ["result"])
_done, _failed, _left_out = (_filled.labels(result) for result in ("read", "failed", "left out"))

WAITING = 1_000
"""Logs that wait to be read, at most: another is left to the next check that asks for it."""
LONGEST_FILL = 30.0


class LogFiller:
    """Reads one log after the other, by connections that no commit waits for."""

    def __init__(self, fill: Callable[[LogGroup], Awaitable[None]], most: int = WAITING) -> None:
        """`fill` raises MeshError UNAVAILABLE and LogsUnavailableError."""
        self._fill = fill
        self._most = most
        self._waiting: OrderedDict[LogKey, LogGroup] = OrderedDict()
        self._reading: LogKey | None = None
        self._read = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, groups: Iterable[LogGroup]) -> None:
        """Sees to it that logs are read. Never waits."""
        for group in groups:
            if group.key == self._reading or group.key in self._waiting:
                continue
            if len(self._waiting) >= self._most:
                _left_out.inc()
                continue
            self._waiting[group.key] = group
        if self._waiting and (self._task is None or self._task.done()):
            # For whoever comes next, so in the context of nobody.
            self._task = asyncio.create_task(self._work(), context=Context())

    def is_reading(self, key: LogKey) -> bool:
        return key == self._reading

    async def finished(self, key: LogKey) -> None:
        """Waits until a log is no longer being read."""
        while key == self._reading:
            await self._read.wait()

    async def _work(self) -> None:
        while self._waiting:
            self._reading, group = self._waiting.popitem(last=False)
            self._read.clear()
            try:
                async with asyncio.timeout(LONGEST_FILL):
                    await self._fill(group)
                _done.inc()
            except (MeshError, LogsUnavailableError, TimeoutError) as error:
                _failed.inc()
                _log.warning("a log is read when it is next asked for: %s", str(error) or type(error).__name__)
            except Exception:
                _failed.inc()
                _log.exception("a log cannot be read")
            finally:
                self._reading = None
                self._read.set()
