"""Runs the command against a real HTTP server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import main
from tests.support.task_edge import TaskEdge, problem

Capture = pytest.CaptureFixture[str]
PATH = "/api/v1/features"


def feature(**changes: Any) -> dict[str, Any]:
    """A feature as the API shows it."""
    return {
        "name": "card_mean_7d", "description": "Usual", "event_type": "payment", "counts": ["payment"],
        "key": ["card_fingerprint", "user_id"], "aggregate": "mean", "field": "amount", "window": "604800s",
        "delay": "0s", "boundary": "(]", "include_current": False, "same_currency": False, "where": "",
        "expression": "", "state": "filling", "built_in": False, "create_time": "2026-01-01T00:00:00Z",
        "update_time": "2026-01-01T00:00:00Z", "etag": '"1"', "resolution": "exact",
    } | changes  # fmt: skip


@pytest.fixture
def edge(edge: TaskEdge) -> TaskEdge:
    edge.answer = lambda call: (200, feature())
    return edge


def command(home: Path, *arguments: str) -> int:
    return main(["features", *arguments, "--home", str(home)])


def test_create_sends_what_was_said_under_a_name(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    options = ["--event-type", "payment", "--key", "card_fingerprint", "--key", "user_id", "--aggregate", "mean"]
    options += ["--field", "amount", "--window", "7d", "--delay", "90m", "--boundary", "[)", "--where", "amount > 1.0"]
    assert command(home, "create", "card_mean_7d", *options) == 0
    (call,) = edge.calls
    assert (call.method, call.path, set(call.query)) == ("POST", PATH, {"request_id"})
    assert call.body == {
        "name": "card_mean_7d", "description": "", "event_type": "payment", "key": ["card_fingerprint", "user_id"],
        "aggregate": "mean", "field": "amount", "window": "604800s", "delay": "5400s", "boundary": "[)",
        "where": "amount > 1.0",
    }  # fmt: skip
    shown = capsys.readouterr().out
    for words in ("card_mean_7d", "filling", "604800s"):
        assert words in shown


def test_create_sends_flags_and_expressions_only_if_they_are_said(home: Path, edge: TaskEdge) -> None:
    assert command(home, "create", "n", "--event-type", "login", "--include-current", "--counts", "payment") == 0
    assert command(home, "create", "r", "--event-type", "login", "--expression", "a / b") == 0
    assert [call.body for call in edge.calls] == [
        {"name": "n", "description": "", "event_type": "login", "counts": ["payment"], "include_current": True},
        {"name": "r", "description": "", "event_type": "login", "expression": "a / b"},
    ]


@pytest.mark.parametrize("window", ["", "7", "1w", "-1d", "1.5h", "٣d", "d"])
def test_a_length_is_a_whole_number_of_a_unit(home: Path, edge: TaskEdge, window: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        command(home, "create", "n", "--event-type", "payment", f"--window={window}")
    assert (edge.calls, "such as 90s" in capsys.readouterr().err) == ([], True)


def test_list_shows_what_is_counted_and_the_built_in_ones(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    found = [
        feature(name="user_count_1h", aggregate="count", field="", built_in=True, window="3600s", delay="604800s"),
        feature(name="times", expression="amount / card_mean_7d", aggregate="", key=[], window=None, delay=None),
        feature(where="amount > 1.0", window="1.500s"),
        feature(name="year", window="31536000s", resolution="day"),
    ]
    edge.answer = lambda call: (200, {"features": found, "next_page_token": ""})
    assert command(home, "list", "--json") == 0
    assert [json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()] == [
        "user_count_1h", "times", "card_mean_7d", "year",
    ]  # fmt: skip
    assert command(home, "list") == 0
    shown = "".join(capsys.readouterr().out.split())
    for words in ("builtin", "1h,7dago", "filling", "1.500s", "365dbyday"):
        assert words in shown


def test_update_changes_the_state_that_was_read(home: Path, edge: TaskEdge) -> None:
    assert command(home, "update", "card_mean_7d", "--description", "words") == 0
    read, change = edge.calls
    assert (read.method, change.method, change.path) == ("GET", "PATCH", f"{PATH}/card_mean_7d")
    assert change.body == {"etag": '"1"', "description": "words"}


def test_delete_and_show_call_their_address(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    assert command(home, "show", "card_mean_7d", "--json") == 0
    assert json.loads(capsys.readouterr().out) == feature()
    edge.answer = lambda call: (200, {})
    assert command(home, "delete", "card_mean_7d") == 0
    assert [(call.method, call.path) for call in edge.calls] == [
        ("GET", f"{PATH}/card_mean_7d"), ("DELETE", f"{PATH}/card_mean_7d"),
    ]  # fmt: skip
    assert "card_mean_7d is retired." in capsys.readouterr().out


def test_what_the_service_refuses_is_said_in_one_sentence(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: problem(409, "STATE_NOT_ALLOWED", "the feature is used by the draft of scenario cards")
    assert command(home, "delete", "n") == 1
    assert "used by the draft of scenario cards" in capsys.readouterr().err
