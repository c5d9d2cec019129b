"""Runs the commands against a real HTTP server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import main
from tests.support.task_edge import TaskEdge, problem

Capture = pytest.CaptureFixture[str]
PATH = "/api/v1/quality-reports"
ID = "0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c57"
COUNTS = {"fraud": "12", "legitimate": "3", "unlabelled": "85", "immature": "20"}
RATE = {"share": 0.12, "hits": "12", "of": "100", "low": 0.07, "high": 0.198}
RATES = {"precision": RATE, "recall": {**RATE, "share": 0.3, "of": "40"}}
GROUP: dict[str, Any] = {
    "value": "", "others": False, "decisions": "120", "mature": "100", **COUNTS, "declined": RATES,
    "outcomes": [{"outcome": "decline", **COUNTS}], "flagged": {}, "membership": RATES,
    "money": [
        {
            "currency": "EUR", "decided": "9000.00", "fraud_declined": "1250.00", "fraud_reviewed": "0.00",
            "fraud_approved": "410.00", "good_declined": "80.00", "good_reviewed": "95.50",
            "unlabelled_declined": "400.00", "immature_declined": "20.00", "immature": "700.00",
        }
    ],
    "alone": {"fraud": "4", "legitimate": "2", "unlabelled": "60", "immature": "11"}, "review_costs": "27.00",
}  # fmt: skip
REPORT = {
    "report_id": ID, "event_type": "payment", "since": "2026-09-01T00:00:00Z", "until": "2026-10-01T00:00:00Z",
    "as_of": "2026-10-01T00:00:00Z", "stored_before": "2026-10-01T00:00:00Z", "label_delay": "2592000s",
    "unlabelled": "legitimate", "group_by": ["rule", "channel"], "conditions": [], "entity_field": "user_id",
    "review_capacity": 50, "review_cost": 4.5, "review_cost_currency": "EUR", "mature_time": "2999-10-31T00:00:00Z",
    "state": "pending", "progress": {"done": 0, "total": 0, "message": ""}, "error": "", "created_by": "alice",
    "create_time": "2026-10-01T00:00:00Z",
}  # fmt: skip
RESULT = {
    "total": GROUP, "unread": "2",
    "breakdowns": [
        {"name": "rule", "groups": [{**GROUP, "value": "BURST"}]},
        {"name": "channel", "groups": [{**GROUP, "value": "online"}, GROUP, {**GROUP, "others": True}]},
    ],
    "scores": [
        {
            "model": "", "known": "100", "fraud": "12", "auc_roc": 0.93, "average_precision": 0.7123, "thresholds": [],
            "reliability": [], "entity_precision": 0.31, "entity_days": 27, "entity_days_left_out": 3,
        },
        {
            "model": "stolen@1", "known": "90", "fraud": "12", "auc_roc": 0.94, "calibration_error": 0.0041,
            "thresholds": [{"threshold": 0.95, "acted": "9", "caught": "8", "precision": 0.889, "recall": 0.667}],
            "reliability": [{"start": 0.95, "end": 1.0, "rows": "9", "mean_score": 0.97, "observed": 0.889}],
            "entity_days": 0, "entity_days_left_out": 30,
        },
    ],
}  # fmt: skip


def command(home: Path, *arguments: str) -> int:
    return main(["report", *arguments, "--home", str(home)])


def becomes(edge: TaskEdge, *states: dict[str, Any]) -> None:
    """Answers with one state after the other, and then with the last."""
    left = list(states)
    edge.answer = lambda call: (200, REPORT | (left.pop(0) if len(left) > 1 else left[0]))


def test_a_report_is_made_and_told(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    reading = {"state": "running", "progress": {"done": 60, "total": 120, "message": "reading decisions"}}
    becomes(edge, {}, reading, {"state": "succeeded", "result": RESULT})
    asked = (
        "--since", "2026-09-01", "--until", "2026-10-01", "--by", "rule", "--by", "channel", "--label-delay", "7d",
        "--where", "currency=EUR", "--review-cost", "4.5", "--currency", "EUR", "--review-capacity", "50",
    )  # fmt: skip
    assert command(home, "create", *asked) == 0
    body = edge.calls[0].body
    assert body is not None and (edge.calls[0].method, edge.calls[0].path) == ("POST", PATH)
    assert (body["group_by"], body["conditions"]) == (["rule", "channel"], [{"name": "currency", "value": "EUR"}])
    assert (body["label_delay"], body["review_cost"], body["review_capacity"]) == ("604800s", 4.5, 50)
    assert not {"as_of", "stored_before", "unlabelled", "event_type"} & set(body)
    told = capsys.readouterr().out
    assert "60/120 (50%) reading decisions" in told
    assert "120 decisions, 83.3% mature; of 20 nothing is known yet, they count as nothing" in told
    assert "all are mature from" in told and "of 2 decisions the values could not be read" in told
    assert "declined: precision 0.120 (0.070 to 0.198, 12 of 100), recall 0.300" in told
    assert "declined or reviewed: precision unknown, recall unknown" in told
    for words in ("1250.00", "reviews cost 27.00 EUR", "BURST", "online", "(none)", "(others)", "stolen@1", "0.7123"):
        assert words in told


def test_the_exit_status_says_how_it_ended(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    for state, status in (("failed", 3), ("dead", 4), ("cancelled", 5)):
        becomes(edge, {}, {"state": state, "error": "so it is" if state == "failed" else ""})
        assert command(home, "create", "--since", "2026-09-01") == status
    assert "so it is" in capsys.readouterr().out


def test_one_that_is_left_alone_is_told_at_once(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    becomes(edge, {})
    assert command(home, "create", "--since", "30d", "--detach", "--json") == 0
    assert len(edge.calls) == 1
    assert json.loads(capsys.readouterr().out)["state"] == "pending"


def test_reports_are_listed_shown_cancelled_and_deleted(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, {"quality_reports": [REPORT], "next_page_token": ""})
    assert command(home, "list") == 0
    becomes(edge, {"state": "cancelling"})
    for action in ("show", "cancel", "delete"):
        assert command(home, action, ID) == 0
    told = capsys.readouterr().out
    assert "rule, channel" in told and "cancelling" in told
    assert [(call.method, call.path) for call in edge.calls] == [
        ("GET", PATH), ("GET", f"{PATH}/{ID}"), ("POST", f"{PATH}/{ID}:cancel"), ("DELETE", f"{PATH}/{ID}"),
    ]  # fmt: skip


def test_a_refusal_is_one_sentence(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: problem(403, "SCOPE_MISSING", "the access token lacks the scope report:write")
    assert command(home, "create", "--since", "2026-09-01") == 1
    assert "lacks the scope report:write" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command(home, "create", "--since", "2026-09-01", "--where", "currency")
