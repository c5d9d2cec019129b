"""Real servers for the integration tests, started once a run and shared. Tests keep apart by their tenants."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.up.state import State
from meshkit.storage.migrations import migrate
from meshkit.topology import load
from tests.support.certificates import Certificates
from tests.support.continuations import key_files
from tests.support.processes import ROOT, Node, free_port, running
from tests.support.servers import Database, PostgresServer, finish, postgres_server, valkey_server

FreshDatabase = Callable[[str], Database]


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """A private folder with a path short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="rampart-test-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def state(run_folder: Path) -> State:
    return State.open(run_folder / "state")


@pytest.fixture(scope="session")
def postgres(state: State) -> Iterator[PostgresServer]:
    with postgres_server(state) as server:
        yield server


@pytest.fixture(scope="session")
def valkey_url(state: State) -> Iterator[str]:
    with valkey_server(state) as url:
        yield url


@pytest.fixture(scope="session")
def certificates(run_folder: Path) -> Certificates:
    return Certificates(run_folder / "tls")


@pytest.fixture(scope="session")
def databases(postgres: PostgresServer) -> dict[str, Database]:
    """The migrated database of each service."""
    found = {service: Database(postgres, service, f"rampart_{service}") for service in load().names}
    finish(_migrate(*found.values()))
    return found


@pytest.fixture(scope="session")
def fresh_database(postgres: PostgresServer) -> FreshDatabase:
    """Makes a migrated database that no other test uses: a copy of one that was migrated for all."""
    migrated: dict[str, Database] = {}

    async def create(service: str) -> Database:
        if service not in migrated:
            migrated[service] = await postgres.create_database(service, f"rampart_{service}_{secrets.token_hex(4)}")
            await _migrate(migrated[service])
        name = f"rampart_{service}_{secrets.token_hex(4)}"
        return await postgres.create_database(service, name, template=migrated[service].name)

    return lambda service: finish(create(service))


async def _migrate(*databases: Database) -> None:
    for database in databases:
        entry = load().service(database.service)
        roles = {name: entry.user(name) for name in (*entry.dsns(), "reader")}
        await migrate(database.owner_dsn, ROOT / "services" / database.service / "migrations", roles)


@pytest.fixture(scope="session")
def auth(databases: dict[str, Database], certificates: Certificates, state: State, run_folder: Path) -> Iterator[Node]:
    """The auth service as a process."""
    address = f"127.0.0.1:{free_port()}"
    environment = {
        **databases["auth"].environment(),
        **certificates.environment("service/auth"),
        "RAMPART_AUTH_LISTEN": address,
        **key_files("auth", state.home),
    }
    with running("services.auth", environment, run_folder / "auth.log") as process:
        yield Node(address, process)


@pytest.fixture(scope="session")
def user(databases: dict[str, Database], certificates: Certificates, auth: Node, run_folder: Path) -> Iterator[Node]:
    """The user service as a process."""
    address = f"127.0.0.1:{free_port()}"
    environment = {
        **databases["user"].environment(),
        **certificates.environment("service/user"),
        **key_files("user", run_folder),
        "RAMPART_USER_LISTEN": address,
        "RAMPART_AUTH_ADDRESS": auth.address,
    }
    with running("services.user", environment, run_folder / "user.log") as process:
        yield Node(address, process)


@pytest.fixture(scope="session")
def task(databases: dict[str, Database], certificates: Certificates, auth: Node, run_folder: Path) -> Iterator[Node]:
    """The task service as a process, whose attempts follow each other quickly."""
    address = f"127.0.0.1:{free_port()}"
    environment = {
        **databases["task"].environment(),
        **certificates.environment("service/task"),
        **key_files("task", run_folder),
        "RAMPART_TASK_LISTEN": address,
        "RAMPART_AUTH_ADDRESS": auth.address,
        "RAMPART_TASK_FIRST_BACKOFF_MS": "50",
        "RAMPART_TASK_MAX_BACKOFF_SECONDS": "1",
    }
    with running("services.task", environment, run_folder / "task.log") as process:
        yield Node(address, process)
