"""A transaction in, a durable decision out: from REST to both databases and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.steelthread.edge import CHECK, Edge, a_check
from tests.steelthread.platform import LEDGER_SECONDS, Platform, eventually

ARTICLE = b"""{
  "user_id": "user_12345",
  "transaction_amount": 150.75,
  "device_fingerprint": "device_abc",
  "ip_address": "192.168.1.1"
}"""


async def ledger_rows(platform: Platform, edge: Edge, count: int, **query: Any) -> list[dict[str, Any]]:
    """Waits until the ledger has that many transactions of the tenant."""
    found: list[dict[str, Any]] = []

    async def complete() -> bool:
        found[:] = (await edge.get("/api/v1/transactions", page_size=1000, **query))["transactions"]
        return len(found) >= count

    await eventually(complete, LEDGER_SECONDS)
    assert len(found) == count
    return found


async def test_the_four_fields_of_the_article_get_a_decision(edge: Edge) -> None:
    decision = (await edge.send("POST", CHECK, ARTICLE)).json()
    assert decision["is_fraudulent"] is False
    assert 0 <= decision["confidence_score"] <= 1
    assert decision["risk_factors"] == decision["explanations"] == decision["degraded"] == []
    assert decision["outcome"] == "approve"
    assert UUID(decision["decision_id"]).version == 7
    assert UUID(decision["transaction_id"]).version == 7
    assert decision["user_id"] == "user_12345"
    assert decision["transaction_amount"] == 150.75
    assert decision["currency"] == "USD"


async def test_a_decision_is_found_again_by_every_road(platform: Platform, edge: Edge) -> None:
    decision = (await edge.send("POST", CHECK, ARTICLE)).json()
    name, transaction = decision["decision_id"], decision["transaction_id"]
    alone = await edge.get(f"/api/v1/decisions/{name}")
    inputs = alone.pop("inputs")
    assert alone == decision
    assert inputs["amount_minor"] == "15075"
    assert inputs["features"]["user_count_1h"] == 0
    assert inputs["user_known"] is False
    assert (await edge.get("/api/v1/decisions"))["decisions"] == [decision]
    assert (await edge.get("/api/v1/decisions", transaction_id=transaction))["decisions"] == [decision]
    assert (await edge.get("/api/v1/decisions", user_id="user_12345", outcome="approve"))["decisions"] == [decision]
    assert (await edge.get("/api/v1/decisions", outcome="decline"))["decisions"] == []
    (row,) = await platform.rows("fraud", "SELECT * FROM decisions WHERE decision_id = $1", UUID(name))
    assert (row["transaction_id"], row["user_id"], row["outcome"]) == (transaction, "user_12345", "approve")
    assert json.loads(row["event"]) == {
        "user_id": "user_12345",
        "amount": [15075, "USD"],
        "channel": "online",
        "device_fingerprint": "device_abc",
        "ip_address": "192.168.1.1",
    }


async def test_a_decision_is_in_the_ledger_and_in_the_days_total_within_seconds(platform: Platform, edge: Edge) -> None:
    decision = (await edge.send("POST", CHECK, ARTICLE)).json()
    (entry,) = await ledger_rows(platform, edge, 1)
    assert entry["decision_id"] == decision["decision_id"]
    assert entry["amount"] == "150.75"
    assert entry["event_time"] == decision["event_time"]
    assert entry["decide_time"] == decision["create_time"]
    (total,) = (await edge.get("/api/v1/totals/daily"))["totals"]
    day = decision["event_time"][:10]
    assert total == {"date": day, "currency": "USD", "outcome": "approve", "count": 1, "amount": "150.75"}
    query = "SELECT amount, outcome FROM transactions WHERE decision_id = $1"
    (row,) = await platform.rows("data", query, UUID(decision["decision_id"]))
    assert (row["amount"], row["outcome"]) == (Decimal("150.75"), "approve")


async def test_every_optional_field_is_taken_and_kept(platform: Platform, edge: Edge) -> None:
    time = (datetime.now(UTC) - timedelta(hours=3)).replace(microsecond=125_000)
    decision = await edge.check(
        transaction_id="order-77/1",
        event_time=time.isoformat(),
        currency="JPY",
        merchant_id="shop-1",
        card_fingerprint="card-1",
        email="alice@example.com",
        channel="card_present",
        attributes={"basket_size": "3"},
        device_fingerprint="",
        ip_address="",
        transaction_amount=5000,
    )
    assert decision["transaction_id"] == "order-77/1"
    assert decision["currency"] == "JPY"
    assert datetime.fromisoformat(decision["event_time"]) == time
    (entry,) = await ledger_rows(platform, edge, 1, merchant_id="shop-1")
    assert (entry["channel"], entry["amount"], entry["currency"]) == ("card_present", "5000", "JPY")
    assert datetime.fromisoformat(entry["event_time"]) == time
    inputs = (await edge.get(f"/api/v1/decisions/{decision['decision_id']}"))["inputs"]
    assert (inputs["amount_minor"], inputs["currency_digits"]) == ("5000", 0)


async def test_a_batch_answers_each_item_for_itself_and_in_order(edge: Edge) -> None:
    checks = [a_check(user_id=f"user-{number}") for number in range(5)]
    checks[2]["transaction_amount"] = -1
    results = (await edge.post(f"{CHECK}:batch", {"requests": checks}))["results"]
    assert len(results) == 5
    for number in (0, 1, 3, 4):
        assert results[number]["decision"]["user_id"] == f"user-{number}"
        assert "error" not in results[number]
    assert "decision" not in results[2]
    assert results[2]["error"]["code"] == 3
    assert "transaction_amount" in json.dumps(results[2]["error"])
    assert len((await edge.get("/api/v1/decisions"))["decisions"]) == 4


async def test_amounts_are_exact_and_a_risky_one_is_explained(platform: Platform, edge: Edge) -> None:
    for amount in (0.1, 0.2, 0):
        await edge.check(transaction_amount=amount)
    high = await edge.check(transaction_amount=9000.01)
    assert high["outcome"] == "review"
    assert high["is_fraudulent"] is False
    assert high["risk_factors"] == ["AMOUNT_VERY_HIGH"]
    assert [one["reason_code"] for one in high["explanations"]] == high["risk_factors"]
    assert "9000.01" in high["explanations"][0]["message"]
    await ledger_rows(platform, edge, 4)
    totals = {one["outcome"]: one for one in (await edge.get("/api/v1/totals/daily"))["totals"]}
    assert (totals["approve"]["count"], totals["approve"]["amount"]) == (3, "0.30")
    assert (totals["review"]["count"], totals["review"]["amount"]) == (1, "9000.01")


async def test_history_is_told_by_user_merchant_and_time(platform: Platform, edge: Edge) -> None:
    start = (datetime.now(UTC) - timedelta(hours=2)).replace(microsecond=0)
    for minute in range(6):
        await edge.check(
            transaction_id=f"tx-{minute}",
            user_id=f"user-{minute % 2}",
            merchant_id=f"shop-{minute % 3}",
            event_time=(start + timedelta(minutes=minute)).isoformat(),
        )
    await ledger_rows(platform, edge, 6)

    async def told(**query: str) -> list[str]:
        found = (await edge.get("/api/v1/transactions", **query))["transactions"]
        return [entry["transaction_id"] for entry in found]

    assert await told() == [f"tx-{minute}" for minute in (5, 4, 3, 2, 1, 0)]
    assert await told(user_id="user-1") == ["tx-5", "tx-3", "tx-1"]
    assert await told(merchant_id="shop-0") == ["tx-3", "tx-0"]
    assert await told(user_id="user-1", merchant_id="shop-0") == ["tx-3"]
    from_minute_2, to_minute_4 = ((start + timedelta(minutes=minute)).isoformat() for minute in (2, 4))
    assert await told(start_time=from_minute_2) == ["tx-5", "tx-4", "tx-3", "tx-2"]
    assert await told(end_time=to_minute_4, user_id="user-0") == ["tx-2", "tx-0"]
    assert await told(start_time=from_minute_2, end_time=to_minute_4) == ["tx-3", "tx-2"]


async def test_pages_show_each_row_once(platform: Platform, edge: Edge) -> None:
    now = datetime.now(UTC)
    count, size = 23, 5
    currencies = ("EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK")
    # Three at a time share their time, so that the order within one time matters.
    times = [(now - timedelta(minutes=n // 3)).isoformat() for n in range(count)]
    checks = [
        a_check(transaction_id=f"tx-{n:02}", event_time=time, currency=currencies[n % 7])
        for n, time in enumerate(times)
    ]
    await edge.post(f"{CHECK}:batch", {"requests": checks})
    for n in range(count):
        await edge.post("/api/v1/users", {"user_id": f"user-{n:02}"})
    await ledger_rows(platform, edge, count)
    for path, plural, key in (
        ("/api/v1/decisions", "decisions", "transaction_id"),
        ("/api/v1/transactions", "transactions", "transaction_id"),
        ("/api/v1/users", "users", "user_id"),
    ):
        pages = await edge.pages(path, plural, page_size=size)
        assert [len(page) for page in pages] == [5, 5, 5, 5, 3]
        names = [row[key] for page in pages for row in page]
        assert len(set(names)) == count
        assert [row[key] for row in (await edge.get(path))[plural]] == names
    totals = [row for page in await edge.pages("/api/v1/totals/daily", "totals", page_size=2) for row in page]
    assert len({(row["date"], row["currency"], row["outcome"]) for row in totals}) == len(totals) >= 7
    assert sum(row["count"] for row in totals) == count
