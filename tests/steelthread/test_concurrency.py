"""Many at once: one transaction is decided once, and a burst on one device is seen as it grows."""

from __future__ import annotations

import asyncio

from tests.steelthread.edge import CHECK, Edge, a_check, refusal
from tests.steelthread.platform import Platform


async def test_one_transaction_sent_a_hundred_times_at_once_is_decided_once(platform: Platform, edge: Edge) -> None:
    check = a_check(transaction_id="order-1", merchant_id="shop-1")
    answers = await asyncio.gather(*[edge.post_check(**check) for _ in range(100)])
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert (await edge.post_check(**check)).body == answers[0].body
    decision = answers[0].json()["decision_id"]
    assert [row["decision_id"] for row in (await edge.get("/api/v1/decisions"))["decisions"]] == [decision]
    await platform.ledger_caught_up()
    (total,) = (await edge.get("/api/v1/totals/daily"))["totals"]
    assert total["count"] == 1
    next_one = await edge.check(device_fingerprint=check["device_fingerprint"])
    inputs = (await edge.get(f"/api/v1/decisions/{next_one['decision_id']}"))["inputs"]
    assert inputs["features"]["device_count_1h"] == 1


async def test_an_identifier_with_other_content_is_a_conflict(edge: Edge) -> None:
    check = a_check(transaction_id="order-1")
    first = await edge.check(**check)
    for change in ({"transaction_amount": 10.51}, {"user_id": "another"}, {"merchant_id": "shop-1"}):
        answer = await edge.post_check(**check | change)
        problem = refusal(answer)
        assert (answer.status, problem["reason"]) == (409, "IDEMPOTENCY_CONFLICT")
        assert problem["metadata"]["transaction_id"] == "order-1"
    assert (await edge.get("/api/v1/decisions"))["decisions"] == [first]


async def test_an_identifier_used_with_two_contents_at_once_goes_to_one_of_them(edge: Edge) -> None:
    checks = [a_check(transaction_id="order-1", user_id=f"user-{n % 2}", device_fingerprint="d") for n in range(2)]
    answers = await asyncio.gather(*[edge.post_check(**checks[n % 2]) for n in range(40)])
    assert sorted(answer.status for answer in answers) == [200] * 20 + [409] * 20
    assert len({answer.body for answer in answers if answer.status == 200}) == 1


async def test_the_same_identifier_of_another_tenant_is_another_transaction(platform: Platform, edge: Edge) -> None:
    other = await platform.new_edge()
    ours, theirs = await asyncio.gather(
        edge.check(transaction_id="order-1", transaction_amount=1),
        other.check(transaction_id="order-1", transaction_amount=2),
    )
    assert ours["decision_id"] != theirs["decision_id"]
    assert [row["transaction_amount"] for row in (await edge.get("/api/v1/decisions"))["decisions"]] == [1]
    assert [row["transaction_amount"] for row in (await other.get("/api/v1/decisions"))["decisions"]] == [2]


async def test_concurrent_checks_of_one_new_device_count_each_other(platform: Platform, edge: Edge) -> None:
    count = 50
    decisions = await asyncio.gather(
        *[edge.check(user_id=f"user-{n}", device_fingerprint="shared", merchant_id="shop") for n in range(count)]
    )
    shown = await asyncio.gather(*[edge.get(f"/api/v1/decisions/{made['decision_id']}") for made in decisions])
    features = [one["inputs"]["features"] for one in shown]
    for name in ("device_count_1m", "device_count_1h", "device_count_24h", "device_distinct_24h", "merchant_count_1h"):
        assert sorted(values[name] for values in features) == list(range(count)), name
    assert sorted(values["device_sum_1h"] for values in features) == [1050 * n for n in range(count)]
    for decision, values in zip(decisions, features, strict=True):
        assert ("DEVICE_SHARED" in decision["risk_factors"]) == (values["device_distinct_24h"] >= 3)
    other = await platform.new_edge()
    apart = await other.check(device_fingerprint="shared")
    inputs = (await other.get(f"/api/v1/decisions/{apart['decision_id']}"))["inputs"]
    assert inputs["features"]["device_count_24h"] == 0


async def test_a_batch_counts_its_own_items(edge: Edge) -> None:
    checks = [a_check(device_fingerprint="shared") for _ in range(20)]
    results = (await edge.post(f"{CHECK}:batch", {"requests": checks}))["results"]
    paths = [f"/api/v1/decisions/{result['decision']['decision_id']}" for result in results]
    shown = await asyncio.gather(*[edge.get(path) for path in paths])
    assert [one["inputs"]["features"]["device_count_1h"] for one in shown] == list(range(20))
