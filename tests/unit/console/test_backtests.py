"""Runs the commands against a real HTTP server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import main
from tests.support.task_edge import TaskEdge, problem

Capture = pytest.CaptureFixture[str]
PATH = "/api/v1/backtests"
BACKTEST = {
    "backtest_id": "0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c57", "scenario_id": "cards", "version": 2,
    "event_type": "payment", "since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z", "values": "stored",
    "state": "pending", "progress": {"done": 0, "total": 0, "message": ""}, "error": "", "created_by": "alice",
    "create_time": "2026-02-01T00:00:00Z",
}  # fmt: skip
RESULT = {
    "decisions": "1200", "unreadable": "3",
    "outcomes": [
        {"before": "approve", "after": "approve", "decisions": "1190"},
        {"before": "approve", "after": "decline", "decisions": "10"},
    ],
    "rules": [
        {
            "code": "HIGH", "rule_id": "high", "before": "0", "after": "10", "alone": "7", "errors": "1",
            "not_enough_data": "2",
        }
    ],
    "money": [
        {
            "currency": "USD", "declined_before": "0.00", "declined_after": "270.00", "newly_declined": "270.00",
            "newly_approved": "0.00",
        }
    ],
    "affected": [{"field": "user_id", "outcome": "decline", "values": "4", "more": False}],
    "examples": [
        {
            "decision_id": "0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c58", "transaction_id": "t-1", "before": "approve",
            "after": "decline", "score_before": 0.05, "score_after": 0.9, "rules_gone": [], "rules_new": ["HIGH"],
            "event_time": "2026-01-05T00:00:00Z",
        }
    ],
}  # fmt: skip


def command(home: Path, *arguments: str) -> int:
    return main(["backtest", *arguments, "--home", str(home)])


def becomes(edge: TaskEdge, *states: dict[str, Any]) -> None:
    """Answers with one state after the other, and then with the last."""
    left = list(states)
    edge.answer = lambda call: (200, BACKTEST | (left.pop(0) if len(left) > 1 else left[0]))


def test_a_backtest_is_run_to_its_end_and_told(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    running_now = {"state": "running", "progress": {"done": 600, "total": 1200, "message": "deciding anew"}}
    becomes(edge, {}, running_now, {"state": "succeeded", "result": RESULT})
    assert command(home, "run", "cards", "2", "--since", "2026-01-01", "--values", "stored") == 0
    made = edge.calls[0]
    assert made.body is not None
    assert (made.method, made.path, made.body["version"], made.body["values"]) == ("POST", PATH, 2, "stored")
    assert set(made.body) == {"scenario_id", "version", "since", "values", "request_id"}
    assert [call.path for call in edge.calls[1:]] == [f"{PATH}/{BACKTEST['backtest_id']}"] * 2
    told = capsys.readouterr().out
    assert "600/1,200 (50%) deciding anew" in told
    assert "1200 decisions, 10 with another outcome; 3 could not be decided anew" in told
    assert "270.00" in told and "4 values of user_id would newly have met decline" in told
    assert "0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c58" in told and "HIGH" in told


def test_the_exit_status_says_how_it_ended(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    for state, status in (("failed", 3), ("dead", 4), ("cancelled", 5)):
        becomes(edge, {}, {"state": state, "error": "so it is" if state == "failed" else ""})
        assert command(home, "run", "cards", "--since", "2026-01-01") == status
    assert "so it is" in capsys.readouterr().out
    assert "version" not in (edge.calls[0].body or {}), "the draft"


def test_one_that_is_left_alone_is_told_at_once(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    becomes(edge, {})
    assert command(home, "run", "cards", "--since", "2026-01-01", "--detach", "--json") == 0
    assert len(edge.calls) == 1
    assert json.loads(capsys.readouterr().out)["state"] == "pending"


def test_backtests_are_listed_shown_and_cancelled(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, {"backtests": [BACKTEST], "next_page_token": ""})
    assert command(home, "list") == 0
    becomes(edge, {"state": "cancelling"})
    assert command(home, "show", BACKTEST["backtest_id"]) == 0  # type: ignore[arg-type]
    assert command(home, "cancel", BACKTEST["backtest_id"]) == 0  # type: ignore[arg-type]
    told = capsys.readouterr().out
    assert "cards@2" in told and "cancelling" in told
    assert [(call.method, call.path) for call in edge.calls] == [
        ("GET", PATH), ("GET", f"{PATH}/{BACKTEST['backtest_id']}"),
        ("POST", f"{PATH}/{BACKTEST['backtest_id']}:cancel"),
    ]  # fmt: skip


def test_a_refusal_is_one_sentence(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: problem(404, "RESOURCE_NOT_FOUND", "there is no such version")
    assert command(home, "run", "cards", "7", "--since", "2026-01-01") == 1
    assert "there is no such version" in capsys.readouterr().err
