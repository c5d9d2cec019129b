"""Another implementation of the same check, measured in the same run: a folder with `peer.py`, given by the user.

`peer:app` is an ASGI application. It reads PEER_ROLE (user or fraud), PEER_DB (a SQLAlchemy URL), PEER_REDIS_PORT and
PEER_USER_URL, answers POST /api/v1/fraud-check, stores into a table `decisions`, and takes HS256 tokens signed with
`peer.SECRET`. It gets packages, PostgreSQL and Valkey of its own, in the versions and with the settings of Rampart's.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from console.failure import CommandFailure
from tests.load.platforms import Batches, Ledger, count_rows
from tests.load.uvicorn_stack import Application, UvicornStack, clean_environment
from tests.load.workload import Target
from tools import bootstrap

__all__ = ["Peer", "prepare_environment"]

# What both use comes in the version that Rampart uses. uvloop, httptools and hiredis are found and used if present.
SHARED = ("asyncpg", "fastapi", "hiredis", "httptools", "httpx", "prometheus_client", "redis", "uvicorn", "uvloop")
OWN = ("pyjwt==2.15.1", "sqlalchemy[asyncio]==2.1.9", "python-multipart")
INSTALL_SECONDS = 300.0
TOKEN_SECONDS = 30.0
MAKE_TOKEN = "import jwt, peer; print(jwt.encode({'sub': 'bench'}, peer.SECRET, 'HS256'))"
DATABASE = "peer"


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
        self._workers = workers
        self._stack = UvicornStack(home, DATABASE, ("user", "fraud"))

    async def start(self) -> None:
        await self._stack.start_stores()
        await self._stack.serve(self._application("user", workers=1))
        await self._stack.serve(self._application("fraud", workers=self._workers))

    async def stop(self) -> None:
        await self._stack.stop()

    async def target(self) -> Target:
        made = await asyncio.to_thread(
            subprocess.run,
            [str(self._python), "-c", MAKE_TOKEN],
            cwd=self._folder, env=clean_environment(self._environment("fraud")), capture_output=True, text=True,
            check=False, timeout=TOKEN_SECONDS,
        )  # fmt: skip
        if made.returncode:
            raise CommandFailure(f"The peer makes no token: {made.stderr.strip().splitlines()[-1]}")
        return Target(self._stack.url("fraud"), made.stdout.strip())

    def pids(self) -> Mapping[str, int]:
        return self._stack.pids()

    async def stored(self) -> int:
        return await count_rows(self._stack.dsn, "decisions")

    async def settle(self) -> Ledger | None:
        return None

    async def batches(self) -> Batches:
        return {}

    def _application(self, role: str, *, workers: int) -> Application:
        return Application(role, "peer:app", self._python, self._folder, workers, self._environment(role))

    def _environment(self, role: str) -> dict[str, str]:
        return {
            "PEER_ROLE": role,
            "PEER_DB": self._stack.dsn.replace("postgresql://", "postgresql+asyncpg://"),
            "PEER_REDIS_PORT": str(self._stack.redis_port),
            "PEER_USER_URL": self._stack.url("user"),
        }
