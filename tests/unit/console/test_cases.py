"""Runs `rampart alert` and `rampart case` against a real HTTP server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import main
from tests.support.task_edge import TaskEdge

Capture = pytest.CaptureFixture[str]
ALERT = {
    "alert_id": "018f0000-0000-7000-8000-000000000001", "cause": "rule", "subject": "burst", "entity_kind": "user",
    "entity": "us…42", "state": "open", "severity": "high", "score": 0.97, "count": "3",
    "amounts": [{"currency": "EUR", "amount": 129.5}], "last_time": "2026-01-01T00:00:00Z", "case_id": "c1",
}  # fmt: skip
CASE = {
    "case_id": "c1", "priority": "high", "state": "assigned", "assignee": "ana", "entity_kind": "user",
    "entity": "us…42", "score": 0.97, "amounts": [], "alert_count": 1, "due_time": "2026-01-02T00:00:00Z",
    "overdue": True, "disposition": "", "etag": '"4"',
}  # fmt: skip
TRANSACTION = {
    "transaction_id": "tx-7", "decision_id": "d1", "user_id": "us…42", "card_fingerprint": "", "amount": 1042.5,
    "currency": "EUR", "score": 0.97, "outcome": "decline", "risk_factors": ["BURST", "NEW_DEVICE"],
    "event_time": "2026-01-01T00:00:00Z", "label": "fraud",
}  # fmt: skip
ENTRY = {
    "number": 1, "action": "assigned", "actor": "ana", "details": {"assignee": "bob"},
    "create_time": "2026-01-01T00:00:00Z",
}  # fmt: skip


def command(home: Path, *arguments: str) -> int:
    return main([*arguments, "--home", str(home)])


def answers(edge: TaskEdge, answer: Any) -> None:
    edge.answer = lambda call: (200, answer)


def test_alerts_are_listed_by_filters(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    answers(edge, {"alerts": [ALERT], "next_page_token": ""})
    assert command(home, "alert", "list", "--state", "open", "--min-severity", "high", "--entity", "user-42") == 0
    (call,) = edge.calls
    assert (call.path, call.query["entity"], call.query["min_severity"]) == ("/api/v1/alerts", "user-42", "high")
    said = capsys.readouterr().out
    assert "rule burst" in said and "129.5 EUR" in said
    assert command(home, "alert", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == ALERT


def test_an_alert_is_shown_and_dismissed_and_the_threshold_is_set(home: Path, edge: TaskEdge) -> None:
    answers(edge, ALERT)
    assert command(home, "alert", "show", "a/1") == 0
    assert command(home, "alert", "dismiss", "a1", "--reason", "Ours.") == 0
    assert command(home, "alert", "threshold", "0.9") == 0
    assert command(home, "alert", "threshold") == 0
    asked = [(call.method, call.path, call.body) for call in edge.calls]
    assert asked[1:3] == [
        ("POST", "/api/v1/alerts/a1:dismiss", {"reason": "Ours."}),
        ("PATCH", "/api/v1/alert-settings", {"threshold": 0.9}),
    ]
    assert [method for method, *_ in asked] == ["GET", "POST", "PATCH", "GET"]


def test_an_alert_is_shown_with_its_transactions(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    answers(edge, ALERT | {"transactions": [TRANSACTION]})
    assert command(home, "alert", "show", "a1") == 0
    said = capsys.readouterr().out
    assert all(part in said for part in ("129.5 EUR", "tx-7", "1,042.5 EUR", "BURST NEW_DEVICE", "fraud"))
    assert "{" not in said
    assert command(home, "alert", "acknowledge", "a1", "--etag", '"2"', "--json") == 0
    call = edge.calls[-1]
    assert (call.method, call.path, call.body) == ("POST", "/api/v1/alerts/a1:acknowledge", {"etag": '"2"'})
    assert json.loads(capsys.readouterr().out)["transactions"] == [TRANSACTION]


def test_a_case_is_shown_with_all_that_belongs_to_it(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    notes = [{"note_id": "n1", "words": "Called.", "author": "ana", "create_time": "2026-01-01T00:00:00Z"}]
    kept = [{"name": "slip", "uri": "s3://b/x", "author": "bob", "create_time": "2026-01-01T00:00:00Z"}]
    case: dict[str, Any] = CASE | {"notes": notes, "attachments": kept}
    alerts: dict[str, Any] = {"alerts": [ALERT], "next_page_token": ""}
    pages = {"/api/v1/cases/c1": case, "/api/v1/alerts": alerts}
    edge.answer = lambda call: (200, pages[call.path])
    assert command(home, "case", "show", "c1") == 0
    assert edge.calls[-1].query["case_id"] == "c1"
    said = capsys.readouterr().out
    assert all(part in said for part in ("Called.", "s3://b/x", "slip", str(ALERT["alert_id"]), "rule burst"))
    assert "{" not in said
    assert command(home, "case", "show", "c1", "--json") == 0
    assert json.loads(capsys.readouterr().out) == case


def test_the_transactions_of_a_case_are_listed(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    answers(edge, {"transactions": [TRANSACTION], "next_page_token": ""})
    assert command(home, "case", "transactions", "c1") == 0
    assert edge.calls[-1].path == "/api/v1/cases/c1/transactions"
    assert "tx-7" in capsys.readouterr().out


def test_a_threshold_out_of_bounds_is_refused(home: Path, edge: TaskEdge) -> None:
    with pytest.raises(SystemExit):
        command(home, "alert", "threshold", "0.4")
    assert edge.calls == []


def test_cases_are_listed_in_a_table(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    answers(edge, {"cases": [CASE], "next_page_token": ""})
    assert command(home, "case", "list", "--overdue", "--assignee", "ana") == 0
    (call,) = edge.calls
    assert (call.query["overdue"], call.query["assignee"]) == ("true", "ana")
    assert "overdue" in capsys.readouterr().out
    answers(edge, {"entries": [ENTRY], "next_page_token": ""})
    assert command(home, "case", "history", "c1") == 0
    assert "assignee=bob" in capsys.readouterr().out


def test_what_is_done_with_a_case(home: Path, edge: TaskEdge) -> None:
    answers(edge, CASE)
    assert command(home, "case", "next", "--min-priority", "high") == 0
    assert command(home, "case", "assign", "c1", "bob", "--etag", '"4"') == 0
    assert command(home, "case", "assign", "c1") == 0
    assert command(home, "case", "note", "c1", "Called.") == 0
    assert command(home, "case", "attach", "c1", "s3://b/x", "--name", "x", "--size", "12") == 0
    assert command(home, "case", "close", "c1", "fraud", "--transaction-id", "t1", "--transaction-id", "t2") == 0
    assert command(home, "case", "merge", "c1", "c2") == 0
    assert command(home, "case", "split", "c1", "a1", "a2") == 0
    assert command(home, "case", "reopen", "c1", "--reason", "The bank called.") == 0
    bodies = [(call.path.removeprefix("/api/v1/cases"), call.body or {}) for call in edge.calls]
    named = [body.pop("request_id", None) for _, body in bodies]
    assert [bool(each) for each in named] == [True, False, False, True, True, False, False, True, False]
    assert bodies == [
        (":claim", {"min_priority": "high"}),
        ("/c1:assign", {"assignee": "bob", "etag": '"4"'}),
        ("/c1:assign", {"assignee": ""}),
        ("/c1/notes", {"words": "Called."}),
        ("/c1/attachments", {"uri": "s3://b/x", "name": "x", "media_type": "application/octet-stream", "size": 12}),
        ("/c1:close", {"disposition": "fraud", "transaction_ids": ["t1", "t2"]}),
        ("/c1:merge", {"other_case_id": "c2"}),
        ("/c1:split", {"alert_ids": ["a1", "a2"]}),
        ("/c1:reopen", {"reason": "The bank called."}),
    ]


JOB = {
    "job_id": "j1", "action": "dismiss", "state": "succeeded", "total": 12, "done": 12, "changed": 11, "refused": 1,
    "error": "",
}  # fmt: skip


def test_all_that_match_are_dismissed_and_waited_for(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    states = iter(["pending", "running", "succeeded"])
    edge.answer = lambda call: (200, JOB | {"state": next(states)})
    assert command(home, "case", "many", "dismiss", "--cause", "rule", "--min-level", "high", "--reason", "Ours.") == 0
    made, *looks = edge.calls
    body = {"action": "dismiss", "cause": "rule", "min_level": "high", "reason": "Ours."}
    assert (made.method, made.path, {**(made.body or {}), "request_id": None}) == (
        "POST", "/api/v1/case-jobs", {**body, "request_id": None},
    )  # fmt: skip
    assert [(each.method, each.path) for each in looks] == [("GET", "/api/v1/case-jobs/j1")] * 2
    assert "succeeded: 11 of 12 changed, 1 in no state for it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("assign", "bob", "--of-assignee", "ana"), {"action": "assign", "assignee": "bob", "of_assignee": "ana"}),
        (("assign", "--overdue"), {"action": "assign", "assignee": "", "overdue": True}),
        (("close", "--entity", "u1", "--state", "open"), {"action": "close", "entity": "u1", "state": "open"}),
    ],
)
def test_cases_that_match_are_assigned_and_closed(
    home: Path, edge: TaskEdge, words: tuple[str, ...], asked: dict[str, Any]
) -> None:
    answers(edge, JOB | {"state": "pending"})
    assert command(home, "case", "many", *words, "--detach") == 0
    (call,) = edge.calls
    assert {name: value for name, value in (call.body or {}).items() if name != "request_id"} == asked


@pytest.mark.parametrize(("state", "status"), [("failed", 3), ("dead", 4), ("cancelled", 5)])
def test_the_exit_status_says_how_it_ended(home: Path, edge: TaskEdge, state: str, status: int) -> None:
    answers(edge, JOB | {"state": state, "error": "why"})
    assert command(home, "case", "many", "close") == status
