"""Runs the commands against a real HTTP server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import main
from tests.support.task_edge import TaskEdge, problem

Capture = pytest.CaptureFixture[str]
PATH = "/api/v1/scenarios"
RULE = {
    "rule_id": "high", "code": "HIGH", "words": "High.", "expression": "amount > 500", "contribution": 0.4,
    "outcome": "", "habit": False, "alert": False, "etag": '"1"',
}  # fmt: skip
CONTENT = {
    "event_type": "payment", "description": "Mine", "review_at": 0.5, "decline_at": 0.8, "prior_share": 0.5,
    "trust_share": 0.5, "rules": [RULE],
}  # fmt: skip
SCENARIO = {"scenario_id": "cards", "draft": CONTENT, "latest_version": 1, "editors": ["alice"], "etag": '"7"'}
VERSION = {
    "scenario_id": "cards", "version": 1, "content": CONTENT, "rule_count": 1, "note": "First", "authors": ["alice"],
    "state": "ready", "create_time": "2026-01-01T00:00:00Z",
}  # fmt: skip
WAITING = {
    "publication_id": "018f0000-0000-7000-8000-000000000001", "version": {"scenario_id": "cards", "version": 1},
    "target": "share", "share": 1_000, "requested_by": "alice",
}  # fmt: skip
DEPLOYMENT = {
    "event_type": "payment", "live": {"version": {"scenario_id": "starter", "version": 2}, "share": 0},
    "shadows": [], "former": [], "publications": [WAITING], "breaker": "idle", "transition": "3",
}  # fmt: skip


def command(home: Path, *arguments: str) -> int:
    return main([*arguments, "--home", str(home)])


def answers(edge: TaskEdge, answer: Any) -> None:
    edge.answer = lambda call: (200, answer)


def test_a_rule_is_added_under_a_name(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    answers(edge, RULE)
    said = ("--code", "HIGH", "--words", "High.", "--expression", "amount > 500", "--contribution", "0.4", "--habit")
    assert command(home, "rules", "add", "cards", *said) == 0
    (call,) = edge.calls
    assert (call.method, call.path, set(call.query)) == ("POST", f"{PATH}/cards/rules", {"request_id"})
    assert call.body == {
        "code": "HIGH", "words": "High.", "expression": "amount > 500", "contribution": 0.4, "habit": True,
    }  # fmt: skip
    assert "amount > 500" in capsys.readouterr().out


def test_a_rule_is_changed_in_the_state_that_was_read(home: Path, edge: TaskEdge) -> None:
    answers(edge, RULE)
    assert command(home, "rules", "set", "cards", "high", "--no-habit", "--outcome", "review") == 0
    read, changed = edge.calls
    assert (read.method, changed.method, changed.path) == ("GET", "PATCH", f"{PATH}/cards/rules/high")
    assert changed.body == {"habit": False, "outcome": "review", "etag": '"1"'}


def test_what_is_wrong_with_an_expression_is_told_by_place(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    found = {"field": "expression", "line": 2, "column": 5, "message": "expected a value, found the end"}
    answers(edge, {"problems": [found]})
    assert command(home, "rules", "check", "amount >\n    ") == 1
    assert "expression, line 2, column 5: expected a value" in capsys.readouterr().out
    answers(edge, {"problems": []})
    assert command(home, "rules", "check", "amount > 5.0", "--event-type", "claim") == 0
    assert edge.calls[-1].body == {"event_type": "claim", "expression": "amount > 5.0", "words": ""}


@pytest.mark.parametrize(
    ("said", "body"),
    [
        (("--to", "shadow"), {"target": "shadow", "reason": ""}),
        (("--to", "share", "--share", "0.01"), {"target": "share", "share": 1, "reason": ""}),
        (
            ("--to", "share", "--share", "99.99", "--reason", "why"),
            {"target": "share", "share": 9_999, "reason": "why"},
        ),
        (("--to", "live"), {"target": "live", "reason": ""}),
    ],
)
def test_a_version_is_deployed(
    home: Path, edge: TaskEdge, capsys: Capture, said: tuple[str, ...], body: dict[str, Any]
) -> None:
    answers(edge, DEPLOYMENT)
    assert command(home, "scenario", "deploy", "cards", "1", *said) == 0
    (call,) = edge.calls
    assert (call.method, call.path) == ("POST", f"{PATH}/cards/versions/1:deploy")
    assert call.body is not None and call.body.pop("request_id")
    assert call.body == body
    shown = capsys.readouterr().out
    assert "starter@2" in shown
    assert "waits: cards@1 for 10 %, asked by alice" in shown


@pytest.mark.parametrize(
    "said",
    [("--to", "share"), ("--to", "live", "--share", "5"), ("--to", "share", "--share", "100"), ("--to", "nowhere"), ()],
)
def test_a_share_goes_with_a_share(home: Path, edge: TaskEdge, capsys: Capture, said: tuple[str, ...]) -> None:
    try:
        status = command(home, "scenario", "deploy", "cards", "1", *said)
    except SystemExit as ended:
        status = int(str(ended.code))
    assert status == 2
    assert edge.calls == []


def test_what_is_exported_is_imported(home: Path, edge: TaskEdge, tmp_path: Path) -> None:
    file = tmp_path / "cards.json"
    answers(edge, VERSION)
    assert command(home, "scenario", "export", "cards", "--version", "1", "-o", str(file)) == 0
    rule = {name: value for name, value in RULE.items() if name != "etag"}
    assert json.loads(file.read_text()) == CONTENT | {"rules": [rule]}
    edge.calls.clear()
    edge.answer = lambda call: (200, {"scenarios": [], "next_page_token": ""} if call.method == "GET" else SCENARIO)
    assert command(home, "scenario", "import", "copy", str(file)) == 0
    assert edge.calls[-1].method == "POST"
    edge.answer = lambda call: (
        200, {"scenarios": [SCENARIO], "next_page_token": ""} if call.method == "GET" else SCENARIO
    )  # fmt: skip
    assert command(home, "scenario", "import", "cards", str(file)) == 0
    assert (edge.calls[-1].method, edge.calls[-1].path) == ("PUT", f"{PATH}/cards/draft")
    file.write_text("{")
    assert command(home, "scenario", "import", "cards", str(file)) == 2


def test_a_policy_keeps_what_was_not_said(home: Path, edge: TaskEdge) -> None:
    stored = {"two_persons": False, "declines": 0.3, "reviews": 0.5, "times": 3.0, "above": 0.05, "etag": '"1"'}
    answers(edge, stored)
    assert command(home, "scenario", "policy") == 0
    assert [call.method for call in edge.calls] == ["GET"]
    assert command(home, "scenario", "policy", "--two-persons", "--declines", "0.1") == 0
    assert edge.calls[-1].body == stored | {"two_persons": True, "declines": 0.1}


def test_refusals_are_one_sentence(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: problem(403, "SECOND_PERSON_NEEDED", "the caller has edited this version")
    assert command(home, "scenario", "approve", "payment", str(WAITING["publication_id"])) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_shadow_is_told_as_a_table_of_outcomes(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    answers(
        edge,
        {
            "decisions": "1200", "missed": "4", "failed": "0", "start_time": "2026-01-01T00:00:00Z",
            "end_time": "2026-01-02T00:00:00Z", "errors": {"low": "2"}, "not_enough_data": {},
            "outcomes": [
                {"answered": "approve", "shadowed": "approve", "decisions": "1197"},
                {"answered": "approve", "shadowed": "review", "decisions": "3"},
            ],
            "rules": [{"code": "HIGH", "only_answered": "0", "only_shadowed": "3", "both": "41"}],
            "examples": [
                {
                    "decision_id": "0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c57", "answered": "approve",
                    "shadowed": "review", "only_answered": [], "only_shadowed": ["HIGH"],
                }
            ],
        },
    )  # fmt: skip
    assert command(home, "scenario", "shadow", "cards", "2") == 0
    (call,) = edge.calls
    assert (call.method, call.path) == ("GET", f"{PATH}/cards/versions/2/shadow-report")
    told = capsys.readouterr().out
    assert "1200 decisions judged, 3 with another outcome" in told and "4 not judged for want of time" in told
    assert "rule low could not be evaluated in 2 decisions" in told
    assert "0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c57" in told and "1197" in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"rules": ' * 3_000, "nested too deep"),
        ('{"rules": [], "rules": []}', "is there twice"),
        ("", "Expecting value"),
    ],
)
def test_a_file_that_is_no_json_is_refused_before_anything_is_asked(
    home: Path, edge: TaskEdge, tmp_path: Path, capsys: Capture, text: str, words: str
) -> None:
    file = tmp_path / "cards.json"
    file.write_text(text)
    assert command(home, "scenario", "import", "cards", str(file)) == 2
    assert (words in capsys.readouterr().err, edge.calls) == (True, [])


def test_what_is_wrong_with_a_whole_request_is_told_without_a_place(
    home: Path, edge: TaskEdge, capsys: Capture
) -> None:
    errors = [{"field": "", "message": "is too deep"}]
    edge.answer = lambda call: problem(400, "MALFORMED_REQUEST", "body is too deep", errors=errors)
    assert command(home, "scenario", "status", "payment") == 2
    assert "rampart: is too deep (MALFORMED_REQUEST)." in capsys.readouterr().err
