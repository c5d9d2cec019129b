"""Backtests are made with their tasks, told with the states of those, and done by a runner."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from meshkit.errors import MeshError
from meshkit.tasks import LeasedTask, TaskFailure, WorkState
from services.fraud.adapters.memory_backtests import MemoryBacktestRows, MemoryBacktests, MemoryBacktestWriter
from services.fraud.domain.backtests.backtest import Backtest
from services.fraud.domain.backtests.tally import BacktestTally
from services.fraud.domain.scenarios.publication import Actor
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.ports.backtests import BacktestNews, BacktestOrder
from services.fraud.service.backtests.keeping import BacktestService, NewBacktest, ToldBacktest
from services.fraud.service.backtests.tasks import BacktestWork
from tests.support.scenarios import ScenarioBench
from tests.support.submitted import MemoryTasks

NOW = datetime(2026, 7, 1, tzinfo=UTC)
ALICE = Actor("t", "alice")
DRAFT, FIRST = VersionRef("cards", 0), VersionRef("cards", 1)


class Bench:
    """The use cases in memory."""

    def __init__(self) -> None:
        self.scenarios, self.tasks, self.rows = ScenarioBench(now=NOW), MemoryTasks(), MemoryBacktestRows()
        self.reads, self.writer = MemoryBacktests(self.rows), MemoryBacktestWriter(self.rows)
        service = self.scenarios.scenarios._service
        self.service = BacktestService(self.reads, self.tasks, service, self.scenarios.checks, lambda: NOW)

    async def create(self, ref: VersionRef = FIRST, days: int = 7, until: datetime | None = None) -> ToldBacktest:
        async with self.writer.begin("t") as changes:
            return await self.service.create(changes, ALICE, NewBacktest(ref, NOW - timedelta(days=days), until))


@pytest.fixture
async def bench() -> Bench:
    made = Bench()
    await made.scenarios.version("t", "alice", "HIGH")
    return made


async def refused(bench: Bench, *asked: Any) -> MeshError:
    with pytest.raises(MeshError) as caught:
        await bench.create(*asked)
    return caught.value


async def test_a_version_is_named_and_a_draft_is_kept(bench: Bench) -> None:
    version, draft = (await bench.create(FIRST)).backtest, (await bench.create(DRAFT)).backtest
    assert (version.number, version.draft, version.until, version.created_by) == (1, None, NOW, "alice")
    assert draft.draft is not None
    assert [rule.code for rule in draft.draft.content.rules] == ["HIGH"] and len(draft.draft.trees) == 1


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ((VersionRef("cards", 2),), "RESOURCE_NOT_FOUND"),
        ((VersionRef("other", 0),), "RESOURCE_NOT_FOUND"),
        ((FIRST, 401), "VALIDATION_FAILED"),
        ((FIRST, -1), "VALIDATION_FAILED"),
        ((FIRST, 0), "VALIDATION_FAILED"),
        ((FIRST, 1, NOW + timedelta(seconds=1)), "VALIDATION_FAILED"),
        ((FIRST, 1, NOW - timedelta(days=2)), "VALIDATION_FAILED"),
    ],
)
async def test_what_cannot_be_done_is_refused_and_leaves_nothing(
    bench: Bench, asked: tuple[Any, ...], reason: str
) -> None:
    assert (await refused(bench, *asked)).reason == reason
    assert not bench.rows.backtests and not bench.tasks.known
    assert (await bench.create(FIRST, 400)).backtest.since == NOW - timedelta(days=400)


async def test_without_its_task_there_is_no_backtest(bench: Bench) -> None:
    bench.tasks.away = True
    assert (await refused(bench)).reason == "DEPENDENCY_UNAVAILABLE"
    assert not bench.rows.backtests


async def test_ten_of_a_tenant_may_wait(bench: Bench) -> None:
    made = [(await bench.create()).backtest for _ in range(10)]
    assert (await refused(bench)).reason == "STATE_NOT_ALLOWED"
    bench.tasks.known[made[3].task_id] = WorkState("failed")
    await bench.create()
    assert (await refused(bench)).reason == "STATE_NOT_ALLOWED"


async def test_states_are_those_of_the_tasks(bench: Bench) -> None:
    made = (await bench.create()).backtest
    bench.tasks.known[made.task_id] = WorkState("running", 5, 10)
    assert (await bench.service.get("t", UUID(made.backtest_id))).state == WorkState("running", 5, 10)
    cancelled = await bench.service.cancel("t", UUID(made.backtest_id))
    assert cancelled.state.state == "cancelled"
    del bench.tasks.known[made.task_id]
    ((told,), more) = await bench.service.page("t", None, 5)
    assert (told.state.state, more) == ("failed", False)
    for other in ("u", "v"):
        with pytest.raises(MeshError, match="no such backtest"):
            await bench.service.get(other, UUID(made.backtest_id))


async def test_a_backtest_that_was_cancelled_as_it_ended_is_told_without_a_result(bench: Bench) -> None:
    made = (await bench.create()).backtest
    bench.rows.backtests["t", made.backtest_id] = replace(made, result=BacktestTally("stored"))
    for state, has_result in (("running", False), ("cancelled", False), ("failed", False), ("succeeded", True)):
        bench.tasks.known[made.task_id] = WorkState(state)
        told = await bench.service.get("t", UUID(made.backtest_id))
        assert (told.state.state, told.backtest.result is not None) == (state, has_result)


async def test_a_backtest_that_has_succeeded_is_told_with_its_result(bench: Bench) -> None:
    made = (await bench.create()).backtest
    place, states = ("t", made.backtest_id), bench.tasks.states

    async def ends(task_ids: Collection[str]) -> Mapping[str, WorkState]:
        bench.rows.backtests[place] = Backtest(
            **{name: getattr(made, name) for name in Backtest.__slots__ if name != "result"},
            result=BacktestTally("stored"),
        )
        bench.tasks.known[made.task_id] = WorkState("succeeded")
        return await states(task_ids)

    bench.tasks.states = ends  # type: ignore[method-assign]
    told = await bench.service.get("t", UUID(made.backtest_id))
    assert told.backtest.result == BacktestTally("stored"), "also where it ends between the two looks"


class Runner:
    """Implements `BacktestRunner`: tells three times how far it is."""

    def __init__(self) -> None:
        self.orders: list[BacktestOrder] = []

    async def run(self, order: BacktestOrder) -> AsyncGenerator[BacktestNews, None]:
        self.orders.append(order)
        for done, stored in ((0, False), (5, True), (9, True)):
            yield BacktestNews(done, 9, "deciding anew", stored)


class Leased:
    """A task in the hands of the work."""

    def __init__(self, backtest_id: str) -> None:
        self.tenant_id, self.token, self.arguments = "t", 4, {"backtest_id": backtest_id}
        self.told: list[Any] = []

    def progress(self, *told: Any) -> None:
        self.told.append(told)

    async def checkpoint(self, value: Mapping[str, object]) -> None:
        self.told.append(value)


async def test_news_become_the_progress_of_the_task(bench: Bench) -> None:
    runner, made = Runner(), (await bench.create()).backtest
    work = BacktestWork(bench.reads, runner, bench.service.version, frozenset({"user_profile"}))
    task = Leased(made.backtest_id)
    assert await work.run(cast(LeasedTask, task)) == {"decisions": 9}
    assert task.told == [
        (0, 9, "deciding anew"), (5, 9, "deciding anew"), {"done": 5}, (9, 9, "deciding anew"), {"done": 9},
    ]  # fmt: skip
    (order,) = runner.orders
    assert (order.token, order.version.number, order.review_without) == (4, 1, frozenset({"user_profile"}))


async def test_a_task_without_its_backtest_is_tried_again_and_one_without_its_version_is_not(bench: Bench) -> None:
    work = BacktestWork(bench.reads, Runner(), bench.service.version, frozenset())
    with pytest.raises(TaskFailure) as caught:
        await work.run(cast(LeasedTask, Leased(str(uuid4()))))
    assert caught.value.retryable
    made = (await bench.create()).backtest
    bench.scenarios.rows.versions.clear()
    with pytest.raises(TaskFailure) as caught:
        await work.run(cast(LeasedTask, Leased(made.backtest_id)))
    assert not caught.value.retryable
