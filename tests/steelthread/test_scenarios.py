"""Scenarios over REST: from a rule to what decides, and back."""

from __future__ import annotations

import json
from typing import Any

from tests.steelthread.edge import Edge, refusal
from tests.steelthread.platform import Platform

SCENARIOS = "/api/v1/scenarios"
DRAFT = {"event_type": "payment", "rules": []}
RULE = {
    "rule_id": "high", "code": "HIGH", "words": "{amount:.2f} is high.", "expression": "amount > 500",
    "contribution": 0.4,
}  # fmt: skip


async def version(edge: Edge) -> dict[str, Any]:
    await edge.post(SCENARIOS, {"scenario_id": "cards", "draft": DRAFT})
    await edge.post(f"{SCENARIOS}/cards/rules", RULE)
    made: dict[str, Any] = await edge.post(f"{SCENARIOS}/cards/versions", {"note": "first"})
    return made


async def test_a_rule_becomes_a_version_that_decides_and_is_rolled_back(edge: Edge) -> None:
    made = await version(edge)
    assert (made["version"], made["state"], made["rule_count"]) == (1, "ready", 1)
    step = {"target": "share", "share": 1_000}
    shared = await edge.post(f"{SCENARIOS}/cards/versions/1:deploy", step)
    assert (shared["share"]["share"], shared["live"]["version"]["scenario_id"]) == (1_000, "starter")
    await edge.post(f"{SCENARIOS}/cards/versions/1:deploy", {"target": "live"})
    status = await edge.get("/api/v1/deployments/payment")
    assert (status["live"]["version"], status["breaker"]) == ({"scenario_id": "cards", "version": 1}, "watching")
    await edge.post(f"{SCENARIOS}/cards/versions/1:rollback", {"reason": "too much"})
    history = (await edge.get("/api/v1/deployments/payment/transitions"))["transitions"]
    assert [(each["move"], each["reason"]) for each in history] == [
        ("roll_back", "too much"),
        ("live", ""),
        ("share", ""),
    ]
    assert (await edge.get(f"{SCENARIOS}/cards/versions/1"))["state"] == "rolled_back"


async def test_what_is_wrong_with_a_rule_is_told_where_it_stands(edge: Edge) -> None:
    await edge.post(SCENARIOS, {"scenario_id": "cards", "draft": DRAFT})
    bad = json.dumps(RULE | {"expression": "amount >\n  oops.__class__"}).encode()
    refused = await edge.send("POST", f"{SCENARIOS}/cards/rules", bad)
    assert refused.status == 400
    (error,) = refusal(refused)["errors"]
    assert (error["field"], error["pointer"]) == ("rule.expression", "/expression")
    assert error["message"].startswith("line 2, column ")
    unknown = json.dumps({"scenario_id": "other", "draft": DRAFT | {"rules": [RULE | {"wieght": 1}]}}).encode()
    refused = await edge.send("POST", SCENARIOS, unknown)
    assert (refused.status, "wieght" in json.dumps(refusal(refused))) == (400, True)


async def test_another_tenant_sees_nothing_and_imports_with_the_same_rules(edge: Edge, platform: Platform) -> None:
    made = await version(edge)
    other = await platform.new_edge()
    for path in ("cards", "cards/rules/high", "cards/versions/1"):
        refused = await other.send("GET", f"{SCENARIOS}/{path}", b"")
        assert refused.status == 404
    assert (await other.get(SCENARIOS))["scenarios"] == []
    copied = await other.post(SCENARIOS, {"scenario_id": "cards", "draft": made["content"]})
    assert copied["draft"] == made["content"]


async def test_who_publishes_cannot_say_that_nobody_else_has_to_look(platform: Platform) -> None:
    publisher = await platform.new_edge(scopes=("scenario:read", "scenario:write", "scenario:publish"))
    policy = await publisher.get("/api/v1/scenario-policy")
    refused = await publisher.send("PUT", "/api/v1/scenario-policy", json.dumps(policy).encode())
    assert (refused.status, refusal(refused)["reason"]) == (403, "SCOPE_MISSING")
