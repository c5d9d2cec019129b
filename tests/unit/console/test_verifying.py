"""Runs the commands against a real HTTP server that streams."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import main
from tests.support.task_edge import CUT, TaskEdge, ended, problem

Capture = pytest.CaptureFixture[str]
PATH = "/api/v1/features"
PROGRESS = {"progress": {"done": "2", "total": "4", "message": "computing values anew"}}
FOUND = {
    "difference": {
        "decision_id": "0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c58", "transaction_id": "t-1",
        "event_time": "2026-01-05T00:00:00Z", "feature": "user_count_1h", "stored": "5", "recomputed": "",
        "cause": "unexplained", "lawful": False,
    }
}  # fmt: skip


def summary(unlawful: int = 0, **changes: Any) -> dict[str, Any]:
    causes = [{"cause": "slow_path", "count": "3"}, *([{"cause": "unexplained", "count": "1"}] if unlawful else [])]
    return {
        "summary": {
            "since": "2026-01-05T00:00:00Z", "until": "2026-01-06T00:00:00Z", "decisions": "4", "skipped": "0",
            "values": "156", "different": "2", "causes": causes, "unlawful": str(unlawful), "unlisted": "0",
        } | changes
    }  # fmt: skip


def stream(edge: TaskEdge, *messages: dict[str, Any], end: Any = None) -> None:
    edge.streams = [[*({"result": each} for each in messages), end or ended()]]


def command(home: Path, *arguments: str) -> int:
    return main(["features", *arguments, "--home", str(home)])


def test_verify_lists_what_differs_and_fails_if_nothing_explains_it(
    home: Path, edge: TaskEdge, capsys: Capture
) -> None:
    stream(edge, PROGRESS, PROGRESS, FOUND, summary(1, skipped="2", unlisted="7"))
    assert (
        command(home, "verify", "--since", "2026-01-05T00:00:00Z", "--until", "1h", "--feature", "user_count_1h") == 1
    )
    (call,) = edge.calls
    assert (call.method, call.path, set(call.query)) == ("GET", f"{PATH}:verify", {"since", "until", "features"})
    shown = capsys.readouterr()
    for words in ("0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c58", "user_count_1h", "missing", "3 slow_path, 1 unexplained"):
        assert words in shown.out
    assert "2 decisions could not be computed anew" in shown.out and "7 more differences" in shown.out
    assert shown.err == "computing values anew: 2 of 4 decisions\n"


def test_verify_is_content_with_what_is_lawful(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    stream(edge, PROGRESS, summary())
    assert command(home, "verify", "--json") == 0
    assert json.loads(capsys.readouterr().out) == summary()
    since = datetime.fromisoformat(edge.calls[0].query["since"])
    assert timedelta(days=1) <= datetime.now(UTC) - since < timedelta(days=1, minutes=5)


@pytest.mark.parametrize(
    ("end", "words"),
    [(ended(8, "another verification is under way"), "another verification"), (CUT, "No answer"), (None, "cut off")],
)
def test_what_ended_before_its_summary_is_a_failure(
    home: Path, edge: TaskEdge, capsys: Capture, end: Any, words: str
) -> None:
    edge.streams = [[{"result": PROGRESS}, *([end] if end is not None else [])]]
    assert command(home, "verify") == 1
    assert words in capsys.readouterr().err


def test_a_period_that_is_refused_is_said(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: problem(400, "VALIDATION_FAILED", "no", errors=[{"field": "since", "message": "bad"}])
    assert command(home, "verify") == 2
    assert "since: bad" in capsys.readouterr().err


@pytest.mark.parametrize("since", ["1w", "yesterday", "99999999d"])
def test_when_it_began_is_a_time_or_how_long_ago(home: Path, edge: TaskEdge, capsys: Capture, since: str) -> None:
    with pytest.raises(SystemExit):
        command(home, "verify", "--since", since)
    assert since in capsys.readouterr().err and edge.calls == []


@pytest.mark.parametrize("as_json", [True, False])
def test_rebuild_follows_it_to_its_end(home: Path, edge: TaskEdge, capsys: Capture, as_json: bool) -> None:
    told = [{"state": "filling", "features": "4"}, {"state": "done", "features": "4"}]
    stream(edge, *told)
    assert command(home, "rebuild", *(["--json"] if as_json else [])) == 0
    (call,) = edge.calls
    assert (call.method, call.path) == ("POST", f"{PATH}:rebuild")
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(each) for each in lines] == told if as_json else lines[-1] == "The new logs are read."
