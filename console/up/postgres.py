"""Runs the embedded PostgreSQL: one private cluster that listens on a unix socket only."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from pathlib import Path
from urllib.parse import quote

import asyncpg

from console.failure import CommandFailure
from console.up.account import Account
from console.up.processes import Process, Spec, cannot_start, run_once

MAJOR = "18"
SUPERUSER = "postgres"
START_SECONDS = 120.0
"""Recovery after a crash replays the log, which can take its time."""
INITDB_SECONDS = 120.0
SOCKET_LOCK = ".s.PGSQL.5432.lock"

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    # Short statements gain nothing from either, and containers often have too little /dev/shm for the second.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "password_encryption": "scram-sha-256",
    # Iterations slow down guessing; these passwords are random 192 bits, and every connection would pay.
    "scram_iterations": "64",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
}


class Postgres:
    """Data, command line and addresses of the cluster."""

    def __init__(self, account: Account, password: str) -> None:
        self._account = account
        self._password = password
        self._cluster = account.data / "data"
        self.folder = account.data
        """Holds the cluster and notes about it, which come and go with it."""

    def dsn(self, database: str, user: str, password: str) -> str:
        """Returns the address of a database over the socket."""
        return f"postgresql://{user}:{password}@/{database}?host={quote(str(self._account.sockets))}"

    @property
    def superuser_dsn(self) -> str:
        return self.dsn("postgres", SUPERUSER, self._password)

    async def prepare(self, log: Path) -> None:
        """Makes the cluster at the first start. Raises Failure if there is one that this version cannot run."""
        version = self._cluster / "PG_VERSION"
        if not version.exists():
            await self._initialise(log)
        found = version.read_text().strip()
        if found != MAJOR:
            raise CommandFailure(
                f"{self._cluster} holds data of PostgreSQL {found} and this is {MAJOR}; set RAMPART_HOME to another "
                "folder, or upgrade it with pg_upgrade."
            )

    async def _initialise(self, log: Path) -> None:
        """Makes the cluster beside its place and moves it there, so that a cut start leaves nothing half-made."""
        self._account.data.mkdir(mode=0o700, exist_ok=True)
        fresh = self._account.data / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        password = self._account.data / "password"
        password.touch(mode=0o600)
        password.write_text(self._password)
        self._account.own(password)
        options = ["-D", str(fresh), "-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8"]
        options += ["--locale-provider=builtin", "--locale=C.UTF-8"]
        try:
            command = self._account.command("initdb", *options)
            await run_once(Spec("initdb", command, _environment()), log, timeout=INITDB_SECONDS)
        finally:
            password.unlink()
        fresh.rename(self._cluster)

    def _drop_dead_locks(self) -> None:
        """Removes the lock files that stop PostgreSQL for ever though no server holds them."""
        for lock in (self._cluster / "postmaster.pid", self._account.sockets / SOCKET_LOCK):
            with contextlib.suppress(FileNotFoundError):
                if not _may_be_held(lock):
                    lock.unlink()

    def spec(self) -> Spec:
        """Returns how to run the server. SIGINT is its fast and orderly stop."""
        settings = SETTINGS | {"unix_socket_directories": str(self._account.sockets)}
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        command = self._account.command("postgres", "-D", str(self._cluster), *options)
        return Spec(
            "postgres",
            command,
            _environment(),
            stop_signal=signal.SIGINT,
            stop_seconds=8.0,
            before=self._drop_dead_locks,
        )

    async def wait_ready(self, process: Process) -> None:
        """Waits until the server takes connections. Raises Failure if it keeps ending or takes too long."""
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await self._answers():
                    if process.cannot_start:
                        raise cannot_start("PostgreSQL", process.log)
                    await asyncio.sleep(0.03)
        except TimeoutError as error:
            raise CommandFailure(
                f"PostgreSQL took no connection within {START_SECONDS:g} s; see {process.log}."
            ) from error

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.superuser_dsn, timeout=5)
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError, TimeoutError):
            return False
        except asyncpg.InvalidPasswordError as error:
            raise CommandFailure(
                f"The passwords kept beside {self._cluster} do not open it; restore passwords.json."
            ) from error
        await connection.close(timeout=5)
        return True


def _environment() -> dict[str, str]:
    """PG* variables of the user's shell must not reach the server."""
    kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
    return {**kept, "LC_ALL": "C"}


def _may_be_held(lock: Path) -> bool:
    """Tells whether a server may hold a lock file; of a pid that is nobody's PostgreSQL finds that out itself.

    A server that was killed before it had written its pid leaves an empty file, and a pid may be another program's now.
    """
    pid = next(iter(lock.read_text().split()), "")
    if not pid.isdigit():
        return False
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"
    except FileNotFoundError:
        return True
