"""Requests with an Idempotency-Key, sent again after processes died under them: each happened once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from redis.asyncio import Redis

from console.http import HttpError, Response
from tests.steelthread.edge import CHECK, Edge, a_check, refusal
from tests.steelthread.platform import Platform, eventually

BATCH = f"{CHECK}:batch"
RATE, SECONDS = 40, 6.0
RECOVERY_SECONDS = 60.0
PASSING = {"DEPENDENCY_UNAVAILABLE", "DEADLINE_EXCEEDED", "IDEMPOTENCY_KEY_IN_USE"}


async def post(edge: Edge, path: str, value: Any, key: str) -> Response:
    return await edge.send("POST", path, json.dumps(value).encode(), headers={"idempotency-key": key})


async def forget(platform: Platform) -> None:
    """Redis loses what it holds of keys."""
    async with Redis.from_url(platform.dev["redis_url"]) as redis:
        async for name in redis.scan_iter("idempotency:*"):
            await redis.delete(name)


class Keyed:
    """Checks without a transaction_id, known by their keys alone."""

    def __init__(self, edge: Edge, name: str) -> None:
        self._edge = edge
        self.checks = {f"{name}-{number}": a_check() for number in range(int(RATE * SECONDS))}
        self.answers: dict[str, bytes] = {}

    async def run(self) -> None:
        """Sends each once, at a steady rate, whatever becomes of it."""
        async with asyncio.TaskGroup() as tasks:
            for key in self.checks:
                tasks.create_task(self._send(key))
                await asyncio.sleep(1 / RATE)

    async def send_again(self) -> None:
        """Sends every one until it is answered; what was answered before is answered alike."""
        for key in self.checks:

            async def answered(key: str = key) -> bool:
                before = self.answers.get(key)
                if not await self._send(key):
                    return False
                assert before in (None, self.answers[key])
                return True

            await eventually(answered, RECOVERY_SECONDS)

    async def _send(self, key: str) -> bool:
        try:
            answer = await post(self._edge, CHECK, self.checks[key], key)
        except HttpError:
            return False
        if answer.status == 200:
            self.answers[key] = answer.body
            return True
        assert refusal(answer)["reason"] in PASSING, answer
        return False


@pytest.mark.parametrize("names", [("gateway",), ("fraud",), ("redis",), ("gateway", "redis")], ids="+".join)
async def test_checks_with_a_key_are_decided_once_whatever_dies(
    platform: Platform, edge: Edge, names: tuple[str, ...]
) -> None:
    load = Keyed(edge, "+".join(names))
    await edge.check()
    running = asyncio.create_task(load.run())
    await asyncio.sleep(SECONDS / 3)
    for name in names:
        async with platform.held_down(name):
            await asyncio.sleep(0.3)
    await running
    await load.send_again()
    decided = {json.loads(answer)["decision_id"] for answer in load.answers.values()}
    assert len(decided) == len(load.checks)
    users = [check["user_id"] for check in load.checks.values()]
    rows = await platform.rows("fraud", "SELECT decision_id FROM decisions WHERE user_id = ANY ($1)", users)
    assert sorted(str(row["decision_id"]) for row in rows) == sorted(decided)


async def test_batch_with_a_key_is_decided_once_also_when_redis_forgot(platform: Platform, edge: Edge) -> None:
    batch = {"requests": [a_check(), a_check(transaction_id="own"), a_check(), {"user_id": "lacks everything"}]}
    first = await post(edge, BATCH, batch, "batch")
    replayed = await post(edge, BATCH, batch, "batch")
    await forget(platform)
    asked_again = await post(edge, BATCH, batch, "batch")
    assert first.status == 200
    assert first.body == replayed.body == asked_again.body
    assert replayed.headers["idempotency-replayed"] == "true"
    users = [check["user_id"] for check in batch["requests"]]
    rows = await platform.rows("fraud", "SELECT transaction_id FROM decisions WHERE user_id = ANY ($1)", users)
    assert len(rows) == 3


async def test_check_of_other_content_is_refused_also_when_redis_forgot(platform: Platform, edge: Edge) -> None:
    check = a_check()
    await post(edge, CHECK, check, "k")
    for _ in range(2):
        answer = await post(edge, CHECK, check | {"transaction_amount": 11}, "k")
        assert (answer.status, refusal(answer)["reason"]) == (422, "IDEMPOTENCY_KEY_REUSED")
        await forget(platform)
