"""Reports of quality over REST and from the command line: what they say is what SQL by hand says."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.steelthread.edge import NOWHERE, Edge, refusal
from tests.steelthread.platform import Platform, eventually

REPORTS, LABELS, SCENARIOS = "/api/v1/quality-reports", "/api/v1/labels", "/api/v1/scenarios"
AMOUNTS = {"approve": 10.25, "review": 60.5, "decline": 150.75}
RULES = [
    {
        "rule_id": name, "code": name.upper(), "words": f"{name}.", "expression": expression,
        "contribution": contribution,
    }
    for name, expression, contribution in (
        ("some", "amount > 50.0 && amount < 100.0", 0.6),
        ("high", "amount > 100.0", 0.9),
        ("odd", 'merchant_id == "odd"', 0.01),
    )
]  # fmt: skip
SECONDS = 40.0
FINAL = ("succeeded", "failed", "dead", "cancelled")
# What is known of each decision, and of which amounts, as of a time: by hand.
BY_HAND = """
SELECT d.outcome, d.merchant,
    CASE WHEN l.label IN ('fraud', 'chargeback') THEN 'fraud' WHEN l.label IS NOT NULL THEN 'legitimate'
    WHEN d.event_time + $3 <= $2 THEN 'unlabelled' ELSE 'immature' END AS truth,
    count(*) AS decisions, sum(d.minor) AS minor
FROM (
    SELECT *, convert_from(event, 'UTF8')::json ->> 'merchant_id' AS merchant,
        (convert_from(event, 'UTF8')::json -> 'amount' ->> 0)::bigint AS minor
    FROM decisions WHERE tenant_id = $1 AND event_time >= $4 AND event_time < $5
) AS d
LEFT JOIN LATERAL (
    SELECT label FROM labels AS one
    WHERE one.tenant_id = $1 AND one.transaction_id = d.transaction_id AND NOT one.refused AND one.known_time <= $2
    ORDER BY known_time DESC, number DESC LIMIT 1
) AS l ON true
GROUP BY 1, 2, 3"""


@pytest.fixture(scope="module")
async def team(platform: Platform) -> Edge:
    """A client of a tenant whose payments are approved, reviewed and declined by their amounts."""
    edge = await platform.new_edge()
    await edge.post(SCENARIOS, {"scenario_id": "cards", "draft": {"event_type": "payment", "rules": RULES}})
    version = (await edge.post(f"{SCENARIOS}/cards/versions", {}))["version"]
    await edge.post(f"{SCENARIOS}/cards/versions/{version}:deploy", {"target": "live"})
    async with asyncio.timeout(60):
        while (await edge.check(transaction_amount=AMOUNTS["decline"]))["outcome"] != "decline":
            await asyncio.sleep(0.2)
    return edge


async def paid(edge: Edge, outcome: str, merchant: str = "even", user: str = "jane") -> str:
    """Has a payment decided. Returns its transaction."""
    decided = await edge.check(
        transaction_id=uuid.uuid4().hex, user_id=user, transaction_amount=AMOUNTS[outcome], merchant_id=merchant
    )
    assert decided["outcome"] == outcome
    return str(decided["transaction_id"])


async def said(edge: Edge, transaction_id: str, label: str, **more: Any) -> None:
    await edge.post(LABELS, {"transaction_id": transaction_id, "label": label, **more})


async def reported(edge: Edge, **asked: Any) -> dict[str, Any]:
    """Makes a report and returns it once it has succeeded."""
    made = await edge.post(REPORTS, asked)
    until = time.monotonic() + SECONDS
    while (found := await edge.get(f"{REPORTS}/{made['report_id']}"))["state"] not in FINAL:
        assert time.monotonic() < until, found
        await asyncio.sleep(0.1)
    assert found["state"] == "succeeded", found
    return found


def counted(group: dict[str, Any]) -> dict[tuple[str, str], int]:
    """Returns the decisions of a group by outcome and truth."""
    return {
        (each["outcome"], truth): int(each[truth])
        for each in group["outcomes"]
        for truth in ("fraud", "legitimate", "unlabelled", "immature")
        if int(each[truth])
    }


async def test_a_report_says_what_sql_by_hand_says_and_nothing_that_became_known_later(
    platform: Platform, team: Edge
) -> None:
    since = datetime.now(UTC)
    payments = [
        await paid(team, outcome, merchant, user=f"u{number}")
        for number in range(3)
        for outcome in AMOUNTS
        for merchant in ("even", "odd")
    ]
    for number, transaction in enumerate(payments[:12]):
        await said(team, transaction, ("fraud", "legitimate", "chargeback", "false_positive")[number % 4])
    await said(team, payments[0], "legitimate")
    horizon = datetime.now(UTC)
    asked = {
        "since": since.isoformat(), "as_of": horizon.isoformat(), "label_delay": "0s", "review_cost": 4.5,
        "review_cost_currency": "EUR", "group_by": ["merchant_id", "rule", "scenario"], "review_capacity": 2,
    }  # fmt: skip
    first = await reported(team, **asked)
    tenant = await platform.value("fraud", "SELECT tenant_id FROM transactions WHERE transaction_id = $1", payments[0])
    by_hand = await platform.rows("fraud", BY_HAND, tenant, horizon, timedelta(0), since, horizon)
    total = first["result"]["total"]
    expected: dict[tuple[str, str], int] = {}
    for row in by_hand:
        place = row["outcome"], row["truth"]
        expected[place] = expected.get(place, 0) + row["decisions"]
    assert counted(total) == expected and len(expected) == 9 and total["decisions"] == "18"
    for group in first["result"]["breakdowns"][0]["groups"]:
        own = {(row["outcome"], row["truth"]): row["decisions"] for row in by_hand if row["merchant"] == group["value"]}
        assert counted(group) == own
    (money,) = total["money"]
    for name, outcome, truth in (
        ("fraud_declined", "decline", "fraud"),
        ("fraud_approved", "approve", "fraud"),
        ("good_declined", "decline", "legitimate"),
        ("unlabelled_declined", "decline", "unlabelled"),
    ):
        minor = sum(row["minor"] for row in by_hand if (row["outcome"], row["truth"]) == (outcome, truth))
        assert money[name] == f"{minor / 100:.2f}"
    frauds = sum(count for (_, truth), count in expected.items() if truth == "fraud")
    declined = {truth: count for (outcome, truth), count in expected.items() if outcome == "decline"}
    precision, recall = total["declined"]["precision"], total["declined"]["recall"]
    assert (int(precision["hits"]), int(precision["of"])) == (declined["fraud"], sum(declined.values()))
    assert recall["share"] == pytest.approx(declined["fraud"] / frauds)
    assert total["review_costs"] == "27.00"
    rules = {group["value"]: group for group in first["result"]["breakdowns"][1]["groups"]}
    assert {"HIGH", "SOME", "ODD"} <= set(rules)
    assert int(rules["HIGH"]["decisions"]) == 6 and int(rules["HIGH"]["fraud"]) == declined["fraud"]
    assert [group["value"] for group in first["result"]["breakdowns"][2]["groups"]] == ["cards@1"]
    for transaction in payments:
        await said(team, transaction, "chargeback")
    again = await reported(team, **asked)
    assert json.dumps(again["result"]) == json.dumps(first["result"])


async def test_what_is_not_known_yet_counts_as_nothing(team: Edge) -> None:
    since = datetime.now(UTC)
    payments = [await paid(team, "decline") for _ in range(4)]
    await said(team, payments[0], "fraud")
    young = await reported(team, since=since.isoformat())
    total = young["result"]["total"]
    assert (total["mature"], total["immature"], total["fraud"]) == ("0", "3", "1")
    assert total["declined"]["precision"]["of"] == "1"
    assert young["result"]["scores"][0]["entity_days"] == 0
    mature = datetime.fromisoformat(young["mature_time"]) - datetime.fromisoformat(young["until"])
    assert mature == timedelta(days=30)


async def test_reports_are_of_one_tenant_and_one_request_makes_one(platform: Platform, edge: Edge) -> None:
    asked = {"since": (datetime.now(UTC) - timedelta(hours=1)).isoformat(), "request_id": str(uuid.uuid4())}
    await edge.check()
    made = await edge.send("POST", REPORTS, json.dumps(asked).encode())
    report = made.json()
    assert (made.status, made.headers["location"]) == (201, f"{REPORTS}/{report['report_id']}")
    assert await edge.post(REPORTS, asked) == report
    listed = (await edge.get(REPORTS))["quality_reports"]
    assert [each["report_id"] for each in listed] == [report["report_id"]] and "result" not in listed[0]
    other = await platform.new_edge()
    for method, path in (("GET", ""), ("POST", ":cancel"), ("DELETE", "")):
        body = b"{}" if method == "POST" else b""
        refused = await other.send(method, f"{REPORTS}/{report['report_id']}{path}", body)
        assert (refused.status, refusal(refused)["reason"]) == (404, "RESOURCE_NOT_FOUND")
    assert (await other.get(REPORTS))["quality_reports"] == []

    async def ended() -> bool:
        """It is a task of the tenant."""
        (task,) = (await edge.get("/api/v1/tasks", kind="fraud.quality_report"))["tasks"]
        return bool(task["state"] == "succeeded")

    await eventually(ended, SECONDS)
    assert (await edge.get(f"{REPORTS}/{report['report_id']}"))["state"] == "succeeded"
    assert (await edge.send("DELETE", f"{REPORTS}/{report['report_id']}")).status == 200
    assert (await edge.send("GET", f"{REPORTS}/{report['report_id']}")).status == 404
    assert (await edge.send("POST", f"{REPORTS}/{NOWHERE}:cancel", b"{}")).status == 404


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"since": "2999-01-01T00:00:00Z"}, "/since"),
        ({"as_of": "2999-01-01T00:00:00Z"}, "/as_of"),
        ({"event_type": "nothing"}, "/event_type"),
        ({"group_by": ["rule", "nonsense"]}, "/group_by/1"),
        ({"group_by": ["user_id"]}, "/group_by/0"),
        ({"conditions": [{"name": "email", "value": "a@example.org"}]}, "/conditions/0/name"),
        ({"review_cost": 4.5}, "/review_cost_currency"),
        ({"review_cost": 4.567, "review_cost_currency": "EUR"}, "/review_cost"),
        ({"label_delay": "-1s"}, "/label_delay"),
    ],
)
async def test_what_cannot_be_told_is_refused_by_its_field(edge: Edge, changed: dict[str, Any], place: str) -> None:
    asked = {"since": "2026-11-01T00:00:00Z"} | changed
    refused = await edge.send("POST", REPORTS, json.dumps(asked).encode())
    assert refused.status == 400, refused.body
    assert [each["pointer"] for each in refusal(refused)["errors"]] == [place]
    assert (await edge.get(REPORTS))["quality_reports"] == []


async def test_scopes_of_reports_are_enough_and_needed(platform: Platform) -> None:
    writer = await platform.new_edge(scopes=("report:read", "report:write"))
    made = await writer.post(REPORTS, {"since": (datetime.now(UTC) - timedelta(hours=1)).isoformat()})
    assert (await writer.get(f"{REPORTS}/{made['report_id']}"))["state"] in ("pending", "running", "succeeded")
    assert (await writer.send("POST", f"{REPORTS}/{made['report_id']}:cancel", b"{}")).status in (200, 409)
    reader = await platform.new_edge(scopes=("decision:read", "label:read"))
    assert (await reader.send("GET", REPORTS)).status == 403
