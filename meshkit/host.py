"""Hosts a process: starts its parts in order, supervises its background tasks, and ends everything in reverse.

async def serve(host: Host, reader: Reader) -> None:
    settings = Settings.read(reader)
    pool = await host.open(postgres.pool(settings.dsn), name="postgres", check=postgres.check)
    host.background("retention", Retention(pool).run)
    server = MeshServer(settings.mesh, host.identity(settings.mesh), ...)
    await host.serve(server, admin=settings.mesh.admin_listen)

main("name", serve, migrate)
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import Any, Protocol, TypeVar

import uvloop
from prometheus_client import generate_latest

from meshkit.cancellation import cancelled_from_outside
from meshkit.collector import spare_collector
from meshkit.identity.own import MeshIdentity
from meshkit.parts import CLOSE_SECONDS, Parts
from meshkit.settings import MeshSettings, Reader, SettingsError
from meshkit.supervisor import BackgroundTask, Work
from meshkit.telemetry import logs
from meshkit.telemetry.admin import Readiness, ReadinessCheck, admin_app, serve_admin
from meshkit.telemetry.stderr import all_as_records, log_uncaught
from meshkit.tracing import setup

__all__ = ["Host", "Program", "Server", "main", "run"]

Resource = TypeVar("Resource")

_log = logging.getLogger(__name__)


class Server(Protocol):
    """Serves calls until it is told to stop."""

    async def run(self, stopping: Callable[[], Awaitable[None]]) -> None:
        """Serves until `stopping` returns, then drains: returns when the last call is answered. Raises OSError."""
        ...


class Host:
    """The parts of one process. What is opened is closed in reverse order when the block ends, started or not.

    Not ready while a check fails, while a background task is dead, and from the moment the process is asked to stop.
    A part that does not close within `close_seconds` is logged and left behind (`left_open`).
    """

    def __init__(self, name: str, *, close_seconds: float = CLOSE_SECONDS) -> None:
        self.name = name
        self.readiness = Readiness({})
        self._parts = Parts(close_seconds)
        self._stop = asyncio.Event()
        self._start: asyncio.Task[None] | None = None
        self._started = False
        self._fatal: Exception | None = None
        self._identity: MeshIdentity | None = None

    async def __aenter__(self) -> Host:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._parts.close()

    @property
    def left_open(self) -> list[str]:
        """Names of the parts that would not end."""
        return self._parts.left_open

    async def open(
        self,
        resource: AbstractAsyncContextManager[Resource],
        *,
        name: str = "",
        check: Callable[[Resource], Awaitable[None]] | None = None,
    ) -> Resource:
        """Opens a pool, client or channel until the process ends. With `check` readiness depends on it, as `name`."""
        opened = await self._parts.open(name or _name_of(resource), resource)
        if check is not None:
            self.check(name, partial(check, opened))
        return opened

    def closing(self, close: Callable[[], object]) -> None:
        """Calls `close` in its turn when the process ends; awaits the result if it is awaitable."""

        async def closed() -> None:
            result = close()
            if isinstance(result, Awaitable):
                await result

        self._parts.add(_name_of(close), closed)

    def check(self, name: str, check: ReadinessCheck) -> None:
        """Makes readiness depend on a check. Raises ValueError for a name that is taken."""
        self.readiness.add(name, check)

    def warn(self, name: str, check: ReadinessCheck) -> None:
        """Shows what a check finds in /ready, without making readiness depend on it."""
        self.readiness.warn(name, check)

    def background(self, name: str, work: Work) -> None:
        """Starts `work` and keeps it running: if it raises or returns it is logged, not ready, and started again."""
        task = BackgroundTask(name, work, self._end)
        self.check(name, task.check)
        self._parts.add(name, task.stop)
        task.start()

    def identity(self, settings: MeshSettings) -> MeshIdentity:
        """Returns who the process is in the mesh, and keeps that the newest of its files. Raises SettingsError."""
        if self._identity is None:
            self._identity = MeshIdentity(settings.tls, settings.trust_domain)
            self.background("certificates", self._identity.watch)
        return self._identity

    async def serve(
        self, server: Server, *, admin: str | None = None, metrics: Callable[[], bytes] = generate_latest
    ) -> None:
        """Serves until the process is asked to stop, with probes and metrics on the admin port (host:port) if given.

        Raises the error of a background task that no restart can mend.
        """
        if admin is not None:
            await self.open(serve_admin(admin, admin_app(self.readiness, metrics)), name="admin port")
        spare_collector()
        await server.run(self.stopping)
        self._raise_fatal()

    async def run(self, start: Coroutine[Any, Any, None]) -> bool:
        """Runs `start`, which serves. Returns False if the process was asked to stop before it came to that.

        Raises what `start` raises, and the error of a background task that no restart can mend.
        """
        self._start = asyncio.create_task(start, name=self.name)
        if self._stop.is_set():
            self._start.cancel()
        try:
            await self._start
        except asyncio.CancelledError:
            if not self._stop.is_set() or cancelled_from_outside():
                raise
            self._raise_fatal()
            return False
        return True

    def stop(self) -> None:
        """Asks the process to stop. One that is still starting does not go on with that."""
        self._stop.set()
        if self._start is not None and not self._started:
            self._start.cancel()

    async def stopping(self) -> None:
        """Waits until the process is asked to stop. It is not ready from then on."""
        self._started = True
        await self._stop.wait()
        self.readiness.draining = True

    def _end(self, error: Exception) -> None:
        self._fatal = self._fatal or error
        self.stop()

    def _raise_fatal(self) -> None:
        if self._fatal is not None:
            raise self._fatal


def _name_of(part: object) -> str:
    """Names a part for the log: after its function, also that of a context manager, or after its type."""
    made_by = getattr(part, "func", part)
    return str(getattr(made_by, "__qualname__", type(part).__qualname__))


Program = Callable[[Host, Reader], Coroutine[Any, Any, None]]
"""Composes a process on a host, with settings from the environment, and serves."""


def main(name: str, serve: Program, migrate: Program) -> None:
    """Runs a service by its command line: without arguments it serves, `migrate` brings its database up to date."""
    match sys.argv[1:]:
        case []:
            sys.exit(run(name, serve))
        case ["migrate"]:
            sys.exit(run(name, migrate, unfinished=1))
        case _:
            sys.exit(f"usage: python -m services.{name} [migrate]")


def run(name: str, program: Program, *, unfinished: int = 0) -> int:
    """Runs a process: uvloop, JSON logs, telemetry, signals, one event loop. Returns the exit status.

    `unfinished` is the status of a process that was asked to stop while it started.
    """
    # Until the event loop handles them both, SIGINT ends the process as SIGTERM does: at once, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with all_as_records():
        try:
            logs.configure(name, os.environ.get("RAMPART_LOG_LEVEL", "INFO").upper())
        except ValueError as error:
            print(f"{name}: RAMPART_LOG_LEVEL: {error}", file=sys.stderr)
            return 1
        log_uncaught()
        try:
            setup.configure(name)
        except SettingsError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
        try:
            return uvloop.run(_run(name, program, unfinished))
        finally:
            setup.shut_down()


async def _run(name: str, program: Program, unfinished: int) -> int:
    host = Host(name)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, host.stop)
    try:
        async with host:
            finished = await host.run(program(host, Reader(os.environ)))
        status = 0 if finished else unfinished
    except (SettingsError, OSError) as error:
        _log.error("%s: %s", name, error)
        status = 1
    except Exception:
        _log.exception("the process failed unexpectedly")
        status = 1
    if host.left_open:
        _leave(host.left_open, status or 1)
    return status


def _leave(left_open: list[str], status: int) -> None:
    """Ends the process without what would not end, for which the event loop would wait for ever."""
    _log.error("the process ends without: %s", ", ".join(left_open))
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
