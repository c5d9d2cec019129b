"""What people see."""

from __future__ import annotations

import io
import shlex
from pathlib import Path

import pytest
from rich.console import Console

from console.home import DEFAULT
from console.up.screen import Screen, curl
from meshkit.topology import load

MESH = load().process_names
URL = "http://127.0.0.1:8080"
DEV = {
    "base_url": URL,
    "grpc": {name: f"127.0.0.1:2000{number}" for number, name in enumerate(load().names)},
    "admin": {name: f"127.0.0.1:2100{number}" for number, name in enumerate(MESH)},
    "redis_url": "unix:///run/redis.sock",
    "pids": {name: 1000 + number for number, name in enumerate((*MESH, "postgres", "redis"))},
}


def shown(width: int) -> str:
    output = io.StringIO()
    Screen(Console(file=output, width=width, highlight=False)).ready(DEV, Path("/state"))
    return output.getvalue()


def test_the_curl_line_is_one_line_however_narrow_the_terminal() -> None:
    lines = [line for line in shown(40).splitlines() if line.startswith("curl ")]
    assert lines == [curl(URL, Path("/state"))]


def test_the_curl_line_holds_no_secret_and_asks_for_its_token() -> None:
    line = curl(URL, Path("/a folder"))
    assert "token --home '/a folder')" in line
    assert "secret" not in line
    assert shlex.split(line)[-2:] == ["-d", shlex.split(line)[-1]]


def test_the_default_folder_needs_no_option() -> None:
    assert "--home" not in curl(URL, DEFAULT)


def test_a_proxy_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    assert "--noproxy 127.0.0.1 " in curl(URL, DEFAULT)


def test_the_table_names_every_process_with_its_pid_and_address() -> None:
    text = shown(160)
    for name, pid in DEV["pids"].items():  # type: ignore[attr-defined]
        assert name in text
        assert str(pid) in text
    assert f"{URL}/docs" in text


def test_without_a_terminal_progress_is_plain_lines_and_no_step_is_said_twice() -> None:
    output = io.StringIO()
    screen = Screen(Console(file=output, highlight=False))
    for step in ("one", "one", "two [x]"):
        screen.doing(step)
    lines = [line.split("  ")[-1].removeprefix("s  ").strip() for line in output.getvalue().splitlines()]
    assert lines == ["one", "two [x]"]
