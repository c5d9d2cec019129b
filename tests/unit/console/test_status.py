"""What `rampart status` says of a platform that runs, limps, or is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from console.__main__ import main
from console.status import NOT_READY


class Admin(BaseHTTPRequestHandler):
    """The admin port of a process that lacks what its server says."""

    def do_GET(self) -> None:
        lacks: dict[str, str] = getattr(self.server, "lacks", {})
        body = json.dumps({"missing": lacks}).encode()
        self.send_response(503 if lacks else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def admin() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Admin) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def gone() -> int:
    """The pid of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def write_dev(home: Path, admin: ThreadingHTTPServer, **pids: int) -> None:
    address = f"127.0.0.1:{admin.server_address[1]}"
    dev = {
        "base_url": "http://127.0.0.1:1",
        "grpc": {"auth": "127.0.0.1:2", "fraud": "127.0.0.1:3"},
        "admin": {"auth": address, "fraud": address},
        "pids": {"supervisor": os.getpid(), "auth": os.getpid(), "fraud": os.getpid(), **pids},
    }
    (home / "dev.json").write_text(json.dumps(dev))


def statuses(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    return {each["process"]: each for each in map(json.loads, capsys.readouterr().out.splitlines())}


def test_ready_processes_are_shown_with_pid_memory_and_address(
    tmp_path: Path, admin: ThreadingHTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dev(tmp_path, admin)
    assert main(["status", "--home", str(tmp_path), "--json"]) == 0
    auth = statuses(capsys)["auth"]
    assert (auth["state"], auth["pid"], auth["listens"]) == ("ready", os.getpid(), "127.0.0.1:2")
    assert auth["memory_bytes"] > 1 << 20
    assert auth["seconds"] > 0


def test_what_a_process_lacks_is_said_with_status_3(
    tmp_path: Path, admin: ThreadingHTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    admin.lacks = {"postgres": "does not answer"}  # type: ignore[attr-defined]
    write_dev(tmp_path, admin)
    assert main(["status", "--home", str(tmp_path), "--json"]) == NOT_READY
    fraud = statuses(capsys)["fraud"]
    assert (fraud["state"], fraud["missing"]) == ("not ready", "postgres (does not answer)")


def test_a_process_that_is_gone_is_told_from_one_that_is_not_ready(
    tmp_path: Path, admin: ThreadingHTTPServer, gone: int, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dev(tmp_path, admin, fraud=gone)
    assert main(["status", "--home", str(tmp_path), "--json"]) == NOT_READY
    assert statuses(capsys)["fraud"]["state"] == "gone"


def test_no_platform_is_one_sentence_and_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--home", str(tmp_path)]) == 1
    assert "Nothing runs on" in capsys.readouterr().err


def test_a_supervisor_that_was_killed_is_named(
    tmp_path: Path, admin: ThreadingHTTPServer, gone: int, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dev(tmp_path, admin, supervisor=gone)
    assert main(["status", "--home", str(tmp_path)]) == 1
    assert f"The supervisor (pid {gone}) is gone" in capsys.readouterr().err
