"""Does the tasks of backtests: each attempt is handed to a runner, whose news become the task's progress."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from uuid import UUID

from meshkit.errors import Kind, MeshError
from meshkit.tasks import KindLimits, LeasedTask, Result, TaskFailure, when_created
from services.fraud.domain.scenarios.scenario import ScenarioVersion, VersionRef
from services.fraud.ports.backtests import BacktestOrder, BacktestReads, BacktestRunner

__all__ = ["KIND", "LIMITS", "BacktestWork", "VersionOf"]

KIND = "fraud.backtest"
LIMITS = KindLimits(max_running=2, max_running_per_tenant=1, internal=True)
"""Each takes a core."""

VersionOf = Callable[[str, VersionRef], Awaitable[ScenarioVersion]]
"""Returns a version of a tenant. Raises MeshError."""


class BacktestWork:
    """Handles tasks of `KIND`."""

    def __init__(
        self, reads: BacktestReads, runner: BacktestRunner, version_of: VersionOf, review_without: frozenset[str]
    ) -> None:
        self._reads = reads
        self._runner = runner
        self._version_of = version_of
        self._review_without = review_without

    async def run(self, task: LeasedTask) -> Result:
        """Does an attempt. Raises TaskFailure, and MeshError UNAVAILABLE."""
        order = await self._order(task)
        done = 0
        async with aclosing(self._runner.run(order)) as news:
            async for each in news:
                done = each.done
                task.progress(each.done, each.total, each.message)
                if each.stored:
                    await task.checkpoint({"done": each.done})
        return {"decisions": done}

    async def _order(self, task: LeasedTask) -> BacktestOrder:
        backtest_id = UUID(str(task.arguments["backtest_id"]))
        backtest = await when_created("backtest", lambda: self._reads.get(task.tenant_id, backtest_id))
        version = backtest.draft
        if version is None:
            try:
                version = await self._version_of(task.tenant_id, VersionRef(backtest.scenario_id, backtest.number))
            except MeshError as error:
                if error.kind is Kind.UNAVAILABLE:
                    raise
                raise TaskFailure("NoVersion", "the version cannot be read", retryable=False) from error
        return BacktestOrder(
            tenant_id=task.tenant_id,
            backtest_id=backtest.backtest_id,
            token=task.token,
            since=backtest.since,
            until=backtest.until,
            values=backtest.values,
            version=version,
            review_without=self._review_without,
        )
