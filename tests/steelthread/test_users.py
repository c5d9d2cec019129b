"""Users and their risk profiles, and what those do to a decision."""

from __future__ import annotations

import json

from tests.steelthread.edge import Edge, refusal, segment
from tests.steelthread.platform import Platform

USERS = "/api/v1/users"


async def test_a_user_is_created_read_changed_and_listed(platform: Platform, edge: Edge) -> None:
    made = await edge.post(USERS, {"user_id": "alice", "email": "alice@example.com", "country": "DE"})
    assert made["display_name"] == ""
    assert made["create_time"] == made["update_time"]
    assert await edge.get(f"{USERS}/alice") == made
    changed = await edge.patch(f"{USERS}/alice", {"display_name": "Alice", "country": ""})
    new = {name: changed[name] for name in ("update_time", "etag")}
    assert changed == made | {"display_name": "Alice", "country": ""} | new
    assert changed["update_time"] > made["update_time"]
    assert changed["etag"] != made["etag"]
    assert (await edge.get(USERS))["users"] == [changed]
    (row,) = await platform.rows("user", "SELECT * FROM users WHERE display_name = 'Alice' AND user_id = 'alice'")
    assert (row["email"], row["country"]) == ("alice@example.com", "")


async def test_a_user_is_created_once_and_belongs_to_its_tenant(platform: Platform, edge: Edge) -> None:
    await edge.post(USERS, {"user_id": "bob"})
    again = await edge.send("POST", USERS, json.dumps({"user_id": "bob"}).encode())
    assert (again.status, refusal(again)["reason"]) == (409, "RESOURCE_EXISTS")
    other = await platform.new_edge()
    for method, body in (("GET", b""), ("PATCH", b'{"country": "FR"}')):
        answer = await other.send(method, f"{USERS}/bob", body)
        assert (answer.status, refusal(answer)["reason"]) == (404, "RESOURCE_NOT_FOUND")
    assert (await other.get(USERS))["users"] == []
    assert (await other.get(f"{USERS}/bob/risk-profile"))["known"] is False
    assert (await edge.get(f"{USERS}/bob"))["country"] == ""


async def test_names_of_any_script_are_kept_as_they_are(edge: Edge) -> None:
    for name in ("ユーザー-😀", "e\u0301 and \u00e9", " padded ", "Robert'); DROP TABLE users;--", "100%_?&#+"):
        await edge.post(USERS, {"user_id": name})
        assert (await edge.get(f"{USERS}/{segment(name)}"))["user_id"] == name
        assert (await edge.check(user_id=name))["user_id"] == name


async def test_a_blocked_user_is_declined(edge: Edge) -> None:
    await edge.post(USERS, {"user_id": "mallory"})
    profile = await edge.get(f"{USERS}/mallory/risk-profile")
    assert (profile["known"], profile["tier"], profile["base_risk"]) == (True, "standard", 0.1)
    changed = await edge.patch(f"{USERS}/mallory/risk-profile", {"tier": "blocked"})
    assert changed == profile | {"tier": "blocked", "etag": changed["etag"]}
    decision = await edge.check(user_id="mallory")
    assert decision["is_fraudulent"] is True
    assert decision["outcome"] == "decline"
    assert decision["confidence_score"] >= 0.8
    assert decision["risk_factors"] == ["PROFILE_BLOCKED"]
    inputs = (await edge.get(f"/api/v1/decisions/{decision['decision_id']}"))["inputs"]
    assert (inputs["user_tier"], inputs["user_known"]) == ("blocked", True)


async def test_a_profile_counts_in_its_own_tenant_alone(platform: Platform, edge: Edge) -> None:
    await edge.post(USERS, {"user_id": "carol"})
    await edge.patch(f"{USERS}/carol/risk-profile", {"tier": "elevated", "chargeback_count": 2, "base_risk": 0.6})
    other = await platform.new_edge()
    assert (await other.check(user_id="carol"))["outcome"] == "approve"
    risky = await edge.check(user_id="carol")
    assert risky["risk_factors"] == ["CHARGEBACKS", "PROFILE_ELEVATED"]
    assert risky["outcome"] == "review"
