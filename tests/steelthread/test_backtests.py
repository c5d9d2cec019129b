"""Shadows and backtests over REST and from the command line, to what they say of real decisions."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.http import Response
from tests.steelthread.edge import NOWHERE, Edge, refusal
from tests.steelthread.platform import Platform

BACKTESTS, SCENARIOS = "/api/v1/backtests", "/api/v1/scenarios"
HIGH = {
    "rule_id": "high", "code": "HIGH", "words": "{amount:.2f} is high.", "expression": "amount > 100",
    "contribution": 0.9,
}  # fmt: skip
SEVERAL = {
    "rule_id": "several", "code": "SEVERAL", "words": "Several.", "expression": "user_count_1h >= 2",
    "contribution": 0.6,
}  # fmt: skip
SECONDS = 30.0
FINAL = ("succeeded", "failed", "dead", "cancelled")


async def send(edge: Edge, method: str, path: str, value: Any = None) -> Response:
    return await edge.send(method, path, b"" if value is None else json.dumps(value).encode())


async def scenario(edge: Edge, *rules: dict[str, Any], name: str = "cards") -> int:
    """Makes a version of rules and returns its number."""
    draft = {"event_type": "payment", "rules": rules}
    await edge.post(SCENARIOS, {"scenario_id": name, "draft": draft})
    return int((await edge.post(f"{SCENARIOS}/{name}/versions", {}))["version"])


async def paid(edge: Edge, *amounts: float, user: str = "u1") -> list[dict[str, Any]]:
    return [await edge.check(user_id=user, transaction_amount=amount, currency="USD") for amount in amounts]


def period(**more: Any) -> dict[str, Any]:
    return {"since": (datetime.now(UTC) - timedelta(hours=1)).isoformat(), **more}


async def ended(edge: Edge, backtest: dict[str, Any]) -> dict[str, Any]:
    until = time.monotonic() + SECONDS
    while True:
        found = await edge.get(f"{BACKTESTS}/{backtest['backtest_id']}")
        if found["state"] in FINAL:
            assert ("result" in found) == (found["state"] == "succeeded"), found
            return found
        assert time.monotonic() < until, found
        await asyncio.sleep(0.1)


def changes(result: dict[str, Any]) -> dict[tuple[str, str], int]:
    return {(each["before"], each["after"]): int(each["decisions"]) for each in result["outcomes"]}


@pytest.mark.parametrize("values", ["stored", "recomputed"])
async def test_a_version_is_tried_on_decisions_that_were_made(platform: Platform, edge: Edge, values: str) -> None:
    version = await scenario(edge, HIGH, SEVERAL)
    decided = await paid(edge, 10, 20, 150, 30, user="u1") + await paid(edge, 120, user="u2")
    made = await edge.post(BACKTESTS, period(scenario_id="cards", version=version, values=values))
    assert (made["state"], made["version"], made["event_type"]) == ("pending", version, "payment")
    found = await ended(edge, made)
    assert (found["state"], found["values"], found["error"]) == ("succeeded", values, "")
    result = found["result"]
    assert (result["decisions"], result["unreadable"]) == ("5", "0")
    after = ["approve", "approve", "decline", "review", "decline"]
    assert changes(result) == Counter(zip([each["outcome"] for each in decided], after, strict=True))
    rules = {each["code"]: each for each in result["rules"]}
    assert (rules["HIGH"]["after"], rules["HIGH"]["alone"], rules["HIGH"]["rule_id"]) == ("2", "1", "high")
    assert (rules["SEVERAL"]["after"], rules["SEVERAL"]["before"]) == ("2", "0")
    (money,) = result["money"]
    assert (money["currency"], money["declined_after"], money["newly_declined"]) == ("USD", "270.00", "270.00")
    affected = {(each["field"], each["outcome"]): each["values"] for each in result["affected"]}
    assert affected["user_id", "decline"] == "2" and affected["user_id", "review"] == "1"
    shown = {each["decision_id"] for each in result["examples"]}
    assert shown == {each["decision_id"] for each in decided if each["outcome"] != after[decided.index(each)]}
    listed = await edge.get(BACKTESTS)
    assert [each["backtest_id"] for each in listed["backtests"]] == [made["backtest_id"]]
    assert "result" not in listed["backtests"][0]
    tasks = await edge.get("/api/v1/tasks", kind="fraud.backtest")
    assert [each["state"] for each in tasks["tasks"]] == ["succeeded"], "it is a task of the tenant"
    other = await platform.new_edge()
    for method, path in (("GET", ""), ("POST", ":cancel")):
        refused = await send(other, method, f"{BACKTESTS}/{made['backtest_id']}{path}", None if method == "GET" else {})
        assert (refused.status, refusal(refused)["reason"]) == (404, "RESOURCE_NOT_FOUND")
    assert (await other.get(BACKTESTS))["backtests"] == []
    mine = await ended(other, await other.post(BACKTESTS, period(scenario_id="starter", version=2)))
    assert mine["result"]["decisions"] == "0", "of its own decisions alone"


async def test_a_draft_is_tried_as_it_was_and_a_request_makes_one_backtest(edge: Edge) -> None:
    await edge.post(SCENARIOS, {"scenario_id": "cards", "draft": {"event_type": "payment", "rules": [HIGH]}})
    await paid(edge, 150)
    asked = period(scenario_id="cards", request_id=str(uuid.uuid4()))
    first = await edge.post(BACKTESTS, asked)
    await send(edge, "DELETE", f"{SCENARIOS}/cards/rules/high")
    again = await edge.post(BACKTESTS, asked)
    assert again == first
    found = await ended(edge, first)
    assert (found["version"], changes(found["result"])) == (0, {("approve", "decline"): 1})
    assert len((await edge.get(BACKTESTS))["backtests"]) == 1


@pytest.mark.parametrize(
    ("changed", "status", "place"),
    [
        ({"scenario_id": "nothing"}, 404, None),
        ({"version": 7}, 404, None),
        ({"since": "2999-01-01T00:00:00Z"}, 400, "/since"),
        ({"since": "2020-01-01T00:00:00Z"}, 400, "/since"),
        ({"until": "2999-01-01T00:00:00Z"}, 400, "/until"),
        ({"values": "guessed"}, 400, "/values"),
    ],
)
async def test_what_cannot_be_tried_is_refused(edge: Edge, changed: dict[str, Any], status: int, place: str) -> None:
    await scenario(edge, HIGH)
    refused = await send(edge, "POST", BACKTESTS, period(scenario_id="cards", version=1) | changed)
    assert refused.status == status, refused.body
    if place:
        assert [each["pointer"] for each in refusal(refused)["errors"]] == [place]
    assert (await edge.get(BACKTESTS))["backtests"] == []


async def test_of_a_tenant_ten_wait_at_most_and_each_can_be_cancelled(edge: Edge) -> None:
    await scenario(edge, HIGH)
    asked = period(scenario_id="cards", version=1)
    answers = [await send(edge, "POST", BACKTESTS, asked) for _ in range(20)]
    refused = [answer for answer in answers if answer.status != 201]
    assert refused and {refusal(answer)["reason"] for answer in refused} == {"STATE_NOT_ALLOWED"}
    made = [answer.json() for answer in answers if answer.status == 201]
    for one in made:
        await send(edge, "POST", f"{BACKTESTS}/{one['backtest_id']}:cancel", {})
    states = {(await ended(edge, one))["state"] for one in made}
    assert states <= {"succeeded", "cancelled"} and "cancelled" in states
    gone = await send(edge, "POST", f"{BACKTESTS}/{NOWHERE}:cancel", {})
    assert gone.status == 404
    assert (await send(edge, "POST", BACKTESTS, asked)).status == 201


async def test_a_shadow_is_reported_and_answers_nothing(edge: Edge) -> None:
    version = await scenario(edge, HIGH)
    path = f"{SCENARIOS}/cards/versions/{version}"
    await edge.post(f"{path}:deploy", {"target": "shadow"})
    before = await edge.get(f"{path}/shadow-report")
    assert before["decisions"] == "0"
    await asyncio.sleep(2.5)
    decided = await paid(edge, 10, 150, 30)
    assert {each["rules_version"] for each in decided} == {"starter-2"}
    until = time.monotonic() + SECONDS
    while (report := await edge.get(f"{path}/shadow-report"))["decisions"] != "3":
        assert time.monotonic() < until, report
        await asyncio.sleep(0.1)
    outcomes = {(each["answered"], each["shadowed"]): int(each["decisions"]) for each in report["outcomes"]}
    assert outcomes == Counter(
        zip([each["outcome"] for each in decided], ["approve", "decline", "approve"], strict=True)
    )
    assert [each["decision_id"] for each in report["examples"]] == [decided[1]["decision_id"]]
    assert (report["missed"], report["failed"]) == ("0", "0")
