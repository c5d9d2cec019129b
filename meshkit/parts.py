"""Opens the parts of a process and closes them in reverse order, each within a bound of time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

from meshkit.cancellation import StillRunningError, cancel_until_done

__all__ = ["CLOSE_SECONDS", "Parts"]

Resource = TypeVar("Resource")

_log = logging.getLogger(__name__)

CLOSE_SECONDS = 10.0
CANCEL_SECONDS = 1.0


class Parts:
    """A stack of what is open. A part that fails to close, or hangs, is logged and does not keep the others open."""

    def __init__(self, close_seconds: float = CLOSE_SECONDS) -> None:
        self._close_seconds = close_seconds
        self._closers: list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]] = []
        self.left_open: list[str] = []
        """Names of the parts that would not end: the event loop would wait for them for ever."""

    async def open(self, name: str, resource: AbstractAsyncContextManager[Resource]) -> Resource:
        """Enters a context manager and leaves it in its turn. Raises what entering it raises."""
        held = _Held(resource)
        opened = await held.open(name)
        self.add(name, held.close)
        return opened

    def add(self, name: str, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Calls `close` in its turn."""
        self._closers.append((name, close))

    async def close(self) -> None:
        """Closes all parts, the last one first. Raises nothing."""
        while self._closers:
            name, close = self._closers.pop()
            task = asyncio.create_task(close(), name=f"closing {name}")
            await asyncio.wait({task}, timeout=self._close_seconds)
            if not task.done():
                _log.error("the part %s takes more than %g s to close", name, self._close_seconds)
                if not await cancel_until_done(task, CANCEL_SECONDS):
                    self.left_open.append(name)
            elif not task.cancelled() and (error := task.exception()) is not None:
                self._failed(name, error)

    def _failed(self, name: str, error: BaseException) -> None:
        if isinstance(error, StillRunningError):
            self.left_open.append(name)
        _log.error("the part %s could not be closed", name, exc_info=error, extra={"fields": {"part": name}})


class _Held(Generic[Resource]):
    """Enters and leaves a context manager in one task of its own, so that leaving it can be given up."""

    def __init__(self, resource: AbstractAsyncContextManager[Resource]) -> None:
        self._resource = resource
        self._closing = asyncio.Event()
        self._opened: asyncio.Future[Resource] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    async def open(self, name: str) -> Resource:
        self._task = asyncio.create_task(self._hold(), name=name)
        try:
            either: set[asyncio.Future[Any]] = {self._task, self._opened}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await cancel_until_done(self._task, CANCEL_SECONDS)
            raise
        if not self._opened.done():
            await self._task
        return await self._opened

    async def close(self) -> None:
        self._closing.set()
        if self._task is not None:
            await self._task

    async def _hold(self) -> None:
        async with self._resource as opened:
            self._opened.set_result(opened)
            await self._closing.wait()
