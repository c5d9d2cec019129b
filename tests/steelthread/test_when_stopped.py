"""Stopping and starting again: what was in flight is answered, and everything is still there."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from console.http import HttpError, Response
from console.up import proc
from tests.steelthread.edge import CHECK, Edge, a_check, refusal
from tests.steelthread.load import Load
from tests.steelthread.platform import Platform

STOP_SECONDS = 10.0
ITEMS = (20, *[200] * 8)
"""Of batches that are sent at once. The first is answered before the others, however slow the machine is."""


async def restart(platform: Platform) -> None:
    async with asyncio.timeout(STOP_SECONDS):
        await platform.stop()
    await platform.start()


async def test_data_and_credentials_outlive_a_restart(platform: Platform, edge: Edge) -> None:
    dev = platform.dev
    decision = await edge.check(transaction_id="order-1")
    user = await edge.post("/api/v1/users", {"user_id": "alice", "display_name": "Alice"})
    await platform.ledger_caught_up()
    history, token = await edge.get("/api/v1/transactions"), await edge.token()
    await restart(platform)
    again = platform.dev
    clients = ("client", "other_tenant", "limited_client")
    assert {name: again[name] for name in clients} == {name: dev[name] for name in clients}
    assert set(again["pids"].values()) & set(dev["pids"].values()) == {os.getpid()}
    assert not [pid for pid in dev["pids"].values() if pid != os.getpid() and proc.start_time(pid)]
    assert (await edge.get("/api/v1/decisions", transaction_id="order-1"))["decisions"] == [decision]
    assert await edge.get("/api/v1/users/alice") == user
    assert await edge.get("/api/v1/transactions") == history
    assert (await edge.send("GET", "/api/v1/decisions", token=token)).status == 200
    assert (await edge.post_check(**a_check(transaction_id="order-1"))).status == 409
    fresh = Edge(edge.target)
    assert await fresh.token() != token
    fresh.close()


async def test_a_restart_under_load_loses_nothing_that_was_acknowledged(platform: Platform, edge: Edge) -> None:
    await edge.check()
    load = Load(edge, "restart")
    running = asyncio.create_task(load.run(rate=60, seconds=4))
    await asyncio.sleep(1.5)
    await restart(platform)
    await running
    assert len(load.acknowledged) > 60
    for answer, _ in load.refused:
        assert answer.status == 503, answer
        assert refusal(answer)["reason"] == "DEPENDENCY_UNAVAILABLE"
    assert not [why for why in load.broken if why.startswith("no answer")]
    await load.send_again()
    expected = {name: decision["decision_id"] for name, decision in load.acknowledged.items()}
    assert await stored(platform, "restart-") == expected


async def test_what_is_in_flight_at_sigterm_is_answered(platform: Platform, edge: Edge) -> None:
    await edge.check()
    batches = [[a_check(transaction_id=f"flight-{b}-{n}") for n in range(items)] for b, items in enumerate(ITEMS)]
    sending = [asyncio.create_task(send(edge, batch)) for batch in batches]
    async with asyncio.timeout(STOP_SECONDS):
        await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
    assert not all(task.done() for task in sending)
    await restart(platform)
    answers = await asyncio.gather(*sending)
    assert {answer.status for answer in answers} <= {200, 503}
    acknowledged = {
        result["decision"]["transaction_id"]: result["decision"]["decision_id"]
        for answer in answers
        if answer.status == 200
        for result in answer.json()["results"]
    }
    assert acknowledged
    found = await stored(platform, "flight-")
    assert acknowledged.items() <= found.items()


async def send(edge: Edge, batch: list[dict[str, Any]]) -> Response:
    try:
        return await edge.send("POST", f"{CHECK}:batch", json.dumps({"requests": batch}).encode())
    except HttpError as error:
        raise AssertionError(f"a request in flight was not answered: {error}") from error


async def stored(platform: Platform, prefix: str) -> dict[str, str]:
    """Returns decisions by transaction, after checking that the ledger has the same."""
    await platform.ledger_caught_up()
    found = []
    for service, table in (("fraud", "decisions"), ("data", "transactions")):
        query = f"SELECT transaction_id, decision_id FROM {table} WHERE starts_with(transaction_id, $1)"
        rows = await platform.rows(service, query, prefix)
        found.append({row["transaction_id"]: str(row["decision_id"]) for row in rows})
        assert len(found[-1]) == len(rows)
    assert found[0] == found[1]
    return found[0]
