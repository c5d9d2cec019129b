"""Applications under uvicorn with stores of their own: the same PostgreSQL, Valkey and settings as Rampart's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg

from console.failure import CommandFailure
from console.http import HttpClient, HttpError
from console.up import ports
from console.up.account import find_account
from console.up.postgres import Postgres
from console.up.processes import Process, Spec
from console.up.state import State
from console.up.valkey import Valkey

__all__ = ["Application", "UvicornStack", "clean_environment"]

START_SECONDS = 30.0
STARTED = "Application startup complete"
"""What each worker of uvicorn logs when it is ready."""


@dataclass(frozen=True)
class Application:
    """What uvicorn is to serve in one role."""

    role: str
    name: str
    """As uvicorn takes it: module:attribute."""
    python: Path
    folder: Path
    workers: int
    environment: Mapping[str, str]
    options: Sequence[str] = ()


class UvicornStack:
    """PostgreSQL with one database, Valkey on a TCP port, and one port for each role. Start it once."""

    def __init__(self, home: Path, database: str, roles: Sequence[str]) -> None:
        self._home = home
        self._database = database
        self._roles = roles
        self._processes: dict[str, Process] = {}
        self._held = contextlib.ExitStack()

    @property
    def dsn(self) -> str:
        return self._postgres.dsn(self._database, "postgres", self._state.password("postgres"))

    @property
    def redis_port(self) -> int:
        return self._ports["redis"]

    def url(self, role: str) -> str:
        return f"http://{ports.HOST}:{self._ports[role]}"

    def pids(self) -> Mapping[str, int]:
        return {name: process.pid for name, process in self._processes.items() if process.pid}

    async def start_stores(self) -> None:
        """Starts PostgreSQL and Valkey and makes the database. Raises CommandFailure."""
        self._state = State.open(self._home)
        self._held.enter_context(self._state.held())
        self._ports = ports.assign(self._state, ["redis", *self._roles])
        self._postgres = Postgres(find_account(self._state), self._state.password("postgres"))
        await self._postgres.prepare(self._state.logs / "initdb.log")
        await self._postgres.wait_ready(await self._run(self._postgres.spec()))
        await self._create_database()
        valkey = Valkey(self._state.home / "redis", self._state.sockets())
        spec = valkey.spec()
        listen = ["--port", str(self.redis_port), "--bind", ports.HOST]
        await valkey.wait_ready(await self._run(replace(spec, command=[*spec.command, *listen])))

    async def serve(self, application: Application) -> None:
        """Starts the workers of a role and returns when all answer. Raises CommandFailure."""
        command = [
            str(application.python), "-m", "uvicorn", application.name, "--host", ports.HOST,
            "--port", str(self._ports[application.role]), "--workers", str(application.workers), "--no-access-log",
            *application.options,
        ]  # fmt: skip
        environment = clean_environment(application.environment)
        process = await self._run(Spec(application.role, command, environment, application.folder, stop_seconds=5.0))
        await self._wait_answers(process, application)

    async def stop(self) -> None:
        for process in reversed(self._processes.values()):
            await process.stop()
        self._processes.clear()
        self._held.close()

    async def _create_database(self) -> None:
        connection = await asyncpg.connect(self._postgres.superuser_dsn, timeout=10, command_timeout=30)
        with contextlib.suppress(asyncpg.DuplicateDatabaseError):
            await connection.execute(f"CREATE DATABASE {self._database}")
        await connection.close(timeout=5)

    async def _wait_answers(self, process: Process, application: Application) -> None:
        """Waits until all workers are there and the port answers."""
        until = time.monotonic() + START_SECONDS
        with contextlib.closing(HttpClient(self.url(application.role), connections=1)) as client:
            while True:
                with contextlib.suppress(HttpError):
                    answer = await client.request("GET", "/openapi.json")
                    if answer.status == 200 and process.log.read_text().count(STARTED) >= application.workers:
                        return
                if time.monotonic() > until or process.cannot_start:
                    raise CommandFailure(f"{application.name} ({application.role}) does not answer; see {process.log}.")
                await asyncio.sleep(0.1)

    async def _run(self, spec: Spec) -> Process:
        process = Process(spec, self._state.logs / f"{spec.name}.log", changed=_ignore, event=_ignore)
        self._processes[spec.name] = process
        await process.start()
        return process


def clean_environment(own: Mapping[str, str]) -> dict[str, str]:
    """Returns what a process needs of this one's environment, with its own variables."""
    kept = {name: os.environ[name] for name in ("PATH", "TZ", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **own}


def _ignore(*_: object) -> None:
    return None
