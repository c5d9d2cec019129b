"""A real PostgreSQL and a real Valkey for as long as the tests run: those of `rampart up`, in a folder of their own."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from console.up.account import find_account
from console.up.databases import Databases
from console.up.postgres import Postgres
from console.up.processes import Spec
from console.up.state import State
from console.up.valkey import Valkey
from meshkit.topology import Topology, load

__all__ = ["Database", "PostgresServer", "finish", "postgres_server", "valkey_server"]

START_SECONDS = 30.0
Result = TypeVar("Result")


def finish(work: Coroutine[Any, Any, Result]) -> Result:
    """Runs a coroutine to its end in a thread of its own: fixtures are made with and without a running loop."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


class PostgresServer:
    """A running server with the roles of every service."""

    def __init__(self, postgres: Postgres, state: State) -> None:
        self._postgres = postgres
        self._state = state

    def dsn(self, database: str, role: str = "postgres") -> str:
        """Of a role of the platform, or of the superuser."""
        return self._postgres.dsn(database, role, self._state.password(role))

    async def prepare(self, topology: Topology) -> None:
        """Makes the roles and the databases that the services have in production."""
        await _until_connected(self._postgres.superuser_dsn)
        await Databases(topology, self._postgres, self._state).prepare()

    async def create_database(self, service: str, name: str, template: str = "template1") -> Database:
        """Creates a database owned by the service's owner: an empty one, or a copy of one that nobody has open."""
        connection = await asyncpg.connect(self._postgres.superuser_dsn, timeout=10)
        try:
            await connection.execute(f'CREATE DATABASE "{name}" OWNER rampart_{service}_owner TEMPLATE "{template}"')
        finally:
            await connection.close(timeout=5)
        return Database(self, service, name)


@dataclass(frozen=True)
class Database:
    """One service's database, seen by each of its roles."""

    server: PostgresServer
    service: str
    name: str

    @property
    def dsn(self) -> str:
        """Of the service itself."""
        return self.server.dsn(self.name, f"rampart_{self.service}_service")

    @property
    def owner_dsn(self) -> str:
        return self.server.dsn(self.name, f"rampart_{self.service}_owner")

    @property
    def reader_dsn(self) -> str:
        """Reads the rows of every tenant."""
        return self.server.dsn(self.name, f"rampart_{self.service}_reader")

    @property
    def relay_dsn(self) -> str:
        return self.server.dsn(self.name, load().service("fraud").user("relay"))

    def environment(self) -> dict[str, str]:
        """Returns what a process of the service reads."""
        entry = load().service(self.service)
        own = {variable: self.server.dsn(self.name, entry.user(role)) for role, variable in entry.dsns().items()}
        return own | {entry.setting("MIGRATE_DSN"): self.owner_dsn}


@contextmanager
def postgres_server(state: State) -> Iterator[PostgresServer]:
    postgres = Postgres(find_account(state), state.password("postgres"))
    finish(postgres.prepare(state.home / "initdb.log"))
    with _running(_unsafe(postgres.spec()), state.home / "postgres.log"):
        server = PostgresServer(postgres, state)
        finish(server.prepare(load()))
        yield server


@contextmanager
def valkey_server(state: State) -> Iterator[str]:
    """Runs a Valkey and yields its URL."""
    valkey = Valkey(state.home / "redis", state.sockets())
    with _running(valkey.spec(), state.home / "redis.log"):
        finish(_until_pinged(valkey.url))
        yield valkey.url


def _unsafe(spec: Spec) -> Spec:
    """Returns how to run PostgreSQL without waiting for the disk: nobody needs what is there once the tests end."""
    return replace(spec, command=[*spec.command, "-c", "fsync=off"], stop_signal=signal.SIGQUIT)


async def _until_connected(dsn: str) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                connection = await asyncpg.connect(dsn, timeout=5)
            except (OSError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(0.03)
            else:
                await connection.close(timeout=5)
                return


async def _until_pinged(url: str) -> None:
    client = Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        async with asyncio.timeout(START_SECONDS):
            while True:
                try:
                    await client.ping()
                except (OSError, RedisError):
                    await asyncio.sleep(0.02)
                else:
                    return
    finally:
        await client.aclose()


@contextmanager
def _running(spec: Spec, log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            spec.command, env=dict(spec.environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        yield
    finally:
        process.send_signal(spec.stop_signal)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
