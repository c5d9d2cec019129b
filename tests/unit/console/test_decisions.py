"""Runs the command against a real HTTP server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import main
from tests.support.task_edge import TaskEdge, problem

Capture = pytest.CaptureFixture[str]
ID = "0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c57"
PATH = f"/api/v1/decisions/{ID}"
VERSIONS = {"scenario": "cards", "scenario_version": 3, "features": "3", "event_type": 1}
DECISION = {
    "decision_id": ID, "outcome": "review", "confidence_score": 0.43, "risk_factors": ["HIGH"], "degraded": [],
    "explanations": [{"reason_code": "HIGH", "message": "250.00 is [high].", "contribution": 0.43}],
    "transaction_id": "t-1", "user_id": "u-1", "transaction_amount": 250.0, "currency": "EUR",
    "event_type": "payment", "create_time": "2026-01-01T00:00:00Z", "rules_version": "cards-3", "versions": VERSIONS,
}  # fmt: skip
INPUTS = {"features": {"user_count_1h": 3}, "amount_minor": "25000", "user_tier": "trusted", "list_hits": []}
EXPLANATION = {
    "decision_id": ID, "event_type": "payment", "outcome": "review", "confidence_score": 0.43,
    "degraded": ["user_profile"], "versions": VERSIONS, "create_time": "2026-01-01T00:00:00Z",
    "steps": [{"step": "score", "outcome": "review", "message": "The prior 0.05 makes it.", "rule_id": ""}],
    "rules": [
        {"rule_id": "high", "reason_code": "HIGH", "state": "fired", "weight": 0.4, "contribution": 0.43,
         "outcome": "review", "message": "250.00 is [high].", "expression": "amount > 200", "names": ["amount"]},
        {"rule_id": "mail", "reason_code": "MAIL", "state": "not_enough_data", "weight": 0.2, "contribution": 0.0,
         "outcome": "", "message": "", "expression": "email in lists.bad", "names": ["email", "lists.bad"]},
    ],
    "values": {"amount": 250, "email": None, "lists.bad": ["x"]}, "differences": [],
}  # fmt: skip
IDENTICAL: dict[str, Any] = {"decision_id": ID, "identical": True, "intact": True, "differences": []}
DIFFERENCE = {"field": "outcome", "stored": '"approve"', "computed": '"decline"'}


def command(home: Path, *arguments: str) -> int:
    return main(["decision", *arguments, "--home", str(home)])


def test_list_asks_for_what_was_said(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, {"decisions": [DECISION], "next_page_token": ""})
    assert command(home, "list", "--user", "u-1", "--outcome", "review", "--limit", "5") == 0
    (call,) = edge.calls
    assert (call.method, call.path) == ("GET", "/api/v1/decisions")
    assert call.query == {"user_id": "u-1", "outcome": "review", "page_size": "5"}
    shown = capsys.readouterr().out
    for words in (ID, "250 EUR", "HIGH", "0.43", "review"):
        assert words in shown
    assert command(home, "list", "--json") == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [DECISION]


def test_show_has_factors_and_inputs(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, {**DECISION, "inputs": INPUTS})
    assert command(home, "show", ID.upper()) == 0
    assert [(call.method, call.path) for call in edge.calls] == [("GET", PATH)]
    shown = capsys.readouterr().out
    for words in ("cards-3", "250.00 is [high].", "user_count_1h", "trusted"):
        assert words in shown
    assert "list_hits" not in shown
    assert command(home, "show", ID, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {**DECISION, "inputs": INPUTS}


def test_explain_shows_every_rule_with_the_values_it_saw(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, EXPLANATION)
    assert command(home, "explain", ID) == 0
    assert [(call.method, call.path) for call in edge.calls] == [("GET", f"{PATH}:explain")]
    shown = capsys.readouterr().out
    for words in (
        "by cards@3, without user_profile", "The prior 0.05 makes it.", "amount = 250", "email is missing",
        'lists.bad = ["x"]', "250.00 is [high].", "email in lists.bad", "not_enough_data",
    ):  # fmt: skip
        assert words in shown
    assert "does not come out" not in shown
    assert command(home, "explain", ID, "--json") == 0
    assert json.loads(capsys.readouterr().out) == EXPLANATION


def test_explanation_by_a_list_shows_no_values(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    versions = {**VERSIONS, "scenario": "", "scenario_version": 0}
    edge.answer = lambda call: (200, {**EXPLANATION, "values": {}, "versions": versions, "differences": [DIFFERENCE]})
    assert command(home, "explain", ID) == 0
    shown = capsys.readouterr().out
    assert "by no scenario" in shown and "amount =" not in shown
    assert "does not come out" in shown


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (IDENTICAL, 0, ["Identical"]),
        ({**IDENTICAL, "identical": False, "intact": False}, 1, ["was changed after it was stored"]),
        ({**IDENTICAL, "identical": False, "differences": [DIFFERENCE]}, 1, ["outcome", '"approve"', '"decline"']),
    ],
)
def test_replay_says_how_it_comes_out_by_its_status_too(
    home: Path, edge: TaskEdge, capsys: Capture, answer: dict[str, Any], status: int, words: list[str]
) -> None:
    edge.answer = lambda call: (200, answer)
    assert command(home, "replay", ID) == status
    assert [(call.method, call.path, call.body) for call in edge.calls] == [("POST", f"{PATH}:replay", {})]
    shown = capsys.readouterr().out
    assert all(word in shown for word in words)
    assert command(home, "replay", ID, "--json") == status
    assert json.loads(capsys.readouterr().out) == answer


def test_what_is_no_decision_is_not_asked_for(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        command(home, "show", "../tasks")
    assert "must be the identifier of a decision" in capsys.readouterr().err
    assert not edge.calls


def test_refusal_is_one_sentence(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: problem(409, "NOT_COMPUTABLE", "the decision cannot be computed again")
    assert command(home, "replay", ID) == 1
    said = "rampart: the decision cannot be computed again (NOT_COMPUTABLE).\n"
    assert capsys.readouterr().err == said


def test_the_newest_decisions_are_computed_again_and_what_differs_is_told(
    home: Path, edge: TaskEdge, capsys: Capture
) -> None:
    listed = [DECISION | {"decision_id": each} for each in ("same", "other", "changed", "lost")]
    answers: dict[str, tuple[int, Any]] = {
        "same": (200, IDENTICAL),
        "other": (200, IDENTICAL | {"identical": False, "differences": [DIFFERENCE]}),
        "changed": (200, IDENTICAL | {"identical": False, "intact": False}),
        "lost": problem(409, "NOT_COMPUTABLE", "a version is not known"),
    }

    def answer(call: Any) -> tuple[int, Any]:
        if call.method == "GET":
            return 200, {"decisions": listed, "next_page_token": ""}
        return answers[call.path.rpartition("/")[2].partition(":")[0]]

    edge.answer = answer
    assert command(home, "verify", "--limit", "10", "--user", "u-1") == 1
    assert edge.calls[0].query == {"user_id": "u-1", "page_size": "10"}
    shown = capsys.readouterr().out
    assert "1 of 4 decisions come out as they were answered." in shown
    for words in ("outcome", "changed after it was stored", "a version is not known"):
        assert words in shown
    assert command(home, "verify", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["decisions"], told["identical"]) == (4, 1)
    assert [each["decision_id"] for each in told["others"]] == ["other", "changed", "lost"]


def test_decisions_that_all_come_out_as_they_were_are_a_success(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (
        200,
        {"decisions": [DECISION], "next_page_token": ""} if call.method == "GET" else IDENTICAL,
    )
    assert command(home, "verify") == 0
    assert "1 of 1 decisions come out as they were answered." in capsys.readouterr().out
