"""A task service that is killed and comes back: its PostgreSQL, the service, workers, and what their effects were."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from console.up.account import find_account
from console.up.postgres import Postgres
from console.up.state import State
from meshkit.ids import uuid7
from meshkit.storage.migrations import migrate
from meshkit.storage.postgres import open_pool
from meshkit.topology import load
from services.task.adapters.postgres_tasks import PostgresTasks
from services.task.app import MIGRATIONS
from services.task.domain.leases import EngineRules
from services.task.domain.tasks import NewTask
from tests.support.certificates import Certificates
from tests.support.continuations import key_files
from tests.support.processes import ROOT, environment_of, free_port
from tests.support.servers import PostgresServer, finish

__all__ = ["KIND", "STEPS", "Effects", "Killable", "TaskPlatform", "task_platform"]

KIND = "fraud.chaos"
STEPS = 3
START_SECONDS = 30.0
OUTAGES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What a client meets whose server dies under it."""

# What the engine must never do, noted by the database itself at every change of a task.
_AUDIT = """
CREATE TABLE audit (what text NOT NULL, task_id uuid NOT NULL, seconds double precision);
CREATE FUNCTION audit_task() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF NEW.done < OLD.done AND NOT (NEW.fence > OLD.fence AND NEW.done IS NOT DISTINCT FROM OLD.checkpoint_done) THEN
        INSERT INTO audit VALUES ('progress went back', NEW.task_id, NULL);
    END IF;
    IF NEW.done IS NULL AND OLD.done IS NOT NULL AND OLD.checkpoint IS NOT NULL THEN
        INSERT INTO audit VALUES ('checkpoint was lost', NEW.task_id, NULL);
    END IF;
    IF OLD.finished_at IS NOT NULL THEN
        INSERT INTO audit VALUES ('changed after its end', NEW.task_id, NULL);
    END IF;
    IF NEW.fence < OLD.fence THEN
        INSERT INTO audit VALUES ('token went back', NEW.task_id, NULL);
    END IF;
    IF OLD.lease_until IS NOT NULL AND NEW.lease_until IS NULL AND clock_timestamp() > OLD.lease_until THEN
        INSERT INTO audit VALUES ('overdue', NEW.task_id, extract(epoch FROM clock_timestamp() - OLD.lease_until));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit AFTER UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION audit_task();
"""

_EFFECTS = """
CREATE TABLE effects (
    task_id uuid PRIMARY KEY, token integer NOT NULL, step integer NOT NULL, applied integer NOT NULL,
    refused integer NOT NULL DEFAULT 0
)"""


class Killable:
    """A process that is killed with -9 and started again."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._command = command
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                env=dict(self._environment),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def stop(self) -> int:
        """Returns the exit status after SIGTERM."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(15)
        finally:
            self.kill()


@dataclass
class Effects:
    """What handlers did, in a database of its own: each step of each task once, refused to tokens that are stale."""

    dsn: str

    async def prepare(self) -> None:
        connection = await asyncpg.connect(self.dsn)
        await connection.execute(_EFFECTS)
        await connection.close()

    async def rows(self) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.dsn)
        try:
            return list(await connection.fetch("SELECT * FROM effects"))
        finally:
            await connection.close()


@dataclass
class TaskPlatform:
    """One task service on its own PostgreSQL, and the processes of workers."""

    folder: Path
    server: PostgresServer
    postgres: Killable
    service: Killable
    address: str
    effects: Effects
    worker_environment: Mapping[str, str]
    workers: list[Killable] = field(default_factory=list)

    def dsn(self, role: str = "postgres") -> str:
        return self.server.dsn("rampart_task", role)

    def add_worker(
        self, *, module: str = "tests.support.chaos_worker", shift: float = 0.0, **settings: str
    ) -> Killable:
        command = python(module, shift)
        name = f"worker-{len(self.workers)}"
        worker = Killable(command, {**self.worker_environment, **settings}, self.folder / f"{name}.log")
        worker.start()
        self.workers.append(worker)
        return worker

    async def create(self, count: int, **fields: Any) -> None:
        """Creates tasks for the workers, of ten tenants."""
        pool = await open_pool(self.dsn("rampart_task_service"))
        store = PostgresTasks(pool, EngineRules())
        tenants = [str(uuid7()) for _ in range(10)]
        fields = {"max_attempts": 100} | fields
        for start in range(0, count, 500):
            size = min(500, count - start)
            new = [NewTask(tenants[n % 10], "chaos", kind=KIND, **fields) for n in range(size)]
            while True:
                with contextlib.suppress(Exception):
                    await store.create(new)
                    break
                await asyncio.sleep(0.1)
        await pool.close()

    async def query(self, statement: str, *parameters: object) -> list[asyncpg.Record]:
        """Asks the database of the service; waits while it is down."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                connection = await asyncpg.connect(self.dsn(), timeout=5)
                try:
                    return list(await connection.fetch(statement, *parameters))
                finally:
                    await connection.close(timeout=5)
            except OUTAGES:
                assert time.monotonic() < deadline, "the database did not come back"
                await asyncio.sleep(0.05)

    async def answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.dsn(), timeout=5)
            await connection.close(timeout=5)
        except OUTAGES:
            return False
        return True

    async def states(self) -> dict[str, int]:
        rows = await self.query("SELECT state, count(*) AS count FROM tasks GROUP BY state")
        return {row["state"]: row["count"] for row in rows}

    async def until_finished(self, seconds: float) -> dict[str, int]:
        deadline = time.monotonic() + seconds
        while True:
            states = await self.states()
            if not {"pending", "running", "cancelling"} & set(states):
                return states
            assert time.monotonic() < deadline, (states, self.logs())
            await asyncio.sleep(0.1)

    async def audit(self) -> dict[str, float]:
        """Returns what the database noted, with the longest time where it is one."""
        rows = await self.query("SELECT what, coalesce(max(seconds), 0) AS most FROM audit GROUP BY what")
        return {row["what"]: row["most"] for row in rows}

    def logs(self) -> str:
        return "\n".join(f"{path.name}: {path.read_text()[-1500:]}" for path in self.folder.glob("*.log"))


def python(module: str, shift: float = 0.0) -> list[str]:
    """Returns how to run a module, with the clock of its process shifted by seconds."""
    if not shift:
        return [sys.executable, "-m", module]
    return [sys.executable, "-m", "tests.support.shifted_clock", str(shift), module]


@asynccontextmanager
async def task_platform(
    folder: Path, certificates: Certificates, auth_address: str, *, shift: float = 0.0, backoff_ms: int = 100
) -> AsyncIterator[TaskPlatform]:
    """Runs a platform while the block does. `shift` moves the clock of the service by seconds."""
    folder.mkdir()
    platform = await _prepare(folder, certificates, auth_address, shift, backoff_ms)
    try:
        platform.service.start()
        yield platform
    finally:
        for process in [*platform.workers, platform.service]:
            with contextlib.suppress(ProcessLookupError):
                process.send(signal.SIGCONT)
            process.kill()
        platform.postgres.kill()


async def _prepare(
    folder: Path, certificates: Certificates, auth_address: str, shift: float, backoff_ms: int
) -> TaskPlatform:
    state = State.open(folder / "state")
    postgres = Postgres(find_account(state), state.password("postgres"))
    await asyncio.to_thread(finish, postgres.prepare(folder / "initdb.log"))
    spec = postgres.spec()
    database = Killable(spec.command, spec.environment, folder / "postgres.log")
    database.start()
    try:
        return await _compose(
            folder, certificates, auth_address, PostgresServer(postgres, state), database, shift, backoff_ms
        )
    except BaseException:
        database.kill()
        raise


async def _compose(
    folder: Path,
    certificates: Certificates,
    auth_address: str,
    server: PostgresServer,
    database: Killable,
    shift: float,
    backoff_ms: int,
) -> TaskPlatform:
    await server.prepare(load())
    entry = load().service("task")
    owner = server.dsn(entry.database, entry.user("owner"))
    await migrate(owner, MIGRATIONS, {role: entry.user(role) for role in entry.dsns()})
    connection = await asyncpg.connect(server.dsn("rampart_task"))
    await connection.execute(_AUDIT)
    await connection.close()
    address = f"127.0.0.1:{free_port()}"
    service = environment_of(
        {
            **certificates.environment("service/task"),
            "RAMPART_ADMIN_LISTEN": f"127.0.0.1:{free_port()}",
            **key_files("task", folder),
            "RAMPART_TASK_LISTEN": address,
            **{name: server.dsn(entry.database, entry.user(role)) for role, name in entry.dsns().items()},
            "RAMPART_AUTH_ADDRESS": auth_address,
            "RAMPART_TASK_FIRST_BACKOFF_MS": str(backoff_ms),
            "RAMPART_TASK_MAX_BACKOFF_SECONDS": "1",
        }
    )
    worker = environment_of({**certificates.environment("service/fraud"), "CHAOS_ADDRESS": address, "CHAOS_KIND": KIND})
    return TaskPlatform(
        folder,
        server,
        database,
        Killable(python("services.task", shift), service, folder / "service.log"),
        address,
        Effects(""),
        worker,
    )
