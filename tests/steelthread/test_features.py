"""Features over REST: declared, used by a rule's name in a decision, described, retired, each tenant's own."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.lines import read_lines
from tests.steelthread.edge import Edge, refusal
from tests.steelthread.platform import Platform

FEATURES = "/api/v1/features"


def body(**changes: Any) -> dict[str, Any]:
    return {
        "name": "spent_7d", "event_type": "payment", "key": ["user_id"], "aggregate": "sum", "field": "amount",
        "window": "604800s",
    } | changes  # fmt: skip


async def test_a_feature_is_declared_read_described_listed_and_retired(edge: Edge) -> None:
    made = await edge.post(FEATURES, body(description="Of a week"))
    assert (made["counts"], made["boundary"], made["delay"], made["state"], made["etag"]) == (
        ["payment"], "(]", "0s", "ready", '"1"',
    )  # fmt: skip
    assert await edge.get(f"{FEATURES}/spent_7d") == made
    year = await edge.post(FEATURES, body(name="spent_400d", window="34560000s"))
    assert (made["resolution"], year["resolution"], year["state"]) == ("exact", "day", "filling")
    assert (await edge.send("DELETE", f"{FEATURES}/spent_400d")).status == 200
    derived = await edge.post(FEATURES, {"name": "times", "event_type": "payment", "expression": "amount / spent_7d"})
    assert (derived["expression"], derived["key"], "window" in derived) == ("amount / spent_7d", [], False)
    changed = await edge.patch(f"{FEATURES}/spent_7d", {**made, "description": "words"})
    assert (changed["description"], changed["etag"], changed["window"]) == ("words", '"5"', "604800s")
    listed = (await edge.get(f"{FEATURES}?page_size=1000"))["features"]
    assert [each["name"] for each in listed if not each["built_in"]] == ["spent_7d", "times"]
    assert {"user_count_1h", "device_distinct_24h"} <= {each["name"] for each in listed}
    page = await edge.get(f"{FEATURES}?page_size=2")
    rest = await edge.get(f"{FEATURES}?page_size=1000&page_token={page['next_page_token']}")
    assert page["features"] + rest["features"] == listed
    used = await edge.send("DELETE", f"{FEATURES}/spent_7d")
    assert (used.status, refusal(used)["reason"]) == (409, "STATE_NOT_ALLOWED")
    for name in ("times", "spent_7d"):
        assert (await edge.send("DELETE", f"{FEATURES}/{name}")).status == 200
    gone = await edge.send("GET", f"{FEATURES}/spent_7d")
    assert (gone.status, refusal(gone)["reason"]) == (404, "RESOURCE_NOT_FOUND")


async def test_decisions_have_the_values_under_their_names_also_when_the_features_are_gone(edge: Edge) -> None:
    await edge.post(FEATURES, body())
    await edge.post(FEATURES, {"name": "times", "event_type": "payment", "expression": "spent_7d / amount"})
    payment = {"user_id": "jane", "transaction_amount": 12.5, "channel": "card_present"}
    async with asyncio.timeout(10):
        while True:
            decided = await edge.post("/api/v1/fraud-check", payment)
            read = await edge.get(f"/api/v1/decisions/{decided['decision_id']}")
            values = read["inputs"]["features"]
            if values.get("times") is not None:
                break
            await asyncio.sleep(0.05)
    assert values["times"] == values["spent_7d"] / 1_250 == values["user_count_24h"]
    assert read["versions"]["features"] == "t2"
    for name in ("times", "spent_7d"):
        await edge.send("DELETE", f"{FEATURES}/{name}")
    assert await edge.get(f"/api/v1/decisions/{decided['decision_id']}") == read


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"window": "34560001s"}, ["window"]),
        ({"window": "2592001s", "aggregate": "distinct", "field": "device_fingerprint"}, ["window"]),
        ({"window": "0.0005s", "key": ["channel"]}, ["key", "window"]),
        ({"name": "amount", "field": "nothing"}, ["name", "field"]),
        ({"name": "user_count", "aggregate": "median"}, ["aggregate"]),
        ({"aggregate": "travel_speed"}, ["field"]),
        ({"aggregate": "travel_speed", "field": "ip_address", "include_current": True}, ["include_current"]),
        ({"where": "amount >\n> 1.0"}, ["where"]),
        ({"aggregate": ""}, ["aggregate"]),
        ({"expression": "amount"}, ["key", "aggregate", "field", "window"]),
        ({"include_current": True, "delay": "60s"}, ["include_current"]),
        ({"measure": "degree"}, ["aggregate", "field", "window"]),
        ({"measure": "degree", "aggregate": "", "field": "", "window": None, "key": ["user_id", "email"]}, ["key"]),
        ({"measure": "degree", "aggregate": "", "field": "", "window": None, "key": ["channel"]}, ["key"]),
        ({"measure": "centrality", "aggregate": "", "field": "", "window": None}, ["measure"]),
    ],
)
async def test_what_is_wrong_is_said_of_its_place(edge: Edge, changes: dict[str, Any], fields: list[str]) -> None:
    answer = await edge.send("POST", FEATURES, json.dumps(body(**changes)).encode())
    assert (answer.status, refusal(answer)["reason"]) == (400, "VALIDATION_FAILED")
    assert [each["field"] for each in refusal(answer)["errors"]] == [f"feature.{field}" for field in fields]
    assert (await edge.send("GET", f"{FEATURES}/spent_7d")).status == 404


async def test_what_a_feature_counts_never_changes(edge: Edge) -> None:
    made = await edge.post(FEATURES, body())
    for changes in ({"window": "60s"}, {"key": ["card_fingerprint"]}, {"where": "amount > 1.0"}, {"built_in": True}):
        answer = await edge.send("PATCH", f"{FEATURES}/spent_7d", json.dumps(changes).encode())
        (wrong,) = refusal(answer)["errors"]
        assert (wrong["field"], "declare another feature" in wrong["message"]) == (
            f"feature.{next(iter(changes))}",
            True,
        )
    for method, sent in (("PATCH", b'{"description": "words"}'), ("DELETE", b"")):
        answer = await edge.send(method, f"{FEATURES}/user_count_1h", sent)
        assert (answer.status, refusal(answer)["reason"]) == (409, "STATE_NOT_ALLOWED")
    assert await edge.get(f"{FEATURES}/spent_7d") == made


async def test_the_second_of_two_who_change_one_state_is_told(edge: Edge) -> None:
    await edge.post(FEATURES, body())
    for method, sent, tag, status in (
        ("PATCH", b'{"description": "first"}', '"1"', 200),
        ("PATCH", b'{"description": "second"}', '"1"', 412),
        ("DELETE", b"", '"1"', 412),
        ("DELETE", b"", '"2"', 200),
    ):
        answer = await edge.send(method, f"{FEATURES}/spent_7d", sent, headers={"if-match": tag})
        assert answer.status == status


async def test_a_request_of_one_key_is_carried_out_once(edge: Edge) -> None:
    headers = {"idempotency-key": "5f0c8e2b-9d7a-4c31-8a55-0123456789ab"}
    sent = json.dumps(body()).encode()
    answers = [await edge.send("POST", FEATURES, sent, headers=headers) for _ in range(2)]
    assert {(answer.status, bytes(answer.body)) for answer in answers} == {(201, bytes(answers[0].body))}
    twice = await edge.send("POST", FEATURES, sent)
    assert (twice.status, refusal(twice)["reason"]) == (409, "RESOURCE_EXISTS")


async def test_a_feature_belongs_to_its_tenant(edge: Edge, platform: Platform) -> None:
    await edge.post(FEATURES, body())
    other = await platform.new_edge()
    for method, sent in (("GET", b""), ("PATCH", b'{"description": "theirs"}'), ("DELETE", b"")):
        answer = await other.send(method, f"{FEATURES}/spent_7d", sent)
        assert (answer.status, refusal(answer)["reason"]) == (404, "RESOURCE_NOT_FOUND")
    assert await other.post(FEATURES, body(window="60s"))


async def test_stored_values_are_verified_over_a_stream(edge: Edge) -> None:
    """The process that does it gets only the time that is left: on a busy machine it takes a while."""
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    headers = [("authorization", f"Bearer {await edge.token()}"), ("accept", "application/x-ndjson")]
    path = f"{FEATURES}:verify?since={since}&features=user_count_1h"
    lines = [json.loads(line) async for line in read_lines(edge.target.base_url, path, headers, idle=30.0)]
    *news, last, status = lines
    assert all("progress" in each["result"] for each in news)
    assert (last["result"]["summary"]["unlawful"], status["status"]["code"]) == ("0", 0)
    later = await edge.send("GET", f"{FEATURES}:verify?since=2100-01-01T00:00:00Z")
    assert (later.status, [each["field"] for each in refusal(later)["errors"]]) == (400, ["since"])
