"""Decisions watched over gRPC with the typed client, whatever dies meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from rampart_client import Config, Rampart, RampartError
from rampart_client.fraud import Decision, WatchDecisionsRequest

from console.http import HttpError
from tests.steelthread.edge import Edge, a_check
from tests.steelthread.load import Load
from tests.steelthread.platform import Platform, eventually

SECONDS = 30.0
RECOVERY_SECONDS = 60.0


@pytest.fixture(autouse=True)
async def whole_again(platform: Platform) -> None:
    """Waits for the end of the last test's outage."""
    await recovered(platform.edge())


async def recovered(edge: Edge) -> None:
    """Waits until everything is ready and decisions lack nothing."""

    async def whole() -> bool:
        try:
            ready, answer = await edge.bare("GET", "/ready"), await edge.post_check(**a_check())
        except HttpError:
            return False
        return ready.status == 200 and answer.status == 200 and answer.json()["degraded"] == []

    await eventually(whole, RECOVERY_SECONDS)


class Watcher:
    """Notes every decision that a client's stream tells of."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.begun = asyncio.Event()
        self.ended: asyncio.Task[None] | None = None

    async def run(self, rampart: Rampart) -> None:
        async with aclosing(rampart.fraud.watch_decisions(WatchDecisionsRequest())) as answers:
            async for answer in answers:
                self.begun.set()
                if answer.decision:
                    self.decisions.append(answer.decision)

    @property
    def ids(self) -> list[str]:
        return [decision.decision_id for decision in self.decisions]

    async def knows(self, count: int) -> None:
        """Waits until it has been told of so many decisions."""
        async with asyncio.timeout(SECONDS):
            while len(self.decisions) < count:
                assert self.ended is None or not self.ended.done(), self.ended
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def client(platform: Platform, edge: Edge) -> AsyncIterator[Rampart]:
    """A typed client with the credentials of an edge and as many attempts as an outage takes."""
    config = replace(
        Config.from_dev(platform.home / "dev.json"),
        client_id=edge.target.client_id,
        client_secret=edge.target.client_secret,
        max_attempts=200,
        retry_budget=1.0,
    )
    async with Rampart(config) as rampart:
        yield rampart


@contextlib.asynccontextmanager
async def watching(platform: Platform, edge: Edge) -> AsyncIterator[Watcher]:
    watcher = Watcher()
    async with client(platform, edge) as rampart:
        watcher.ended = task = asyncio.create_task(watcher.run(rampart))
        try:
            async with asyncio.timeout(SECONDS):
                await watcher.begun.wait()
            yield watcher
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_decision_is_watched_as_it_was_answered_and_by_its_tenant_alone(platform: Platform, edge: Edge) -> None:
    other = await platform.new_edge()
    async with watching(platform, edge) as mine, watching(platform, other) as theirs:
        answers = [await edge.check(transaction_amount=amount) for amount in (10.0, 9_000.0)]
        await other.check()
        await mine.knows(2)
        await theirs.knows(1)
        await asyncio.sleep(0.3)
    assert [decision.decision_id for decision in mine.decisions] == [answer["decision_id"] for answer in answers]
    assert [(decision.outcome, decision.confidence_score) for decision in mine.decisions] == [
        (answer["outcome"], answer["confidence_score"]) for answer in answers
    ]
    assert len(theirs.decisions) == 1


async def test_without_redis_streams_go_on(platform: Platform, edge: Edge) -> None:
    await edge.check()
    async with watching(platform, edge) as watcher, platform.held_down("redis"):
        answers = [await edge.check() for _ in range(3)]
        await watcher.knows(3)
    assert watcher.ids == [answer["decision_id"] for answer in answers]


@pytest.mark.parametrize("name", ["fraud", "postgres"])
async def test_what_dies_under_a_stream_costs_it_no_decision_and_repeats_none(
    platform: Platform, edge: Edge, name: str
) -> None:
    await edge.check()
    load = Load(edge, f"watched-{name}")
    async with watching(platform, edge) as watcher:
        running = asyncio.create_task(load.run(rate=40, seconds=5))
        await asyncio.sleep(1)
        async with platform.held_down(name):
            await asyncio.sleep(0.5)
        await running
        await recovered(platform.edge())
        await load.send_again()
        stored = await platform.rows(
            "fraud",
            "SELECT decision_id FROM decisions WHERE starts_with(transaction_id, $1)",
            f"watched-{name}-",
        )
        await watcher.knows(len(stored))
        await asyncio.sleep(0.3)
    assert len(watcher.ids) == len(set(watcher.ids))
    assert set(watcher.ids) == {str(row["decision_id"]) for row in stored}
    assert {decision["decision_id"] for decision in load.acknowledged.values()} <= set(watcher.ids)


async def test_token_without_the_scope_watches_nothing(platform: Platform) -> None:
    edge = await platform.new_edge(scopes=("decision:create",))
    async with client(platform, edge) as rampart:
        with pytest.raises(RampartError) as caught:
            await anext(rampart.fraud.watch_decisions(WatchDecisionsRequest()))
    assert caught.value.reason == "SCOPE_MISSING"
