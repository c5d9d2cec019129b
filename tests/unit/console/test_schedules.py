"""Runs the command against a real HTTP server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from console.__main__ import main
from tests.support.task_edge import TaskEdge, problem, schedule

Capture = pytest.CaptureFixture[str]


def command(home: Path, *arguments: str) -> int:
    return main(["schedule", *arguments, "--home", str(home)])


def test_create_sends_what_was_said(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, schedule())
    options = ("--time-zone", "Europe/Berlin", "--kind", "report.daily", "--arguments", '{"all": true}')
    assert command(home, "create", "nightly", "30 2 * * *", *options) == 0
    (call,) = edge.calls
    assert (call.method, call.path) == ("POST", "/api/v1/schedules")
    assert call.body == {
        "schedule_id": "nightly",
        "cron": "30 2 * * *",
        "time_zone": "Europe/Berlin",
        "kind": "report.daily",
        "arguments": {"all": True},
    }
    assert "30 2 * * *" in capsys.readouterr().out


def test_list_shows_when_each_runs(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    listed = {"schedules": [schedule(), schedule(schedule_id="hourly", state="paused")], "next_page_token": ""}
    edge.answer = lambda call: (200, listed)
    assert command(home, "list") == 0
    shown = capsys.readouterr().out
    for words in ("nightly", "hourly", "30 2 * * *", "Europe/Berlin", "paused", "2026-01-0"):
        assert words in shown
    assert command(home, "list", "--json") == 0
    assert [json.loads(line)["schedule_id"] for line in capsys.readouterr().out.splitlines()] == ["nightly", "hourly"]


@pytest.mark.parametrize(
    ("action", "method", "path"),
    [
        ("show", "GET", "/api/v1/schedules/nightly"),
        ("pause", "POST", "/api/v1/schedules/nightly:pause"),
        ("resume", "POST", "/api/v1/schedules/nightly:resume"),
        ("delete", "DELETE", "/api/v1/schedules/nightly"),
    ],
)
def test_each_action_calls_its_address(home: Path, edge: TaskEdge, action: str, method: str, path: str) -> None:
    edge.answer = lambda call: (200, schedule() if method != "DELETE" else {})
    assert command(home, action, "nightly") == 0
    assert [(call.method, call.path) for call in edge.calls] == [(method, path)]


def test_an_id_cannot_lead_elsewhere(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: problem(404, "RESOURCE_NOT_FOUND", "there is no such schedule")
    assert command(home, "show", "../tasks?x=1") == 1
    assert edge.calls[0].path == "/api/v1/schedules/..%2Ftasks%3Fx%3D1"
    assert capsys.readouterr().err == "rampart: there is no such schedule (RESOURCE_NOT_FOUND).\n"
