"""Calls of several tenants that travel together: none costs another its answer, its limit or its time."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from console.http import Response
from tests.steelthread.edge import CHECK, Edge, a_check, refusal
from tests.steelthread.platform import SCOPES, Platform

BATCH = f"{CHECK}:batch"
BACKFILL = (*SCOPES, "fraud:backfill")
LARGEST_CLF = 99_999_999_999.0
NO_INDEX = "fe80::1%" + "".join(chr(0x4E00 + number * 7 % 5_000) for number in range(4_000))


def stamp(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def post(edge: Edge, path: str, value: Any, **headers: str) -> Response:
    named = {name.replace("_", "-"): each for name, each in headers.items()}
    return await edge.send("POST", path, json.dumps(value).encode(), headers=named)


async def sent_between(bad: Edge, good: Edge, poisons: Sequence[dict[str, Any]]) -> list[Response]:
    """Sends poisons among the checks of a neighbour, of which all are decided. Returns the answers to the poisons."""
    await asyncio.gather(bad.check(), good.check())
    sending = [
        send
        for number in range(40)
        for send in (good.post_check(**a_check()), bad.post_check(**poisons[number % len(poisons)]))
    ]
    answers = await asyncio.gather(*sending)
    assert [answer.status for answer in answers[::2]] == [200] * 40, "a neighbour got his own answer"
    return answers[1::2]


async def test_what_one_check_brings_costs_no_neighbour_its_answer(platform: Platform, edge: Edge) -> None:
    bad = await platform.new_edge(scopes=BACKFILL)
    await bad.check(user_id="calendar")
    first_day = a_check(user_id="calendar", event_time="0001-01-01T00:00:00Z", channel="card_present")
    poisons = [
        a_check(ip_address=NO_INDEX),
        a_check(transaction_amount=999_999_999_999.0, currency="CLF"),
        first_day,
    ]
    answers = await sent_between(bad, edge, poisons)
    assert {answer.status for answer in answers} <= {200, 400}, answers
    for answer in answers[1::3]:
        (violation,) = refusal(answer)["errors"]
        assert violation["pointer"] == "/transaction_amount"


async def test_checks_that_take_long_cost_no_neighbour_his_answer(platform: Platform, edge: Edge) -> None:
    bad = await platform.new_edge(scopes=BACKFILL)
    rich = a_check(user_id="rich", transaction_amount=LARGEST_CLF, currency="CLF")
    await bad.check(**rich)
    then = datetime.now(UTC) - timedelta(hours=30)
    late = [rich | {"event_time": stamp(then + timedelta(seconds=number))} for number in range(40)]
    answer = await post(bad, BATCH, {"requests": late})
    assert {name for result in answer.json()["results"] for name in result} == {"decision"}
    answers = await sent_between(bad, edge, [rich | {"event_time": stamp(then + timedelta(minutes=2))}])
    assert {answer.status for answer in answers} == {200}
    decided = answers[0].json()["decision_id"]
    features = (await bad.get(f"/api/v1/decisions/{decided}"))["inputs"]["features"]
    # Read from the store, whole: all that came late are in it.
    assert features["user_count_1h"] >= 40
    assert features["user_sum_1h"] == features["user_count_1h"] * 999_999_999_990_000


async def test_batches_keep_to_the_rate_of_their_client(platform: Platform) -> None:
    slow = await platform.new_edge(rate_limit=20)
    refused = await post(slow, BATCH, {"requests": [a_check() for _ in range(21)]})
    problem = refusal(refused)
    assert (refused.status, problem["reason"], problem["metadata"]["largest"]) == (413, "BATCH_TOO_LARGE", "20")
    start, decided = time.monotonic(), 0
    while time.monotonic() < start + 2.0:
        answer = await post(slow, BATCH, {"requests": [a_check() for _ in range(10)]})
        assert answer.status in (200, 429)
        decided += 10 if answer.status == 200 else 0
        await asyncio.sleep(0.02)
    seconds = time.monotonic() - start
    assert 30 <= decided <= 20 * (seconds + 1), (decided, seconds)


async def test_retry_gets_the_stored_answer_also_when_the_clock_would_refuse_it(platform: Platform) -> None:
    tenant = "retries-" + str(time.time_ns())
    backfiller = await platform.new_edge(tenant, scopes=BACKFILL)
    check = a_check(transaction_id="t-1", event_time=stamp(datetime.now(UTC) - timedelta(hours=30)))
    first = await backfiller.check(**check)
    other = a_check(event_time=check["event_time"])
    plain = await platform.new_edge(tenant)
    assert await plain.check(**check) == first
    batch = (await post(plain, BATCH, {"requests": [check, other]})).json()["results"]
    assert batch[0] == {"decision": first}
    assert batch[1]["error"]["code"] == 3
    changed = await plain.post_check(**check | {"transaction_amount": 11})
    assert (changed.status, refusal(changed)["reason"]) == (409, "IDEMPOTENCY_CONFLICT")


async def test_refusal_for_the_clock_ends_with_it_also_under_a_key(edge: Edge) -> None:
    check = a_check(event_time=stamp(datetime.now(UTC) + timedelta(minutes=5, seconds=4)))
    refused = await post(edge, CHECK, check, idempotency_key="ahead")
    assert (refused.status, refusal(refused)["errors"][0]["reason"]) == (400, "timestamp.future")
    wait = int(refused.headers["retry-after"])
    assert 1 <= wait <= 5
    await asyncio.sleep(wait)
    assert (await post(edge, CHECK, check, idempotency_key="ahead")).status == 200
