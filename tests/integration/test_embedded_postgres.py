"""The embedded PostgreSQL under every identity that this machine allows."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from console.failure import CommandFailure
from console.up import account
from console.up.databases import Databases
from console.up.postgres import Postgres
from console.up.processes import Process
from console.up.state import State
from meshkit.topology import load


@pytest.fixture
def state() -> Iterator[State]:
    """A state folder that any user may reach, as `nobody` must."""
    folder = tempfile.mkdtemp(dir="/tmp")
    Path(folder).chmod(0o755)
    yield State.open(Path(folder) / "home")
    shutil.rmtree(folder)


@pytest.fixture(params=["as itself", "as nobody"])
def identity(request: pytest.FixtureRequest, state: State, monkeypatch: pytest.MonkeyPatch) -> str:
    """The identity that the machine gives by itself, and the one of a root without user namespaces."""
    if request.param == "as nobody":
        if os.geteuid() != 0:
            pytest.skip("only root runs PostgreSQL as nobody")
        monkeypatch.setattr(account, "_namespace", lambda: None)
        monkeypatch.setattr(account, "SYSTEM_FOLDER", state.home.parent)
    return str(request.param)


@asynccontextmanager
async def running(state: State) -> AsyncIterator[tuple[Postgres, Process, list[str]]]:
    postgres = Postgres(account.find_account(state), state.password("postgres"))
    await postgres.prepare(state.logs / "initdb.log")
    events: list[str] = []
    process = Process(postgres.spec(), state.logs / "postgres.log", changed=lambda: None, event=events.append)
    await process.start()
    try:
        await postgres.wait_ready(process)
        yield postgres, process, events
    finally:
        await process.stop()


async def test_data_outlives_a_kill_and_a_restart(state: State, identity: str) -> None:
    async with running(state) as (postgres, process, events):
        connection = await asyncpg.connect(postgres.superuser_dsn, timeout=10)
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        async with asyncio.timeout(30):
            while not events:
                await asyncio.sleep(0.05)
        await connection.close(timeout=1)
        await postgres.wait_ready(process)
    async with running(state) as (postgres, _, _):
        connection = await asyncpg.connect(postgres.superuser_dsn, timeout=10)
        assert await connection.fetchval("SELECT answer FROM kept") == 42
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval("SHOW listen_addresses") == ""
        await connection.close(timeout=5)


@pytest.mark.parametrize("lock", ["postgres/data/postmaster.pid", "run/.s.PGSQL.5432.lock"])
async def test_a_server_killed_before_it_wrote_its_pid_starts_again(state: State, lock: str) -> None:
    async with running(state) as (postgres, process, events):
        (state.home / lock).write_text("")
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        async with asyncio.timeout(30):
            while not events:
                await asyncio.sleep(0.05)
        await postgres.wait_ready(process)
    (state.home / lock).write_text("")
    async with running(state):
        pass


async def test_a_service_reaches_its_own_database_and_no_other(state: State) -> None:
    async with running(state) as (postgres, _, _):
        databases = Databases(load(), postgres, state)
        await databases.prepare()
        await databases.prepare()
        own = await asyncpg.connect(databases.dsn("auth", "service"), timeout=10)
        assert await own.fetchval("SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = current_user") is False
        await own.close(timeout=5)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(
                databases.dsn("auth", "service").replace("/rampart_auth?", "/rampart_fraud?"), timeout=10
            )
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(postgres.dsn("rampart_auth", "rampart_auth_service", "guess"), timeout=10)


async def test_lost_passwords_are_one_sentence(state: State) -> None:
    async with running(state):
        pass
    (state.home / "passwords.json").unlink()
    with pytest.raises(CommandFailure, match=r"do not open it; restore passwords\.json"):
        async with running(state):
            pass


async def test_a_pid_file_that_names_another_program_does_not_stop_the_start(state: State) -> None:
    async with running(state) as (postgres, _, _):
        cluster = postgres.folder / "data"
        content = (cluster / "postmaster.pid").read_text()
    (cluster / "postmaster.pid").write_text(content.replace(content.split()[0], str(os.getpid()), 1))
    async with running(state):
        pass
