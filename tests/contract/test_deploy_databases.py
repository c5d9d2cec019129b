"""The roles and databases that deploy/postgres/databases.sql makes carry the migrations, and keep apart."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from console.up.account import find_account
from console.up.postgres import Postgres
from console.up.state import State
from deploy.compose.init import environments
from meshkit.storage.migrations import migrate
from meshkit.topology import load
from tools.check_deploy import DEPLOY, ROOT

TOPOLOGY = load()
SERVICES = TOPOLOGY.names
ROLES = [(service.name, role) for service in TOPOLOGY.services for role in service.role_names]
START_SECONDS = 30.0


@dataclass(frozen=True)
class Server:
    """A PostgreSQL with nothing in it."""

    postgres: Postgres
    psql: Path
    passwords: Mapping[str, str]

    def run_script(self, passwords: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Runs databases.sql as its first lines say."""
        script = str(DEPLOY / "postgres/databases.sql")
        command = [str(self.psql), "-v", "ON_ERROR_STOP=1", "-X", "-f", script, self.postgres.superuser_dsn]
        return subprocess.run(command, env=dict(passwords), capture_output=True, text=True, timeout=60, check=False)

    def dsn(self, service: str, role: str) -> str:
        password = self.passwords[f"RAMPART_{service.upper()}_{role.upper()}_PASSWORD"]
        return self.postgres.dsn(f"rampart_{service}", f"rampart_{service}_{role}", password)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="rampart-sql-") as folder:
        state = State.open(Path(folder))
        account = find_account(state)
        postgres = Postgres(account, state.password("postgres"))
        asyncio.run(postgres.prepare(state.logs / "initdb.log"))
        spec = postgres.spec()
        with (state.logs / "postgres.log").open("wb") as log:
            process = subprocess.Popen(spec.command, env=dict(spec.environment), stdout=log, stderr=log)
        try:
            wait_until_ready(postgres)
            yield Server(postgres, account.programs / "psql", environments(TOPOLOGY, state)["postgres"])
        finally:
            process.send_signal(spec.stop_signal)
            process.wait(20)


def wait_until_ready(postgres: Postgres) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            asyncio.run(query(postgres.superuser_dsn, "SELECT 1"))
            return
        except (OSError, asyncpg.CannotConnectNowError):
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.1)


async def query(dsn: str, sql: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close(timeout=5)


def test_a_missing_password_stops_the_script_before_it_changes_anything(server: Server) -> None:
    passwords = {name: value for name, value in server.passwords.items() if name != "RAMPART_DATA_SERVICE_PASSWORD"}
    assert server.run_script(passwords).returncode != 0
    found = asyncio.run(query(server.postgres.superuser_dsn, "SELECT FROM pg_roles WHERE rolname LIKE 'rampart_%'"))
    assert found == []


def test_the_script_prepares_what_the_migrations_and_the_services_need(server: Server) -> None:
    done = server.run_script(server.passwords)
    assert done.returncode == 0, done.stderr
    for service in TOPOLOGY.services:
        roles = {role: service.user(role) for role in service.role_names}
        folder = ROOT / "services" / service.name / "migrations"
        assert asyncio.run(migrate(server.dsn(service.name, "owner"), folder, roles))
    for name, role in ROLES:
        sql = "SELECT rolsuper OR rolbypassrls AS above FROM pg_roles WHERE rolname = current_user"
        (row,) = asyncio.run(query(server.dsn(name, role), sql))
        assert row["above"] is False, "row-level security must hold for it"
    for table in ("rampart_auth", "rampart_user", "rampart_data"):
        stranger = server.dsn("fraud", "service").replace("/rampart_fraud?", f"/{table}?")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            asyncio.run(query(stranger, "SELECT 1"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        asyncio.run(query(server.dsn("fraud", "relay"), "SELECT * FROM decisions"))
