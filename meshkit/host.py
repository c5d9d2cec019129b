"""Hosts a process: starts its parts in order, supervises its background tasks, and ends everything in reverse.

async def serve(host: Host, reader: Reader) -> None:
    settings = Settings.read(reader)
    pool = await host.open(postgres.pool(settings.dsn), check=postgres.check)
    host.background("retention", Retention(pool).run)
    await host.serve(MeshServer(...), admin=settings.mesh.admin_listen)

sys.exit(run("name", serve))
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import Protocol, TypeVar

import uvloop
from prometheus_client import generate_latest

from meshkit.settings import Reader, SettingsError
from meshkit.supervisor import BackgroundTask, Work
from meshkit.telemetry import logs, tracing
from meshkit.telemetry.admin import Readiness, ReadinessCheck, admin_app, serve_admin

__all__ = ["Host", "Server", "run"]

Resource = TypeVar("Resource")


class Server(Protocol):
    """Serves calls until it is told to stop."""

    async def run(self, stopping: Callable[[], Awaitable[None]]) -> None:
        """Serves until `stopping` returns, then drains: returns when the last call is answered. Raises OSError."""
        ...


class Host:
    """The parts of one process. What is opened is closed in reverse order when the block ends, started or not.

    Not ready while a check fails, while a background task is dead, and from the moment the process is asked to stop.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.readiness = Readiness({})
        self._parts = contextlib.AsyncExitStack()
        self._stop = asyncio.Event()
        self._fatal: Exception | None = None

    async def __aenter__(self) -> Host:
        await self._parts.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._parts.__aexit__(kind, error, traceback)

    async def open(
        self,
        resource: AbstractAsyncContextManager[Resource],
        *,
        name: str = "",
        check: Callable[[Resource], Awaitable[None]] | None = None,
    ) -> Resource:
        """Opens a pool, client or channel until the process ends. With `check` readiness depends on it, as `name`."""
        opened = await self._parts.enter_async_context(resource)
        if check is not None:
            self.check(name, partial(check, opened))
        return opened

    def closing(self, close: Callable[[], object]) -> None:
        """Calls `close` in its turn when the process ends; awaits the result if it is awaitable."""

        async def closed() -> None:
            result = close()
            if isinstance(result, Awaitable):
                await result

        self._parts.push_async_callback(closed)

    def check(self, name: str, check: ReadinessCheck) -> None:
        """Makes readiness depend on a check. Raises ValueError for a name that is taken."""
        self.readiness.add(name, check)

    def background(self, name: str, work: Work) -> None:
        """Starts `work` and keeps it running: if it raises or returns it is logged, not ready, and started again."""
        task = BackgroundTask(name, work, self._end)
        self.check(name, task.check)
        self._parts.push_async_callback(task.stop)
        task.start()

    async def serve(
        self, server: Server, *, admin: str | None = None, metrics: Callable[[], bytes] = generate_latest
    ) -> None:
        """Serves until the process is asked to stop, with probes and metrics on the admin port (host:port) if given.

        Raises the error of a background task that no restart can mend.
        """
        if admin is not None:
            await self.open(serve_admin(admin, admin_app(self.readiness, metrics)))
        await server.run(self.stopping)
        if self._fatal is not None:
            raise self._fatal

    def stop(self) -> None:
        """Asks the process to stop."""
        self._stop.set()

    async def stopping(self) -> None:
        """Waits until the process is asked to stop. It is not ready from then on."""
        await self._stop.wait()
        self.readiness.draining = True

    def _end(self, error: Exception) -> None:
        self._fatal = self._fatal or error
        self.stop()


def run(name: str, serve: Callable[[Host, Reader], Awaitable[None]]) -> int:
    """Runs a process: uvloop, JSON logs, telemetry, signals, one event loop. Returns the exit status."""
    reader = Reader(os.environ)
    logs.configure(name, os.environ.get("RAMPART_LOG_LEVEL", "INFO").upper())
    tracing.configure(name)
    try:
        uvloop.run(_run(name, reader, serve))
    except (SettingsError, OSError) as error:
        logging.getLogger(name).error("cannot start: %s", error)
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(name: str, reader: Reader, serve: Callable[[Host, Reader], Awaitable[None]]) -> None:
    async with Host(name) as host:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, host.stop)
        await serve(host, reader)
