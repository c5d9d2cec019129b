"""A real service as a process: what becomes of it when a background task dies, and how it starts and ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.certificates import Certificates
from tests.support.continuations import key_files
from tests.support.processes import Node, Process, free_port, run_module, running
from tests.support.servers import Database

TASK = "change publisher"


@pytest.fixture
def environment(
    databases: dict[str, Database], certificates: Certificates, auth: Node, run_folder: Path
) -> dict[str, str]:
    return {
        **databases["user"].environment(),
        **certificates.environment("service/user"),
        **key_files("user", run_folder),
        "RAMPART_USER_LISTEN": f"127.0.0.1:{free_port()}",
        "RAMPART_AUTH_ADDRESS": auth.address,
    }


@pytest.fixture
def mortal(environment: dict[str, str], tmp_path: Path) -> Iterator[Process]:
    with running("tests.support.mortal", environment, tmp_path / "log") as process:
        yield process


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.005)
    return False


def deaths(process: Process) -> list[dict[str, str]]:
    lines = [json.loads(line) for line in process.log().splitlines() if line.startswith("{")]
    return [line for line in lines if line["message"] == f"background task {TASK} died of RuntimeError"]


def test_task_that_dies_is_logged_shown_by_the_probe_and_running_again_soon(mortal: Process) -> None:
    for count in (1, 2):
        os.kill(mortal.pid, signal.SIGUSR1)
        missing: dict[str, str] = {}

        def not_ready(found: dict[str, str] = missing) -> bool:
            found.update(mortal.readiness() or {})
            return bool(found)

        assert within(5, not_ready)
        assert set(missing) == {TASK}
        assert missing[TASK].startswith("the background task died of RuntimeError and is ")
        assert "acme" not in missing[TASK]
        assert within(5, lambda: mortal.readiness() == {}), "it is running again"
        assert len(deaths(mortal)) == count
    (entry, _) = deaths(mortal)
    assert (entry["level"], entry["task"]) == ("ERROR", TASK)
    assert "planted" in entry["exception"]


def test_process_whose_task_does_not_end_ends_without_it(mortal: Process) -> None:
    os.kill(mortal.pid, signal.SIGUSR2)
    time.sleep(0.2)
    start = time.monotonic()
    assert mortal.stop() == 1
    assert time.monotonic() - start < 12
    assert f"the process ends without: {TASK}" in mortal.log()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_signal_during_the_start_ends_the_process_cleanly(
    environment: dict[str, str], tmp_path: Path, how: signal.Signals
) -> None:
    for milliseconds in range(0, 1_600, 200):
        process = Process("services.user", environment, tmp_path / f"{how}-{milliseconds}.log")
        time.sleep(milliseconds / 1000)
        # Before the interpreter has come to our code, the signal ends it as it ends any program; Python may lose the
        # exception that it makes of SIGINT while it reads modules, and whoever sits there presses the keys again.
        again = threading.Timer(5, os.kill, [process.pid, how])
        again.start()
        assert process.stop(how) in (0, -how, 1 if how is signal.SIGINT else 0, 130), process.log()
        again.cancel()
        assert '"level": "ERROR"' not in process.log()


def test_admin_port_that_is_taken_is_named_in_a_sentence(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        admin = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run_module("services.user", environment=environment | {"RAMPART_ADMIN_LISTEN": admin})
    assert ended.returncode == 1
    assert f"user: cannot listen on {admin}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_log_level_that_is_none_is_named_in_a_sentence(environment: dict[str, str]) -> None:
    ended = run_module("services.user", environment=environment | {"RAMPART_LOG_LEVEL": "loud"})
    assert (ended.returncode, ended.stderr) == (1, "user: RAMPART_LOG_LEVEL: Unknown level: 'LOUD'\n")


def test_command_that_does_not_exist_is_answered_with_the_usage(environment: dict[str, str]) -> None:
    ended = run_module("services.user", "sevre", environment=environment)
    assert (ended.returncode, ended.stderr) == (1, "usage: python -m services.user [migrate]\n")
