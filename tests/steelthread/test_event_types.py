"""Event types over REST: declared once, changed by who has seen them, each tenant's own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.steelthread.edge import Edge, refusal
from tests.steelthread.platform import Platform

TYPES = "/api/v1/event-types"
USER = {"name": "user_id", "type": "string", "required": True, "personal": True, "key": True}
AMOUNT = {"name": "amount", "type": "money"}


def body(**changes: Any) -> dict[str, Any]:
    return {"name": "transfer", "fields": [USER, AMOUNT]} | changes


async def test_an_event_type_is_declared_read_changed_and_listed(edge: Edge) -> None:
    made = await edge.post(TYPES, body(description="Between accounts"))
    assert [each["name"] for each in made["fields"]] == ["user_id", "amount"]
    assert (made["version"], made["built_in"], made["etag"]) == (1, False, '"1"')
    assert await edge.get(f"{TYPES}/transfer") == made
    more = {"name": "ordered_at", "type": "time"}
    changed = await edge.patch(f"{TYPES}/transfer", {"etag": made["etag"], "fields": [*made["fields"], more]})
    assert [each["name"] for each in changed["fields"]] == ["user_id", "amount", "ordered_at"]
    assert (changed["version"], changed["description"], changed["etag"]) == (2, "Between accounts", '"2"')
    listed = (await edge.get(TYPES))["event_types"]
    assert [each["name"] for each in listed] == ["claim", "login", "payment", "signup", "transfer"]
    assert listed[-1] == changed
    page = await edge.get(f"{TYPES}?page_size=4")
    assert [each["name"] for each in page["event_types"]] == ["claim", "login", "payment", "signup"]
    rest = await edge.get(f"{TYPES}?page_size=4&page_token={page['next_page_token']}")
    assert (rest["event_types"], rest["next_page_token"]) == ([changed], "")


async def test_what_is_read_can_be_sent_back_and_changes_nothing(edge: Edge) -> None:
    await edge.post(TYPES, body())
    for name in ("transfer", "payment"):
        found = await edge.get(f"{TYPES}/{name}")
        assert await edge.patch(f"{TYPES}/{name}", found) == found


async def test_a_built_in_type_can_get_fields_and_lose_none(edge: Edge, platform: Platform) -> None:
    before = await edge.get(f"{TYPES}/payment")
    assert (before["built_in"], before["version"], "create_time" in before) == (True, 1, False)
    refused = await edge.send("PATCH", f"{TYPES}/payment", json.dumps({"fields": before["fields"][1:]}).encode())
    assert (refused.status, refusal(refused)["reason"]) == (400, "VALIDATION_FAILED")
    channel = {"name": "loyalty", "type": "number"}
    changed = await edge.patch(f"{TYPES}/payment", {"fields": [*before["fields"], channel]})
    assert (changed["fields"][-1]["name"], changed["version"], changed["built_in"]) == ("loyalty", 2, True)
    other = await platform.new_edge()
    assert await other.get(f"{TYPES}/payment") == before


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ([{**USER, "name": "profile"}], "fields[0].name"),
        ([USER, {**AMOUNT, "key": True}], "fields[1].key"),
        ([USER, {"name": "score", "type": "decimal"}], "fields[1].type"),
        ([{"name": "User", "type": "string"}], "fields[0].name"),
        ([{"name": "device_fingerprint", "type": "number"}], "fields[0].type"),
        ([], "fields"),
    ],
)
async def test_what_is_wrong_is_said_of_its_place(edge: Edge, fields: list[Any], field: str) -> None:
    answer = await edge.send("POST", TYPES, json.dumps(body(fields=fields)).encode())
    assert (answer.status, refusal(answer)["reason"]) == (400, "VALIDATION_FAILED")
    assert [each["field"] for each in refusal(answer)["errors"]] == [f"event_type.{field}"]


async def test_type_of_a_field_never_changes(edge: Edge) -> None:
    await edge.post(TYPES, body())
    changed = json.dumps({"fields": [USER, {**AMOUNT, "type": "number"}]}).encode()
    answer = await edge.send("PATCH", f"{TYPES}/transfer", changed)
    assert [each["field"] for each in refusal(answer)["errors"]] == ["event_type.fields[1].type"]
    assert (await edge.get(f"{TYPES}/transfer"))["version"] == 1


async def test_the_second_of_two_who_change_one_state_is_told(edge: Edge) -> None:
    await edge.post(TYPES, body())
    for words, headers, status in (
        ("first", {"if-match": '"1"'}, 200),
        ("second", {"if-match": '"1"'}, 412),
        ("third", {"if-match": "*"}, 200),
    ):
        sent = json.dumps({"description": words}).encode()
        answer = await edge.send("PATCH", f"{TYPES}/transfer", sent, headers=headers)
        assert answer.status == status
    stale = await edge.send("PATCH", f"{TYPES}/transfer", b'{"description": "fourth", "etag": "\\"1\\""}')
    assert refusal(stale)["reason"] == "ETAG_MISMATCH"
    assert (await edge.get(f"{TYPES}/transfer"))["description"] == "third"


async def test_a_request_of_one_key_is_carried_out_once(edge: Edge) -> None:
    headers = {"idempotency-key": "5f0c8e2b-9d7a-4c31-8a55-0123456789ab"}
    sent = json.dumps(body()).encode()
    answers = await asyncio.gather(*[edge.send("POST", TYPES, sent, headers=headers) for _ in range(3)])
    assert {answer.status for answer in answers} <= {201, 409}
    again = await edge.send("POST", TYPES, sent, headers=headers)
    assert (again.status, json.loads(again.body)["version"]) == (201, 1)
    twice = await edge.send("POST", TYPES, sent)
    assert (twice.status, refusal(twice)["reason"]) == (409, "RESOURCE_EXISTS")


async def test_an_event_type_belongs_to_its_tenant(edge: Edge, platform: Platform) -> None:
    await edge.post(TYPES, body())
    other = await platform.new_edge()
    for method, sent in (("GET", b""), ("PATCH", b'{"description": "theirs"}')):
        answer = await other.send(method, f"{TYPES}/transfer", sent)
        assert (answer.status, refusal(answer)["reason"]) == (404, "RESOURCE_NOT_FOUND")
    assert len((await other.get(TYPES))["event_types"]) == 4
    assert await other.post(TYPES, body(fields=[{**USER, "name": "account"}]))


async def test_a_tenant_declares_a_hundred_at_most(edge: Edge) -> None:
    for number in range(100):
        await edge.post(TYPES, body(name=f"t{number}"))
    answer = await edge.send("POST", TYPES, json.dumps(body(name="one_more")).encode())
    assert (answer.status, refusal(answer)["errors"][0]["reason"]) == (400, "event_types.most")
    assert len((await edge.get(f"{TYPES}?page_size=1000"))["event_types"]) == 104


async def test_an_attribute_that_payments_have_as_a_field_is_read_as_one(edge: Edge) -> None:
    built_in = (await edge.get(f"{TYPES}/payment"))["fields"]
    badge, loyalty = {"name": "badge", "type": "string", "key": True}, {"name": "loyalty", "type": "number"}
    await edge.patch(f"{TYPES}/payment", {"fields": [*built_in, badge, loyalty]})
    expression = "badge == 'gold' && user_id != 'mallory' ? loyalty * 2.0 : 0.0"
    await edge.post("/api/v1/features", {"name": "bonus", "event_type": "payment", "expression": expression})
    given = {"badge": "gold", "loyalty": "12.5", "note": "kept", "user_id": "mallory"}

    async def decided(**attributes: str) -> tuple[Any, ...]:
        made = await edge.check(attributes=attributes)
        path = f"/api/v1/decisions/{made['decision_id']}"
        inputs = (await edge.get(path))["inputs"]
        assert (await edge.post(f"{path}:replay", {}))["identical"]
        assert inputs["attributes"] == attributes
        return inputs["features"].get("bonus"), "attributes" in made["degraded"]

    async with asyncio.timeout(10):
        while (seen := await decided(**given))[0] is None:
            await asyncio.sleep(0.05)
    assert seen == (25.0, False)
    assert await decided(badge="gold", loyalty="a lot") == (None, True)
