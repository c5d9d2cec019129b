"""Another implementation of the same check, measured in the same run: a folder with `peer.py`, given by the user.

`peer:app` is an ASGI application. It reads PEER_ROLE (user or fraud), PEER_DB (a SQLAlchemy URL), PEER_REDIS_PORT and
PEER_USER_URL, answers POST /api/v1/fraud-check, stores into a table `decisions`, and takes HS256 tokens signed with
`peer.SECRET`. It gets packages, PostgreSQL and Valkey of its own, in the versions and with the settings of Rampart's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
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
from tests.load.platforms import Batches, Ledger, count_rows
from tests.load.workload import Target
from tools import bootstrap

__all__ = ["Peer", "prepare_environment"]

# What both use comes in the version that Rampart uses. uvloop, httptools and hiredis are found and used if present.
SHARED = ("asyncpg", "fastapi", "hiredis", "httptools", "httpx", "prometheus_client", "redis", "uvicorn", "uvloop")
OWN = ("pyjwt==2.15.1", "sqlalchemy[asyncio]==2.1.9", "python-multipart")
INSTALL_SECONDS = 300.0
START_SECONDS = 30.0
TOKEN_SECONDS = 30.0
MAKE_TOKEN = "import jwt, peer; print(jwt.encode({'sub': 'bench'}, peer.SECRET, 'HS256'))"
DATABASE = "peer"
STARTED = "Application startup complete"
"""What each worker of uvicorn logs when it is ready."""


def prepare_environment(folder: Path) -> Path:
    """Makes the peer's virtual environment if there is none and returns its python. Raises Failure."""
    wanted = "\n".join([*(f"{name}=={version(name)}" for name in SHARED), *OWN])
    python, stamp = folder / "bin/python", folder / ".stamp"
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    folder.mkdir(parents=True, exist_ok=True)
    try:
        pip = bootstrap.pip_of(folder) or bootstrap.create(folder)
    except bootstrap.BootstrapError as error:
        raise CommandFailure(str(error)) from error
    done = subprocess.run(
        [*pip, "install", "--quiet", "--no-input", *wanted.splitlines()],
        capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise CommandFailure(f"The peer's packages cannot be installed: {done.stderr.strip().splitlines()[-1]}")
    stamp.write_text(wanted)
    return python


class Peer:
    """The peer with `workers` processes for checks and one for profiles."""

    def __init__(self, name: str, folder: Path, python: Path, home: Path, *, workers: int = 2) -> None:
        self.name = name
        self._folder = folder.absolute()
        self._python = python
        self._home = home
        self._workers = workers
        self._processes: dict[str, Process] = {}
        self._held = contextlib.ExitStack()

    async def start(self) -> None:
        self._state = State.open(self._home)
        self._held.enter_context(self._state.held())
        self._ports = ports.assign(self._state, ["redis", "user", "fraud"])
        self._postgres = Postgres(find_account(self._state), self._state.password("postgres"))
        await self._start_stores()
        await self._serve("user", workers=1)
        await self._serve("fraud", workers=self._workers)

    async def stop(self) -> None:
        for process in reversed(self._processes.values()):
            await process.stop()
        self._processes.clear()
        self._held.close()

    async def target(self) -> Target:
        made = await asyncio.to_thread(
            subprocess.run,
            [str(self._python), "-c", MAKE_TOKEN],
            cwd=self._folder, env=self._environment("fraud"), capture_output=True, text=True, check=False,
            timeout=TOKEN_SECONDS,
        )  # fmt: skip
        if made.returncode:
            raise CommandFailure(f"The peer makes no token: {made.stderr.strip().splitlines()[-1]}")
        return Target(self._url("fraud"), made.stdout.strip())

    def pids(self) -> Mapping[str, int]:
        return {name: process.pid for name, process in self._processes.items() if process.pid}

    async def decisions(self) -> int:
        return await count_rows(self._dsn, "decisions")

    async def settle(self) -> Ledger | None:
        return None

    async def batches(self) -> Batches:
        return {}

    @property
    def _dsn(self) -> str:
        return self._postgres.dsn(DATABASE, "postgres", self._state.password("postgres"))

    def _url(self, role: str) -> str:
        return f"http://{ports.HOST}:{self._ports[role]}"

    async def _start_stores(self) -> None:
        await self._postgres.prepare(self._state.logs / "initdb.log")
        await self._postgres.wait_ready(await self._run(self._postgres.spec()))
        connection = await asyncpg.connect(self._postgres.superuser_dsn, timeout=10, command_timeout=30)
        with contextlib.suppress(asyncpg.DuplicateDatabaseError):
            await connection.execute(f"CREATE DATABASE {DATABASE}")
        await connection.close(timeout=5)
        valkey = Valkey(self._state.home / "redis", self._state.sockets())
        spec = valkey.spec()
        listen = ["--port", str(self._ports["redis"]), "--bind", ports.HOST]
        await valkey.wait_ready(await self._run(replace(spec, command=[*spec.command, *listen])))

    async def _serve(self, role: str, *, workers: int) -> None:
        options = ["--host", ports.HOST, "--port", str(self._ports[role]), "--workers", str(workers)]
        command = [str(self._python), "-m", "uvicorn", "peer:app", *options, "--no-access-log"]
        spec = Spec(role, command, self._environment(role), self._folder, stop_seconds=5.0)
        process = await self._run(spec)
        await self._wait_answers(process, role, workers)

    async def _wait_answers(self, process: Process, role: str, workers: int) -> None:
        """Waits until all workers are there and the port answers."""
        client = HttpClient(self._url(role), connections=1)
        until = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(HttpError):
                answer = await client.request("GET", "/openapi.json")
                if answer.status == 200 and process.log.read_text().count(STARTED) >= workers:
                    client.close()
                    return
            if time.monotonic() > until or process.cannot_start:
                raise CommandFailure(f"The peer's {role} role does not answer; see {process.log}.")
            await asyncio.sleep(0.1)

    def _environment(self, role: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "TZ", "HOME", "LANG") if name in os.environ}
        own = {
            "PEER_ROLE": role,
            "PEER_DB": self._dsn.replace("postgresql://", "postgresql+asyncpg://"),
            "PEER_REDIS_PORT": str(self._ports["redis"]),
            "PEER_USER_URL": self._url("user"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return kept | own

    async def _run(self, spec: Spec) -> Process:
        process = Process(spec, self._state.logs / f"{spec.name}.log", changed=_ignore, event=_ignore)
        self._processes[spec.name] = process
        await process.start()
        return process


def _ignore(*_: object) -> None:
    return None
