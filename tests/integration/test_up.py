"""`rampart up` as people run it: a process of its own, real servers, a terminal line that is pasted."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from console.up import proc
from meshkit.identity.scopes import Scopes
from meshkit.topology import load
from tests.support.processes import ROOT

START_SECONDS = 120.0
STOP_SECONDS = 10.0
SERVICES = load().names
PROCESSES = {"supervisor", "postgres", "redis", *SERVICES, "gateway"}
SCOPES = Scopes.declared_by_methods().declared


class Up:
    """One run of `rampart up` on a state folder."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.output = home.parent / "output.txt"
        own = {
            "PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}",
            "RAMPART_HOME": str(home),
            "RAMPART_HTTP_PORT": "0",
            # Nothing here is about who takes the place of a gateway that dies.
            "RAMPART_STANDBY": "off",
            **environment,
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAMPART_")}
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "console", "up"],
                env=inherited | own,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd="/",
            )

    @property
    def text(self) -> str:
        return self.output.read_text()

    @property
    def dev(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.home / "dev.json").read_text())
        return found

    def wait_ready(self) -> None:
        wait(lambda: "Ctrl-C stops" in self.text or self.process.poll() is not None, START_SECONDS)
        assert self.process.poll() is None, self.text

    def wait_end(self, seconds: float = STOP_SECONDS) -> int:
        return self.process.wait(seconds)

    def paste(self) -> dict[str, Any]:
        """Runs the curl line of the screen in a shell and returns the answer."""
        (line,) = [line for line in self.text.splitlines() if line.startswith("curl ")]
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True, timeout=30, cwd="/")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def get(self, path: str) -> dict[str, Any]:
        """Asks the edge as the demo client."""
        token = run_rampart("token", "--home", str(self.home)).stdout.strip()
        command = ["curl", "-sS", "--noproxy", "*", "-H", f"Authorization: Bearer {token}", self.dev["base_url"] + path]
        answer: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=30).stdout)
        return answer

    def members(self) -> set[int]:
        """Returns every living process that the run has started, also without a parent."""
        pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        mine = {pid for pid in pids if proc.environment(pid).get("RAMPART_SUPERVISED_HOME") == str(self.home)}
        sockets = str(self.home / "run")
        servers = {pid for pid in pids if sockets in command_line(pid)}
        return {pid for pid in mine | servers if proc.start_time(pid) is not None}


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def run_rampart(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}"}
    command = [sys.executable, "-P", "-m", "console", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60, cwd="/")


def wait(condition: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up") / "home"


@pytest.fixture(scope="module")
def up(home: Path) -> Iterator[Up]:
    up = Up(home)
    try:
        up.wait_ready()
        yield up
    finally:
        up.process.terminate()
        up.process.wait(30)


def test_the_operator_sees_the_ledger_and_has_it_rebuilt(up: Up) -> None:
    done = run_rampart("ledger", "state", "--home", str(up.home))
    assert (done.returncode, done.stdout) == (0, "following the decisions\n"), done.stderr
    done = run_rampart("ledger", "rebuild", "--home", str(up.home))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "following the decisions"), done.stderr
    missing = run_rampart("ledger", "state", "--home", str(up.home / "elsewhere"))
    assert (missing.returncode, missing.stdout) == (1, "")


def test_dev_json_says_all_that_scripts_rely_on(up: Up) -> None:
    dev = up.dev
    assert dev["token_url"] == dev["base_url"] + "/api/v1/oauth/token"
    assert set(dev["grpc"]) == set(SERVICES)
    assert set(dev["admin"]) == {*SERVICES, "gateway"}
    assert set(dev["dsn"]) == set(SERVICES)
    assert set(dev["pids"]) >= PROCESSES
    assert all(proc.start_time(pid) for pid in dev["pids"].values())
    assert all(Path(dev[name]).is_file() for name in ("ca_file", "client_cert_file", "client_key_file"))
    assert dev["client"]["tenant"] == dev["limited_client"]["tenant"] != dev["other_tenant"]["tenant"]
    assert (up.home / "dev.json").stat().st_mode & 0o777 == 0o600


def test_the_table_and_the_curl_line_work_as_shown(up: Up) -> None:
    answer = up.paste()
    assert answer["is_fraudulent"] is False
    assert answer["decision_id"]
    assert f"{up.dev['base_url']}/docs" in up.text
    for name in PROCESSES - {"supervisor"}:
        assert re.search(rf"{name}\W+{up.dev['pids'][name]}\b", up.text)


async def test_the_readers_see_all_tenants_and_write_nothing(up: Up) -> None:
    import asyncpg

    connection = await asyncpg.connect(up.dev["dsn"]["auth"], timeout=10)
    try:
        assert {row["name"] for row in await connection.fetch("SELECT name FROM tenants")} >= {"acme", "globex"}
        scopes = await connection.fetchval(
            "SELECT scopes FROM clients WHERE client_id = $1", up.dev["client"]["client_id"]
        )
        assert set(scopes) == SCOPES
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute("DELETE FROM clients")
    finally:
        await connection.close(timeout=5)


def test_a_tenant_and_a_client_are_made_from_the_command_line_and_the_client_gets_tokens(up: Up) -> None:
    assert run_rampart("tenant", "create", "initech", "--home", str(up.home)).returncode == 0
    made = run_rampart("client", "create", "--tenant", "initech", "--json", "--home", str(up.home))
    client = json.loads(made.stdout)
    assert "fraud:backfill" not in client["scopes"]
    form = ["-u", f"{client['client_id']}:{client['client_secret']}", "-d", "grant_type=client_credentials"]
    command = ["curl", "-sS", "--noproxy", "*", *form, up.dev["token_url"]]
    assert "access_token" in json.loads(subprocess.run(command, capture_output=True, check=True, timeout=30).stdout)


def test_a_client_of_no_tenant_is_refused_in_one_sentence(up: Up) -> None:
    refused = run_rampart("client", "create", "--tenant", "nobody", "--home", str(up.home))
    assert refused.returncode == 1
    assert refused.stderr.startswith("rampart: auth refused (RESOURCE_NOT_FOUND)")
    assert refused.stderr.count("\n") == 1


def test_databases_of_ones_own_are_used_in_place_of_embedded_ones(up: Up, tmp_path: Path) -> None:
    passwords = json.loads((up.home / "passwords.json").read_text())
    dsns: dict[str, str] = {}
    owners: dict[str, str] = {}
    for service in load().services:
        names = {**service.dsns(), "owner": service.setting("MIGRATE_DSN")}
        found = {
            name: f"postgresql://{user}:{passwords[user]}@/{service.database}?host={up.home / 'run'}"
            for name, user in ((name, service.user(role)) for role, name in names.items())
        }
        owners[names["owner"]] = found.pop(names["owner"])
        dsns |= found
    own = {"RAMPART_REDIS_URL": up.dev["redis_url"], "RAMPART_AUTH_KEY_FILE": str(up.home / "auth.key")}
    with running(tmp_path / "home", **dsns, **owners, **own) as other:
        assert {"postgres", "redis"}.isdisjoint(other.dev["pids"])
        assert other.dev["dsn"] == {}
        decision = other.paste()["decision_id"]
        assert up.get(f"/api/v1/decisions/{decision}")["decision_id"] == decision
        other.process.terminate()
        assert other.wait_end() == 0


def test_a_second_start_on_the_same_folder_is_one_sentence(up: Up) -> None:
    second = run_rampart("up", "--home", str(up.home))
    assert second.returncode == 1
    assert f"already runs on {up.home} (pid {up.process.pid})" in second.stdout + second.stderr
    assert "Traceback" not in second.stderr
    assert up.process.poll() is None


@pytest.mark.parametrize("name", ["fraud", "gateway", "postgres", "redis"])
def test_a_killed_process_is_restarted_and_named_and_decisions_go_on(up: Up, name: str) -> None:
    old = up.dev["pids"][name]
    os.kill(old, signal.SIGKILL)
    wait(lambda: f"{name} (pid {old}) died with signal 9; restarted as pid" in up.text, 15)
    wait(lambda: up.dev["pids"].get(name) not in (old, None), 15)
    wait(lambda: decided(up), 30)


def decided(up: Up) -> bool:
    try:
        return "decision_id" in up.paste()
    except (subprocess.CalledProcessError, ValueError):
        return False


@contextmanager
def running(home: Path, **environment: str) -> Iterator[Up]:
    up = Up(home, **environment)
    try:
        up.wait_ready()
        yield up
    finally:
        up.process.kill()
        up.process.wait(5)


def test_sigterm_stops_everything_in_time_and_the_next_start_has_the_data(tmp_path: Path) -> None:
    with running(tmp_path / "home") as first:
        decision, client = first.paste()["decision_id"], first.dev["client"]
        assert first.members()
        first.process.terminate()
        assert first.wait_end() == 0, first.text
        assert first.members() == set()
        assert not (tmp_path / "home" / "dev.json").exists()
        assert "Traceback" not in first.text
    with running(tmp_path / "home") as second:
        assert second.dev["client"] == client
        assert second.get(f"/api/v1/decisions/{decision}")["decision_id"] == decision
        killed = set(second.dev["pids"].values())
    with running(tmp_path / "home") as third:
        assert third.get(f"/api/v1/decisions/{decision}")["decision_id"] == decision
        assert third.members().isdisjoint(killed)
        third.process.send_signal(signal.SIGINT)
        assert third.wait_end() == 0
        assert third.members() == set()


def test_stopping_during_the_start_leaves_nothing(tmp_path: Path) -> None:
    up = Up(tmp_path / "home")
    wait(lambda: up.members() or up.process.poll() is not None, 30)
    up.process.terminate()
    assert up.wait_end() == 0, up.text
    assert up.members() == set()
    assert not (tmp_path / "home" / "dev.json").exists()


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        up = Up(tmp_path / "home", RAMPART_HTTP_PORT=port)
        assert up.wait_end(30) == 1
    assert f"Port {port} is taken" in up.text
    assert "stopping" not in up.text
    assert "Traceback" not in up.text
    assert up.members() == set()


def test_data_of_another_postgresql_is_one_sentence(tmp_path: Path) -> None:
    first = Up(tmp_path / "home", RAMPART_HTTP_PORT="no")
    assert first.wait_end(30) == 1
    assert "RAMPART_HTTP_PORT must be a number" in first.text
    data = tmp_path / "home" / "postgres" / "data"
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "rampart.json").write_text('{"format": 1}')
    data.mkdir(parents=True, mode=0o700)
    (data / "PG_VERSION").write_text("16\n")
    up = Up(tmp_path / "home")
    assert up.wait_end(30) == 1
    assert "holds data of PostgreSQL 16 and this is 18" in up.text
    assert "Traceback" not in up.text
