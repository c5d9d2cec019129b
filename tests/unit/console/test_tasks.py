"""Runs the command against a real HTTP server that pages, refuses, streams and cuts streams off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from console.__main__ import main
from console.tasking.bar import Bar, Lines
from tests.support.task_edge import CUT, TASK_ID, Call, TaskEdge, ended, problem, task, told

Capture = pytest.CaptureFixture[str]


def command(home: Path, *arguments: str) -> int:
    return main(["task", *arguments, "--home", str(home)])


def numbered(number: int) -> dict[str, Any]:
    return task(task_id=f"0199c2a4-5f6e-7c31-9d0a-{number:012}")


def paged(count: int, most: int) -> Any:
    """Answers lists of `count` tasks in pages of at most `most`."""

    def answer(call: Call) -> tuple[int, dict[str, Any]]:
        first = int(call.query.get("page_token", 0))
        end = min(count, first + min(most, int(call.query["page_size"])))
        return 200, {
            "tasks": [numbered(n) for n in range(first, end)],
            "next_page_token": str(end) if end < count else "",
        }

    return answer


def test_create_sends_what_was_said_and_names_the_request(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, task(title="Test task", priority="high"))
    assert command(home, "create", "Test task", "--priority", "high", "--json") == 0
    assert json.loads(capsys.readouterr().out)["priority"] == "high"
    (call,) = edge.calls
    assert call.body is not None
    assert call.body.pop("request_id")
    assert (call.method, call.path, call.body) == (
        "POST", "/api/v1/tasks", {"title": "Test task", "priority": "high"},
    )  # fmt: skip


def test_arguments_come_from_a_file_and_times_get_an_offset(home: Path, edge: TaskEdge, tmp_path: Path) -> None:
    (tmp_path / "arguments.json").write_text('{"day": "2026-01-01"}')
    edge.answer = lambda call: (200, task())
    options = ("--kind", "report.daily", "--arguments", f"@{tmp_path}/arguments.json", "--due-time", "2026-02-01")
    assert command(home, "create", *options) == 0
    body = edge.calls[0].body
    assert body is not None
    assert body["arguments"] == {"day": "2026-01-01"}
    assert body["due_time"].startswith("2026-02-01T00:00:00")
    assert body["due_time"][-6] in "+-"


def test_list_goes_on_over_pages_up_to_the_limit(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = paged(count=10, most=4)
    assert command(home, "list", "--limit", "7", "--json", "--state", "dead") == 0
    found = [json.loads(line)["task_id"] for line in capsys.readouterr().out.splitlines()]
    assert found == [numbered(n)["task_id"] for n in range(7)]
    assert [(call.query["page_size"], call.query["state"]) for call in edge.calls] == [("7", "dead"), ("3", "dead")]


def test_list_shows_all_when_asked_so(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = paged(count=450, most=200)
    assert command(home, "list", "--all") == 0
    shown = capsys.readouterr().out
    assert all(numbered(n)["task_id"] in shown for n in (0, 199, 200, 449))
    assert len(edge.calls) == 3


def test_an_empty_list_says_so(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = paged(count=0, most=4)
    assert command(home, "list") == 0
    assert capsys.readouterr().out == "no tasks\n"


def test_show_has_the_attempts(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    failed = {"type": "FileMissing", "message": "there is no such file", "retryable": False}
    attempt = {"number": 1, "worker": "report-7c31", "outcome": "failed", "error": failed, "progress": None}

    def answer(call: Call) -> tuple[int, dict[str, Any]]:
        if call.path.endswith("/attempts"):
            return 200, {"attempts": [attempt], "next_page_token": ""}
        return 200, task(state="dead", error=failed, progress={"done": 3, "total": 10, "message": "[half] way"})

    edge.answer = answer
    assert command(home, "show", TASK_ID) == 0
    shown = capsys.readouterr().out
    for words in ("dead", "3/10 (30%) [half] way", "FileMissing: there is no such file", "report-7c31"):
        assert words in shown
    assert command(home, "show", TASK_ID, "--json") == 0
    assert json.loads(capsys.readouterr().out)["attempts"] == [attempt]


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_cancel_and_retry_call_the_task(home: Path, edge: TaskEdge, action: str, capsys: Capture) -> None:
    edge.answer = lambda call: (200, task(state="cancelled"))
    assert command(home, action, TASK_ID, "--json") == 0
    assert [(call.method, call.path) for call in edge.calls] == [("POST", f"/api/v1/tasks/{TASK_ID}:{action}")]


def test_a_problem_ends_with_its_words(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: problem(409, "STATE_NOT_ALLOWED", "the task has succeeded already")
    assert command(home, "cancel", TASK_ID) == 1
    assert capsys.readouterr().err == "rampart: the task has succeeded already (STATE_NOT_ALLOWED).\n"


def test_a_problem_names_the_fields(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    errors = [{"field": "title", "message": "is required"}]
    edge.answer = lambda call: problem(400, "VALIDATION_FAILED", "the request is not valid.", errors=errors)
    assert command(home, "create") == 2
    assert "rampart: title: is required (VALIDATION_FAILED)." in capsys.readouterr().err


def test_a_request_that_may_be_repeated_is_sent_again(home: Path, edge: TaskEdge) -> None:
    edge.answer = lambda call: problem(503, "OVERLOADED", "busy") if len(edge.calls) < 3 else (200, task())
    assert command(home, "create", "Test task") == 0
    assert len({call.body["request_id"] for call in edge.calls if call.body}) == 1
    assert len(edge.calls) == 3


def test_a_retry_is_not_sent_again(home: Path, edge: TaskEdge) -> None:
    edge.answer = lambda call: problem(503, "OVERLOADED", "busy")
    assert command(home, "retry", TASK_ID) == 1
    assert len(edge.calls) == 1


@pytest.mark.parametrize(("state", "status"), [("succeeded", 0), ("failed", 3), ("dead", 4), ("cancelled", 5)])
def test_watch_ends_with_the_state_of_the_task(home: Path, edge: TaskEdge, state: str, status: int) -> None:
    edge.streams = [[told(), told(state="running"), told(state=state), ended()]]
    assert command(home, "watch", TASK_ID) == status


def test_watch_prints_each_change_where_there_is_no_terminal(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    half = {"done": 5, "total": 10, "message": "slice 1"}
    running = told(state="running", progress=half)
    edge.streams = [[told(), running, running, told(state="succeeded", progress=half), ended()]]
    assert command(home, "watch", TASK_ID) == 0
    assert capsys.readouterr().out.splitlines() == [
        "pending", "running 5/10 (50%) slice 1", "succeeded 5/10 (50%) slice 1",
    ]  # fmt: skip


@pytest.mark.parametrize("cut", [CUT, ended(14, "the gateway is stopping"), ended(4, "an hour is over")])
def test_watch_goes_on_after_a_stream_that_was_cut(home: Path, edge: TaskEdge, cut: Any, capsys: Capture) -> None:
    edge.streams = [[told(state="running"), cut], [CUT], [told(state="succeeded"), ended()]]
    assert command(home, "watch", TASK_ID, "--json") == 0
    states = [json.loads(line)["state"] for line in capsys.readouterr().out.splitlines()]
    assert states == ["running", "succeeded"]


def test_a_stream_that_ends_without_a_status_is_not_the_end(home: Path, edge: TaskEdge) -> None:
    edge.streams = [[told(state="running")], [told(state="succeeded"), ended()]]
    assert command(home, "watch", TASK_ID) == 0


def test_watch_asks_for_a_new_token_when_the_stream_ends_with_the_old_one(home: Path, edge: TaskEdge) -> None:
    edge.streams = [[told(), ended(16, "the access token has expired")], [told(state="succeeded"), ended()]]
    assert command(home, "watch", TASK_ID) == 0
    assert edge.tokens == 2


def test_watch_gives_up_when_its_patience_ends(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.streams = [[CUT]]
    assert command(home, "watch", TASK_ID, "--patience", "0.5") == 1
    assert "could not be started again: the server closed the connection" in capsys.readouterr().err
    assert 2 <= len(edge.calls) < 10


def test_watch_of_a_task_that_is_not_there_ends_at_once(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: problem(404, "RESOURCE_NOT_FOUND", "there is no such task")
    assert command(home, "watch", TASK_ID) == 1
    assert capsys.readouterr().err == "rampart: there is no such task (RESOURCE_NOT_FOUND).\n"


def test_what_is_no_id_is_refused_before_anything_is_sent(home: Path, edge: TaskEdge) -> None:
    with pytest.raises(SystemExit) as refused:
        command(home, "cancel", "../users")
    assert refused.value.code == 2
    assert edge.calls == []


def test_the_bar_shows_state_share_and_message() -> None:
    console = Console(force_terminal=True, width=160, record=True, legacy_windows=False)
    with Bar(console) as bar:
        bar.update(task(state="running", progress={"done": 250, "total": 1000, "message": "slice 3 of [7]"}))
    shown = console.export_text()
    for words in ("running", "Nightly report", "250/1,000 (25%) slice 3 of [7]"):
        assert words in shown


def test_the_bar_of_a_task_that_ended_without_a_total_is_full() -> None:
    console = Console(force_terminal=True, width=120, record=True, legacy_windows=False)
    with Bar(console) as bar:
        bar.update(task(state="succeeded"))
    assert "━" * 40 in console.export_text()


def test_lines_of_the_same_words_are_printed_once() -> None:
    console = Console(record=True, width=80)
    with Lines(console) as lines:
        for state in ("pending", "pending", "running"):
            lines.update(task(state=state))
    assert console.export_text().splitlines() == ["pending", "running"]
