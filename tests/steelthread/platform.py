"""The whole platform as its users meet it: started by the console, seen through REST, dev.json and its databases."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import asyncpg
from rampart.auth.v1.client_pb2 import Client

from console.directory import find_auth, open_directory
from console.target import Target
from console.up.stack import Stack
from meshkit.identity.scopes import Scopes
from tests.steelthread.edge import Edge
from tests.support.processes import ROOT

__all__ = ["REPLICAS", "SCOPES", "Platform", "eventually"]

SCOPES = (*Scopes.declared_by_methods().ordinary, "scenario:policy", "scenario:publish")
REPLICAS = {"fraud": 2}
GATEWAY_WORKERS = 2
LEDGER_SECONDS = 5.0
"""How far the ledger may be behind the decisions."""


class Platform:
    """One platform on a state folder. It can be stopped and started again."""

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        """`settings` are variables of the environment of every process."""
        self.home = home
        self._settings = dict(settings or {})
        self._stack: Stack | None = None
        self._connections: dict[str, asyncpg.Connection] = {}
        self._edges: list[Edge] = []

    async def start(self) -> None:
        # Settings of the person who runs the tests must not reach the platform.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("RAMPART_", "OTEL_"))}
        environment["RAMPART_GATEWAY_WORKERS"] = str(GATEWAY_WORKERS)
        self._stack = Stack(self.home, environment=environment | self._settings, replicas=REPLICAS)
        await self._stack.start()

    async def stop(self) -> None:
        """Stops everything and closes what was open to it; an edge opens its connections again when it is used."""
        for edge in self._edges:
            edge.close()
        while self._connections:
            _, connection = self._connections.popitem()
            await connection.close(timeout=5)
        if self._stack is not None:
            stack, self._stack = self._stack, None
            await stack.stop()

    @property
    def dev(self) -> dict[str, Any]:
        """What dev.json says now."""
        found: dict[str, Any] = json.loads((self.home / "dev.json").read_text())
        return found

    def pid(self, name: str) -> int | None:
        """Returns the pid of a process, None between its death and its restart."""
        pid: int | None = self.dev["pids"].get(name)
        return pid

    def edge(self, client: str = "client") -> Edge:
        """Opens REST as one of the clients of dev.json."""
        return self._opened(Edge(Target.from_home(self.home, client)))

    async def new_edge(self, tenant: str = "", **options: Any) -> Edge:
        """Opens REST as a new client, of a tenant that no other test uses unless one is named."""
        tenant = tenant or f"tenant-{secrets.token_hex(6)}"
        address, tls = find_auth(self.home, {})
        options = {"scopes": SCOPES, "rate_limit": 50_000, **options}
        async with open_directory(address, tls) as directory:
            await directory.create_tenant(tenant)
            client = await directory.create_client(tenant, Client(**options))
        return self.edge_of(client.client_id, client.client_secret)

    def edge_of(self, client_id: str, client_secret: str) -> Edge:
        """Opens REST as a client that was made elsewhere."""
        dev = self.dev
        return self._opened(Edge(Target(dev["base_url"], dev["token_url"], client_id, client_secret)))

    def _opened(self, edge: Edge) -> Edge:
        self._edges.append(edge)
        return edge

    async def rows(self, service: str, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Reads from a service's database, across all tenants."""
        connection = self._connections.get(service)
        if connection is None or connection.is_closed():
            connection = await asyncpg.connect(self.dev["dsn"][service], timeout=10, command_timeout=30)
            self._connections[service] = connection
        return list(await connection.fetch(query, *arguments))

    async def value(self, service: str, query: str, *arguments: Any) -> Any:
        (row,) = await self.rows(service, query, *arguments)
        return row[0]

    async def ledger_caught_up(self, seconds: float = LEDGER_SECONDS) -> None:
        """Waits until every payment that was decided is in the ledger, which has no other events."""
        decisions = await self.value("fraud", "SELECT count(*) FROM decisions WHERE event_type = 'payment'")

        async def same() -> bool:
            return bool(await self.value("data", "SELECT count(*) FROM transactions") == decisions)

        await eventually(same, seconds)

    def log(self, name: str) -> list[dict[str, Any]]:
        """Returns the lines that the replicas of a service have logged since their last start."""
        return [json.loads(line) for line in self.log_text(name).splitlines() if line.startswith("{")]

    def log_text(self, name: str) -> str:
        logs = self.home / "logs"
        return "".join(path.read_text() for path in (logs / f"{name}.log", *logs.glob(f"{name}-[0-9].log")))

    @contextlib.asynccontextmanager
    async def held_down(self, name: str) -> AsyncIterator[None]:
        """Kills every replica of a service with -9, and again as often as they are restarted while the block runs."""
        self.kill_all(name)
        killing = asyncio.create_task(self._kill_again_and_again(name))
        try:
            yield
        finally:
            killing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await killing

    async def _kill_again_and_again(self, name: str) -> None:
        while True:
            await asyncio.sleep(0.01)
            self.kill_all(name)

    def kill_all(self, name: str) -> None:
        """Kills every replica of a service with -9."""
        for process, pid in self.dev["pids"].items():
            if process.partition("-")[0] == name:
                self.kill(pid)

    def kill(self, pid: int) -> None:
        """Kills a process with -9."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    async def rampart(self, *arguments: str, seconds: float = 90.0) -> tuple[int, str]:
        """Runs a `rampart` command to its end; returns its status and what it wrote."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAMPART_")}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "console", *arguments,
            cwd="/",
            env={**inherited, "PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}", "COLUMNS": "100"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            async with asyncio.timeout(seconds):
                output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, output.decode()


async def eventually(condition: Callable[[], Awaitable[object]], seconds: float, every: float = 0.1) -> None:
    """Waits until a condition holds; fails after some seconds."""
    until = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < until, f"it did not happen within {seconds:g} s"
        await asyncio.sleep(every)
