"""Backtests over decisions of a bench in memory."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from meshkit.ids import uuid7_text
from services.fraud.adapters.memory_backtests import MemoryBacktestRows, MemoryCheckpoints
from services.fraud.adapters.memory_labels import MemoryLabelArrivals, MemoryLabelRows
from services.fraud.adapters.memory_past import MemoryPast
from services.fraud.domain.backtests.backtest import Backtest, BacktestValues
from services.fraud.domain.backtests.past import BUILT_IN_SETS
from services.fraud.domain.backtests.tally import BacktestTally
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.event_types import PAYMENT
from services.fraud.domain.scenarios.compiled import CompiledScenario
from services.fraud.domain.scenarios.scenario import ScenarioVersion
from services.fraud.ports.backtests import BacktestNews, BacktestOrder
from services.fraud.service.backtests.rejudging import Rejudge
from services.fraud.service.backtests.run import BacktestRun
from services.fraud.service.tenants.states import NO_LISTS
from services.fraud.service.value_lists.catalog import TenantLists
from tests.support.deciding import STARTED, DecidingBench

__all__ = ["BacktestBench", "payments"]

TICK = 10.0
"""Seconds that pass with each look at the clock: a checkpoint after every page."""


def payments(seed: int, count: int) -> list[dict[str, Any]]:
    """Returns requests of a few users, devices and merchants, some of them late, some in euros."""
    chance = random.Random(seed)
    return [
        {
            "transaction_id": f"t{n}",
            "user_id": f"u{chance.randrange(5)}",
            "device_fingerprint": f"d{chance.randrange(4)}",
            "ip_address": f"192.0.2.{chance.randrange(9)}",
            "merchant_id": f"m{chance.randrange(3)}",
            "transaction_amount": round(chance.choice([20, 90, 300, 4_000]) * chance.uniform(0.5, 1.5), 2),
            "currency": "EUR" if chance.random() < 0.2 else "USD",
        }
        for n in range(count)
    ]


@dataclass
class BacktestBench:
    """A period of a bench's decisions, and what is stored of a backtest over it."""

    bench: DecidingBench
    tenant: str
    backtest_id: str = field(default_factory=uuid7_text)
    rows: MemoryBacktestRows = field(default_factory=MemoryBacktestRows)
    page: int = 10
    features: FeatureSet = STARTER
    lists: TenantLists = NO_LISTS
    token: int = 0

    def run(
        self, version: ScenarioVersion, values: BacktestValues = BacktestValues.CHOSEN, **changed: Any
    ) -> BacktestRun:
        """Returns the next attempt."""
        self.token += 1
        ticks = iter(range(1_000_000))
        asked: dict[str, Any] = {
            "tenant_id": self.tenant, "backtest_id": self.backtest_id, "token": self.token, "since": STARTED,
            "until": self.bench.now + timedelta(seconds=1), "values": values, "version": version,
            "review_without": frozenset({"user_profile"}),
        } | changed  # fmt: skip
        order = BacktestOrder(**asked)
        kept = Backtest(
            tenant_id=self.tenant, backtest_id=self.backtest_id, scenario_id=version.scenario_id,
            number=version.number, event_type="payment", since=order.since, until=order.until, created_at=STARTED,
        )  # fmt: skip
        self.rows.backtests.setdefault((self.tenant, self.backtest_id), kept)
        scenario = CompiledScenario(version.ref, version.content, version.trees)
        clock: Callable[[], float] = lambda: next(ticks) * TICK  # noqa: E731
        return BacktestRun(
            order,
            past=MemoryPast(self.bench.store, self.page),
            labels=MemoryLabelArrivals(MemoryLabelRows()),
            checkpoints=MemoryCheckpoints(self.rows),
            rejudge=Rejudge(scenario, PAYMENT, self.lists, order.review_without),
            features=self.features,
            sets=BUILT_IN_SETS,
            clock=clock,
        )

    async def news(self, run: BacktestRun, most: int = 1_000_000) -> Sequence[BacktestNews]:
        """Runs an attempt to its end, or lets it go after some news."""
        told: list[BacktestNews] = []
        async with aclosing(run.run()) as news:
            async for each in news:
                told.append(each)
                if len(told) >= most:
                    break
        return told

    async def result(self, version: ScenarioVersion, *values: BacktestValues, **changed: Any) -> BacktestTally:
        await self.news(self.run(version, *values, **changed))
        return self.stored

    @property
    def stored(self) -> BacktestTally:
        found = self.rows.backtests[self.tenant, self.backtest_id].result
        assert found is not None
        return found
