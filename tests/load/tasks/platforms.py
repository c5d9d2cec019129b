"""The platforms that take part in the load test of tasks."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sqlalchemy.ext.asyncio import create_async_engine

from console.up.names import ROOT
from tests.load.platforms import Batches, Rampart, count_rows
from tests.load.twin.models import Base
from tests.load.twin.security import SECRET_VARIABLE, make_token
from tests.load.uvicorn_stack import Application, UvicornStack
from tests.load.workload import TASKS_PATH, Target

__all__ = ["RampartTasks", "Twin"]

ROLE = "twin"
WORKERS = 2
"""Processes that answer HTTP, of each platform."""
OPTIONS = ("--loop", "uvloop", "--http", "httptools", "--backlog", "4096", "--timeout-keep-alive", "75")


class RampartTasks(Rampart):
    """This platform, loaded through its API of tasks."""

    def __init__(self, name: str, home: Path, *, workers: int = WORKERS) -> None:
        super().__init__(name, home, coalesce=True, gateway_workers=workers)

    async def target(self) -> Target:
        return replace(await super().target(), path=TASKS_PATH)

    async def stored(self) -> int:
        return await count_rows(self.dev["dsn"]["task"], "tasks")

    async def settle(self) -> None:
        return None


class Twin:
    """The article's stack for tasks (`tests/load/twin`) with `workers` processes and stores of its own."""

    def __init__(self, name: str, home: Path, *, workers: int = WORKERS) -> None:
        self.name = name
        self._workers = workers
        self._secret = secrets.token_hex(32)
        self._stack = UvicornStack(home, "twin", (ROLE,))

    async def start(self) -> None:
        await self._stack.start_stores()
        await self._create_tables()
        await self._stack.serve(
            Application(
                ROLE, "tests.load.twin.app:app", Path(sys.executable), ROOT, self._workers, self._environment(), OPTIONS
            )
        )

    async def stop(self) -> None:
        await self._stack.stop()

    async def target(self) -> Target:
        return Target(self._stack.url(ROLE), make_token(self._secret, "acme"), TASKS_PATH)

    def pids(self) -> Mapping[str, int]:
        return self._stack.pids()

    async def stored(self) -> int:
        return await count_rows(self._stack.dsn, "tasks")

    async def settle(self) -> None:
        return None

    async def batches(self) -> Batches:
        return {}

    @property
    def _url(self) -> str:
        return self._stack.dsn.replace("postgresql://", "postgresql+asyncpg://")

    def _environment(self) -> dict[str, str]:
        return {
            "TWIN_DB": self._url,
            "TWIN_REDIS_PORT": str(self._stack.redis_port),
            SECRET_VARIABLE: self._secret,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }

    async def _create_tables(self) -> None:
        engine = create_async_engine(self._url)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await engine.dispose()
