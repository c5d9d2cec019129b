"""Users and their risk profiles, and what those do to a decision."""

from __future__ import annotations

import asyncio
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


async def test_what_was_read_is_edited_and_sent_back(edge: Edge) -> None:
    made = await edge.send("POST", USERS, json.dumps({"user_id": "dave", "phone": "+4912345"}).encode())
    assert (made.status, made.headers["location"]) == (201, f"{USERS}/dave")
    user = await edge.get(made.headers["location"])
    changed = await edge.patch(f"{USERS}/dave", user | {"display_name": "Dave", "phone": None})
    assert (changed["display_name"], changed["phone"]) == ("Dave", "")
    profile = await edge.get(f"{USERS}/dave/risk-profile")
    assert (await edge.patch(f"{USERS}/dave/risk-profile", profile | {"base_risk": 0}))["base_risk"] == 0
    stale = await edge.send("PATCH", f"{USERS}/dave", json.dumps(user).encode())
    assert (stale.status, refusal(stale)["reason"]) == (412, "ETAG_MISMATCH")
    user = await edge.get(f"{USERS}/dave")
    for name in ("create_time", "update_time"):
        other = json.dumps(user | {name: "2001-01-01T00:00:00Z"}).encode()
        refused = await edge.send("PATCH", f"{USERS}/dave", other)
        assert (refused.status, refusal(refused)["errors"][0]["pointer"]) == (400, f"/{name}")
    masked = await edge.send("PATCH", f"{USERS}/dave?update_mask=email,country", b'{"email": "d@example.com"}')
    assert (masked.status, refusal(masked)["errors"][0]["name"]) == (400, "update_mask")
    assert "country" in refusal(masked)["detail"]
    assert await edge.get(f"{USERS}/dave") == user


async def test_a_profile_comes_before_its_user_and_meets_it(platform: Platform, edge: Edge) -> None:
    path = f"{USERS}/early/risk-profile"
    nothing = await edge.send("GET", path)
    assert (await edge.check(user_id="early"))["outcome"] == "approve"
    blocked = await edge.send("PATCH", path, b'{"tier": "blocked"}', headers={"if-match": nothing.headers["etag"]})
    assert blocked.status == 200, blocked
    assert (blocked.json()["known"], blocked.json()["tier"], blocked.json()["base_risk"]) == (False, "blocked", 0.1)
    again = await edge.send("PATCH", path, b'{"tier": "trusted"}', headers={"if-match": nothing.headers["etag"]})
    assert (again.status, refusal(again)["reason"]) == (412, "ETAG_MISMATCH")
    await _decided(edge, "early", "decline")
    assert (await edge.send("GET", f"{USERS}/early")).status == 404
    assert (await edge.get(USERS))["users"] == []
    assert (await (await platform.new_edge()).get(path))["tier"] == "standard"
    await edge.post(USERS, {"user_id": "early", "country": "DE"})
    met = await edge.get(path)
    assert (met["known"], met["tier"], met["country"]) == (True, "blocked", "DE")
    await _decided(edge, "early", "decline")


async def test_a_deleted_user_is_gone_with_its_profile_everywhere(platform: Platform, edge: Edge) -> None:
    other = await platform.new_edge()
    for each in (edge, other):
        await each.post(USERS, {"user_id": "gone"})
        await each.patch(f"{USERS}/gone/risk-profile", {"tier": "blocked"})
    await _decided(edge, "gone", "decline")
    user = await edge.get(f"{USERS}/gone")
    stale = await edge.send("DELETE", f"{USERS}/gone", headers={"if-match": '"other"'})
    assert (stale.status, refusal(stale)["reason"]) == (412, "ETAG_MISMATCH")
    key = {"idempotency-key": "k", "if-match": user["etag"]}
    done = [await edge.send("DELETE", f"{USERS}/gone", headers=key) for _ in range(2)]
    assert [(answer.status, answer.json()) for answer in done] == [(200, {})] * 2
    for method, path in (("GET", f"{USERS}/gone"), ("DELETE", f"{USERS}/gone"), ("PATCH", f"{USERS}/gone")):
        answer = await edge.send(method, path, b"{}" if method == "PATCH" else b"")
        assert (answer.status, refusal(answer)["reason"]) == (404, "RESOURCE_NOT_FOUND")
    profile = await edge.get(f"{USERS}/gone/risk-profile")
    assert (profile["known"], profile["tier"]) == (False, "standard")
    await _decided(edge, "gone", "approve")
    assert (await other.get(f"{USERS}/gone/risk-profile"))["tier"] == "blocked"
    anew = await edge.post(USERS, {"user_id": "gone"})
    assert anew["create_time"] > user["create_time"]
    assert (await edge.get(f"{USERS}/gone/risk-profile"))["tier"] == "standard"


async def _decided(edge: Edge, user_id: str, outcome: str) -> None:
    """Waits until decisions know of a change: within moments of it."""
    async with asyncio.timeout(5):
        while (await edge.check(user_id=user_id))["outcome"] != outcome:
            await asyncio.sleep(0.05)


async def test_a_change_happens_in_the_states_that_its_conditions_name_alone(edge: Edge) -> None:
    await edge.post(USERS, {"user_id": "erin"})
    for path in (f"{USERS}/erin", f"{USERS}/erin/risk-profile"):
        etag = (await edge.get(path))["etag"]
        body = b'{"display_name": "E"}' if path.endswith("erin") else b'{"tier": "trusted"}'
        for headers in (
            {"if-match": '"a", "b"'},
            {"if-match": f'W/{etag}, "b"'},
            {"if-none-match": "*"},
            {"if-none-match": f'"a", {etag}'},
            {"if-none-match": f"W/{etag}"},
            {"if-match": f'{etag}, "b"', "if-none-match": etag},
        ):
            refused = await edge.send("PATCH", path, body, headers=headers)
            assert (refused.status, refusal(refused)["reason"]) == (412, "ETAG_MISMATCH"), headers
        assert (await edge.get(path))["etag"] == etag
        for headers in ({"if-match": f'"a", {etag}'}, {"if-none-match": '"a", "b"'}, {"if-match": "*"}):
            changed = await edge.send("PATCH", path, body, headers=headers)
            assert changed.status == 200, headers
            etag = changed.json()["etag"]
    for condition in ({"if-match": '"a", "b"'}, {"if-none-match": "*"}):
        for method in ("PATCH", "DELETE"):
            missing = await edge.send(method, f"{USERS}/nobody", b"{}" if method == "PATCH" else b"", headers=condition)
            assert (missing.status, refusal(missing)["reason"]) == (404, "RESOURCE_NOT_FOUND"), "before any condition"
    kept = await edge.send("DELETE", f"{USERS}/erin", headers={"if-match": '"a", "b"'})
    assert (kept.status, refusal(kept)["reason"]) == (412, "ETAG_MISMATCH")
    etag = (await edge.get(f"{USERS}/erin"))["etag"]
    assert (await edge.send("DELETE", f"{USERS}/erin", headers={"if-match": f'"a", {etag}'})).status == 200


async def test_of_concurrent_changes_of_listed_states_none_is_lost(edge: Edge) -> None:
    etag = (await edge.post(USERS, {"user_id": "frank"}))["etag"]
    body, headers = b'{"display_name": "F"}', {"if-match": f'"a", {etag}'}
    answers = await asyncio.gather(
        *(edge.send("PATCH", f"{USERS}/frank", body, headers=headers) for _ in range(8)),
        *(edge.send("PATCH", f"{USERS}/frank/risk-profile", b'{"tier": "trusted"}', headers=headers) for _ in range(8)),
    )
    changed = [[answer.status for answer in answers[:8]], [answer.status for answer in answers[8:]]]
    assert [statuses.count(200) + statuses.count(412) for statuses in changed] == [8, 8]
    assert sum(statuses.count(200) for statuses in changed) in (1, 2)
    assert changed[0].count(200) <= 1
    assert changed[1].count(200) <= 1


async def test_a_retry_is_answered_as_the_first_whatever_the_state_is_by_then(edge: Edge) -> None:
    etag = (await edge.post(USERS, {"user_id": "grace"}))["etag"]
    headers = {"if-match": f'"a", {etag}', "idempotency-key": "change-of-grace"}
    first, again = [
        await edge.send("PATCH", f"{USERS}/grace", b'{"display_name": "G"}', headers=headers) for _ in range(2)
    ]
    assert (first.status, again.status, again.body) == (200, 200, first.body)
    other = await edge.send("PATCH", f"{USERS}/grace", b'{"display_name": "G"}', headers=headers | {"if-match": "*"})
    assert (other.status, refusal(other)["reason"]) == (422, "IDEMPOTENCY_KEY_REUSED")
