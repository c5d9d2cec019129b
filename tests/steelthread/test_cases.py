"""Cases over REST and by commands: from a payment that a rule declines to the label that an analyst gives it."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.steelthread.edge import Edge, refusal
from tests.steelthread.platform import SCOPES, Platform, eventually

ALERTS, CASES, LABELS = "/api/v1/alerts", "/api/v1/cases", "/api/v1/labels"
SECONDS = 20.0
USER = "user-4711-42"
RULE = {
    "rule_id": "burst", "code": "BURST", "words": "{amount:.2f} is much.", "expression": "amount > 500",
    "contribution": 0.5, "outcome": "decline", "alert": True,
}  # fmt: skip


@pytest.fixture(scope="module")
async def watched(platform: Platform) -> Edge:
    """A client of a tenant with a rule that asks for alerts."""
    edge = await platform.new_edge()
    await edge.post("/api/v1/scenarios", {"scenario_id": "cards", "draft": {"event_type": "payment", "rules": [RULE]}})
    await edge.post("/api/v1/scenarios/cards/versions", {"note": "first"})
    await edge.post("/api/v1/scenarios/cards/versions/1:deploy", {"target": "live"})

    async def decides() -> bool:
        decided = await edge.check(transaction_amount=900.0, user_id=f"probe-{uuid.uuid4().hex}")
        return "BURST" in decided["risk_factors"]

    await eventually(decides, SECONDS)
    return edge


async def declined(edge: Edge, user: str) -> tuple[str, dict[str, Any]]:
    """Has a payment declined. Returns its transaction, and the case when there is one of it."""
    decided = await edge.check(transaction_amount=600.0, user_id=user)
    assert decided["outcome"] == "decline"
    found: list[dict[str, Any]] = []

    async def there() -> bool:
        found[:] = (await edge.get(CASES, entity=user))["cases"]
        return bool(found)

    await eventually(there, SECONDS)
    return decided["transaction_id"], found[0]


async def test_a_declined_payment_becomes_an_alert_a_case_and_a_label(watched: Edge) -> None:
    transaction_id, case = await declined(watched, USER)
    (alert,) = (await watched.get(ALERTS, entity=USER))["alerts"]
    assert (alert["cause"], alert["subject"], alert["state"]) == ("rule", "burst", "open")
    assert (alert["entity_kind"], alert["entity"], alert["case_id"]) == ("user", "us…42", case["case_id"])
    (evidence,) = (await watched.get(f"{ALERTS}/{alert['alert_id']}"))["transactions"]
    assert (evidence["transaction_id"], evidence["user_id"], evidence["amount"]) == (transaction_id, "us…42", 600.0)
    assert (evidence["risk_factors"], evidence["score_source"]) == (["BURST"], "rules")
    claimed = await watched.post(f"{CASES}:claim", {"request_id": str(uuid.uuid4())})
    assert claimed["state"] == "assigned"
    assigned = await watched.post(f"{CASES}/{case['case_id']}:assign", {"assignee": "ana"}) if (
        claimed["case_id"] != case["case_id"]
    ) else claimed  # fmt: skip
    note = await watched.post(f"{CASES}/{case['case_id']}/notes", {"words": "The card holder was called."})
    assert note["words"] == "The card holder was called."
    closed = await watched.post(f"{CASES}/{case['case_id']}:close", {"disposition": "fraud", "etag": assigned["etag"]})
    again = await watched.post(f"{CASES}/{case['case_id']}:close", {"disposition": "fraud"})
    assert (closed["state"], closed["disposition"], again["etag"]) == ("closed", "fraud", closed["etag"])
    (label,) = (await watched.get(LABELS, transaction_id=transaction_id))["labels"]
    assert (label["label"], label["source"], label["state"]) == ("fraud", "case", "effective")

    async def noted() -> bool:
        (seen,) = (await watched.get(f"{CASES}/{case['case_id']}/transactions"))["transactions"]
        return bool(seen["label"] == "fraud")

    await eventually(noted, SECONDS)
    shown = await watched.get(f"{CASES}/{case['case_id']}")
    assert [each["words"] for each in shown["notes"]] == ["…"]


async def test_a_label_that_came_before_its_payment_is_noted_with_the_alert(watched: Edge) -> None:
    transaction_id, user = uuid.uuid4().hex, f"early-{uuid.uuid4().hex}"
    await watched.post(LABELS, {"transaction_id": transaction_id, "label": "fraud"})
    hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    decided = await watched.check(
        transaction_amount=600.0, user_id=user, transaction_id=transaction_id, event_time=hour_ago
    )
    assert decided["outcome"] == "decline"

    async def noted() -> bool:
        for case in (await watched.get(CASES, entity=user))["cases"]:
            (seen,) = (await watched.get(f"{CASES}/{case['case_id']}/transactions"))["transactions"]
            return bool(seen["label"] == "fraud")
        return False

    await eventually(noted, SECONDS)


async def test_only_who_may_sees_people_and_who_may_not_label_closes_nothing(watched: Edge, platform: Platform) -> None:
    user = "user-4712-43"
    _, case = await declined(watched, user)
    tenant = await platform.value(
        "cases", "SELECT tenant_id::text FROM cases WHERE case_id = $1::uuid", case["case_id"]
    )
    name = await platform.value("auth", "SELECT name FROM tenants WHERE tenant_id = $1::uuid", tenant)
    trusted = await platform.new_edge(name, scopes=("case:read", "case:write", "pii:read"))
    assert (await trusted.get(f"{CASES}/{case['case_id']}"))["entity"] == user
    body = json.dumps({"disposition": "fraud"}).encode()
    refused = await trusted.send("POST", f"{CASES}/{case['case_id']}:close", body)
    assert (refused.status, refusal(refused)["reason"]) == (403, "SCOPE_MISSING")
    assert (await trusted.get(f"{CASES}/{case['case_id']}"))["state"] == "open"
    other = await platform.new_edge(scopes=SCOPES)
    assert (await other.send("GET", f"{CASES}/{case['case_id']}")).status == 404
    assert (await other.get(ALERTS))["alerts"] == []


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (":close", {"disposition": "maybe"}, "disposition"),
        (":close", {"disposition": "fraud", "transaction_ids": ["nothing"]}, "transaction_ids[0]"),
        ("/attachments", {"uri": "file:///etc/passwd", "name": "x", "media_type": "text/plain"}, "uri"),
        ("/notes", {"words": ""}, "words"),
        (":split", {"alert_ids": [str(uuid.UUID(int=7))]}, "alert_ids"),
    ],
)
async def test_what_is_wrong_is_said_of_its_field(watched: Edge, path: str, body: dict[str, Any], field: str) -> None:
    _, case = await declined(watched, "user-4713-44")
    refused = await watched.send("POST", f"{CASES}/{case['case_id']}{path}", json.dumps(body).encode())
    assert (refused.status, refusal(refused)["reason"]) == (400, "VALIDATION_FAILED")
    assert [each["field"] for each in refusal(refused)["errors"]] == [field]


async def test_alerts_that_match_are_dismissed_as_a_task(watched: Edge) -> None:
    user = "user-4714-45"
    await declined(watched, user)
    made = await watched.post("/api/v1/case-jobs", {"action": "dismiss", "entity": user, "reason": "A test."})
    assert (made["total"], made["state"]) == (1, "pending")

    async def done() -> bool:
        return bool((await watched.get(f"/api/v1/case-jobs/{made['job_id']}"))["state"] == "succeeded")

    await eventually(done, SECONDS)
    (alert,) = (await watched.get(ALERTS, entity=user))["alerts"]
    assert (alert["state"], alert["reason"]) == ("dismissed", "A test.")
    wrong = await watched.send("POST", "/api/v1/case-jobs", json.dumps({"action": "close", "cause": "rule"}).encode())
    assert [each["field"] for each in refusal(wrong)["errors"]] == ["cause"]
    whole = await watched.send("POST", "/api/v1/case-jobs", json.dumps({"action": "dismiss"}).encode())
    assert [each["field"] for each in refusal(whole)["errors"]] == ["state"]


async def test_an_operator_works_from_the_command_line(platform: Platform) -> None:
    home = ("--home", str(platform.home))
    status, said = await platform.rampart("alert", "threshold", "0.8", "--json", *home)
    assert (status, json.loads(said)["threshold"]) == (0, 0.8), said
    status, said = await platform.rampart("case", "list", "--overdue", "--state", "closed", *home)
    assert (status, said) == (0, "no cases\n"), said
    status, said = await platform.rampart("case", "show", str(uuid.UUID(int=7)), *home)
    assert (status, "there is no such case" in said) == (1, True), said
