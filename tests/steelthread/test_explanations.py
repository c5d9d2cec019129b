"""Decisions explained and computed again over REST, whatever has changed since."""

from __future__ import annotations

import json

from tests.steelthread.edge import NOWHERE, Edge, refusal
from tests.steelthread.platform import Platform

DECISIONS = "/api/v1/decisions"
SCENARIOS = "/api/v1/scenarios"
RULE = {
    "rule_id": "high", "code": "HIGH", "words": "{amount:.2f} is high.", "expression": "amount > 100",
    "contribution": 0.4, "outcome": "review",
}  # fmt: skip


async def test_a_decision_is_explained_and_comes_out_identical(edge: Edge) -> None:
    decision = await edge.check(user_id="u-1", transaction_amount=5400)
    path = f"{DECISIONS}/{decision['decision_id']}"
    explanation = await edge.get(f"{path}:explain")
    assert explanation["outcome"] == decision["outcome"] == explanation["steps"][-1]["outcome"]
    fired = {each["reason_code"]: each["message"] for each in explanation["rules"] if each["state"] == "fired"}
    assert fired == {each["reason_code"]: each["message"] for each in decision["explanations"]} != {}
    assert explanation["values"]["amount_usd"] == 5400
    assert explanation["versions"] == decision["versions"]
    # Another scenario decides by now, of an event type with one more field.
    await edge.post(SCENARIOS, {"scenario_id": "cards", "draft": {"event_type": "payment", "rules": [RULE]}})
    await edge.post(f"{SCENARIOS}/cards/versions", {"note": "first"})
    await edge.post(f"{SCENARIOS}/cards/versions/1:deploy", {"target": "live"})
    assert await edge.post(f"{path}:replay", {}) == {
        "decision_id": decision["decision_id"], "identical": True, "intact": True, "differences": [],
    }  # fmt: skip
    assert await edge.get(f"{path}:explain") == explanation


async def test_another_tenants_decision_is_not_there(platform: Platform, edge: Edge) -> None:
    decision = await edge.check(transaction_amount=12)
    other = await platform.new_edge()
    for name, caller in ((decision["decision_id"], other), (NOWHERE, edge)):
        for method, verb, body in (("GET", "explain", b""), ("POST", "replay", b"{}")):
            refused = await caller.send(method, f"{DECISIONS}/{name}:{verb}", body)
            assert (refused.status, refusal(refused)["reason"]) == (404, "RESOURCE_NOT_FOUND")
    refused = await edge.send("POST", f"{DECISIONS}/no-id:replay", json.dumps({}).encode())
    assert refused.status == 400
