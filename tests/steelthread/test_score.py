"""What a score promises to whoever reads it. Any engine that replaces the rules must pass these tests as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.steelthread.edge import CHECK, Edge, a_check, refusal

RATES = "/api/v1/exchange-rates"
TIERS = ("trusted", "standard", "elevated")


async def a_user(edge: Edge, name: str, **profile: Any) -> None:
    await edge.post("/api/v1/users", {"user_id": name})
    await edge.patch(f"/api/v1/users/{name}/risk-profile", profile)


@pytest.mark.parametrize("amount", [10, 250_000])
async def test_no_tier_approves_a_user_with_fifty_chargebacks(edge: Edge, amount: int) -> None:
    for tier in TIERS:
        await a_user(edge, tier, tier=tier, chargeback_count=50, base_risk=0)
        decision = await edge.check(user_id=tier, transaction_amount=amount)
        assert decision["outcome"] != "approve", decision
        assert "CHARGEBACKS" in decision["risk_factors"]


async def test_no_tier_approves_a_very_high_amount_and_none_raises_what_trust_lowers(edge: Edge) -> None:
    scores = {}
    for tier in TIERS:
        await a_user(edge, tier, tier=tier, base_risk=0.1)
        scores[tier] = (await edge.check(user_id=tier, transaction_amount=300))["confidence_score"]
        decision = await edge.check(user_id=tier, transaction_amount=250_000)
        assert decision["outcome"] != "approve", decision
    assert scores["trusted"] < scores["standard"] < scores["elevated"]


async def test_blocked_user_is_declined_whatever_else_is_known(edge: Edge) -> None:
    await a_user(edge, "m", tier="blocked", base_risk=0)
    assert (await edge.check(user_id="m", transaction_amount=0.01))["outcome"] == "decline"


async def test_amounts_are_judged_in_dollars_by_the_rates_that_the_tenant_gives(edge: Edge) -> None:
    rates = [
        {"currency": "JPY", "usd_per_unit": 0.0066, "since": "2020-01-01"},
        {"currency": "KWD", "usd_per_unit": 3.25, "since": "2020-01-01"},
        {"currency": "VND", "usd_per_unit": 0.00004, "since": "2020-01-01"},
    ]
    stored = await edge.put(RATES, {"rates": rates})
    assert stored == await edge.get(RATES)
    assert stored["rates"] == rates
    for currency, amount, factors in (
        ("JPY", 5_000, []),
        ("USD", 33, []),
        ("VND", 250_000, []),
        ("KWD", 4_999, ["AMOUNT_VERY_HIGH"]),
        ("USD", 16_000, ["AMOUNT_VERY_HIGH"]),
    ):
        decision = await edge.check(currency=currency, transaction_amount=amount)
        assert (decision["risk_factors"], decision["degraded"]) == (factors, []), currency


async def test_of_two_who_edit_one_table_of_rates_the_second_is_told(edge: Edge) -> None:
    read = await edge.send("GET", RATES)
    tag = read.headers["etag"]
    assert read.json()["etag"] == tag
    euro, yen = ({"currency": code, "usd_per_unit": 1, "since": "2020-01-01"} for code in ("EUR", "JPY"))

    async def put(rate: dict[str, Any], **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await edge.send("PUT", RATES, json.dumps({"rates": [rate]}).encode(), headers=named)).status

    assert await put(euro, if_match=tag) == 200
    assert await put(euro, if_match=tag) == 200, "a retry"
    assert await put(yen, if_match=tag) == 412
    assert await put(yen, if_match=f'"a", {tag}') == 412
    assert await put(yen, if_none_match="*") == 412
    table = await edge.get(RATES)
    assert table["rates"] == [euro]
    assert (await edge.put(RATES, {**table, "rates": [yen]}))["rates"] == [yen], "the tag in the body"
    stale = await edge.send("PUT", RATES, json.dumps({**table, "rates": []}).encode())
    assert (stale.status, refusal(stale)["reason"]) == (412, "ETAG_MISMATCH")


async def test_amount_in_a_currency_without_a_rate_is_told(edge: Edge) -> None:
    decision = await edge.check(currency="KWD", transaction_amount=250_000)
    assert "exchange_rate" in decision["degraded"]
    assert (await edge.check(transaction_amount=250))["degraded"] == []


async def test_rates_that_are_none_are_refused_at_their_place(edge: Edge) -> None:
    euro = {"currency": "EUR", "usd_per_unit": 1.1, "since": "2026-01-01"}
    for rates, pointer in (
        ([euro, euro | {"currency": "ZZZ"}], "/rates/1/currency"),
        ([euro | {"currency": "USD"}], "/rates/0/currency"),
        ([euro | {"since": "2026-02-30"}], "/rates/0/since"),
        ([euro | {"usd_per_unit": 0}], "/rates/0/usd_per_unit"),
        ([euro, euro | {"usd_per_unit": 1.2}], "/rates"),
    ):
        answer = await edge.send("PUT", RATES, json.dumps({"rates": rates}).encode())
        assert answer.status == 400, answer
        assert [error["pointer"] for error in refusal(answer)["errors"]] == [pointer]
    assert (await edge.get(RATES))["rates"] == []


async def test_switching_the_currency_is_not_above_the_usual_and_does_not_hide_what_was_spent(edge: Edge) -> None:
    await edge.put(RATES, {"rates": [{"currency": "EUR", "usd_per_unit": 1.1, "since": "2020-01-01"}]})
    payer = {"user_id": "u", "device_fingerprint": "d"}
    for _ in range(4):
        await edge.check(**payer, transaction_amount=60)
    decision = {}
    for _ in range(3):
        decision = await edge.check(**payer, transaction_amount=60, currency="EUR")
        assert "AMOUNT_ABOVE_USUAL" not in decision["risk_factors"]
    inputs = (await edge.get(f"/api/v1/decisions/{decision['decision_id']}"))["inputs"]
    assert (inputs["features"]["user_count_24h"], inputs["features"]["user_currency_count_24h"]) == (6, 2)
    assert [(each["currency"], each["amount_minor"]) for each in inputs["user_elsewhere_24h"]] == [("USD", "24000")]
    for currency in ("EUR", "USD") * 4:
        decision = await edge.check(**payer, transaction_amount=1_400, currency=currency)
    assert "USER_SPEND_24H" in (await edge.check(**payer, transaction_amount=1))["risk_factors"]


async def test_one_address_in_any_spelling_is_one_subject(edge: Edge) -> None:
    async def seen(spellings: list[str]) -> list[int]:
        found = []
        for ip in spellings:
            decision = await edge.check(ip_address=ip)
            inputs = (await edge.get(f"/api/v1/decisions/{decision['decision_id']}"))["inputs"]
            found.append(inputs["features"]["ip_count_1h"])
        return found

    assert await seen(["2001:db8:78::b7", "2001:db8:78:0::b7", "2001:0db8:78::b7", "2001:DB8:78::B7"]) == [0, 1, 2, 3]
    assert await seen(["198.51.100.7", "::ffff:198.51.100.7", "::ffff:c633:6407"]) == [0, 1, 2]


async def test_unusual_values_that_no_rule_needs_do_not_cost_the_decision_and_are_kept(edge: Edge) -> None:
    for email, degraded in (("josé@münchen.de", []), ('"a b"@x.org', []), ("alice@", ["email"])):
        decision = await edge.check(email=email, attributes={"note": "\x01\u202e"})
        assert decision["degraded"] == degraded
        inputs = (await edge.get(f"/api/v1/decisions/{decision['decision_id']}"))["inputs"]
        assert (inputs["email"], inputs["attributes"]) == (email, {"note": "\x01\u202e"})


async def test_longest_values_of_every_field_are_stored(edge: Edge) -> None:
    """In the characters that take most bytes: composite keys of indexes hold them."""
    wide = [chr(0x20000 + number) for number in range(256)]
    long = {name: "".join(wide[:length]) for name, length in LONGEST.items()}
    check = a_check(**long, attributes={f"a{number:063}": "".join(wide) for number in range(32)})
    answer = await edge.send("POST", CHECK, json.dumps(check).encode())
    assert answer.status == 200, answer
    again = await edge.send("POST", CHECK, json.dumps(check | {"event_time": answer.json()["event_time"]}).encode())
    assert again.body == answer.body, "the time of the answer, sent back, is the same content"
    for name in ("user_id", "transaction_id"):
        (found,) = (await edge.get("/api/v1/decisions", **{name: long[name]}))["decisions"]
        assert found["user_id"] == long["user_id"]


LONGEST = {
    "user_id": 128, "device_fingerprint": 256, "transaction_id": 128, "merchant_id": 128, "card_fingerprint": 256,
    "email": 256,
}  # fmt: skip
