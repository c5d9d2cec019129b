"""Keeps backtests in memory: the twin of the adapters on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID

from meshkit.named_requests import Answered
from meshkit.storage.named_requests import MemoryClaims
from services.fraud.domain.backtests.backtest import Backtest, BacktestValues
from services.fraud.domain.backtests.tally import BacktestTally, tally_from_json, tally_to_json
from services.fraud.ports.backtests import BacktestChanges, BacktestCheckpoint, SupersededError

__all__ = [
    "MemoryBacktestChanges",
    "MemoryBacktestRows",
    "MemoryBacktestWriter",
    "MemoryBacktests",
    "MemoryCheckpoints",
]

Place = tuple[str, str]


@dataclass
class MemoryBacktestRows:
    """What the others here share, as a database is."""

    backtests: dict[Place, Backtest] = field(default_factory=dict)
    reached: dict[Place, tuple[int, tuple[UUID, int, str] | None]] = field(default_factory=dict)
    """By backtest: the token of the latest attempt, and from where it goes on."""
    requests: dict[tuple[str, UUID], Answered] = field(default_factory=dict)


class MemoryBacktests:
    """Implements `BacktestReads`."""

    def __init__(self, rows: MemoryBacktestRows) -> None:
        self._rows = rows

    async def get(self, tenant_id: str, backtest_id: UUID) -> Backtest | None:
        return self._rows.backtests.get((tenant_id, str(backtest_id)))

    async def page(self, tenant_id: str, before: UUID | None, limit: int) -> Sequence[Backtest]:
        found = [each for (tenant, _), each in self._rows.backtests.items() if tenant == tenant_id]
        older = [each for each in found if before is None or each.backtest_id < str(before)]
        older.sort(key=lambda each: each.backtest_id, reverse=True)
        return [replace(each, draft=None, result=None) for each in older[:limit]]


class MemoryBacktestWriter:
    """Implements `BacktestWriter`: one transaction at a time."""

    def __init__(self, rows: MemoryBacktestRows) -> None:
        self._rows = rows
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[BacktestChanges]:
        async with self._lock:
            before, requests = dict(self._rows.backtests), dict(self._rows.requests)
            try:
                yield MemoryBacktestChanges(self._rows, tenant_id)
            except BaseException:
                self._rows.backtests = before
                self._rows.requests.clear()
                self._rows.requests.update(requests)
                raise


class MemoryBacktestChanges(MemoryClaims):
    """Implements `BacktestChanges`."""

    def __init__(self, rows: MemoryBacktestRows, tenant_id: str) -> None:
        super().__init__(rows.requests, tenant_id)
        self._backtests = rows

    async def add(self, backtest: Backtest) -> None:
        self._backtests.backtests[backtest.tenant_id, backtest.backtest_id] = backtest

    async def without_result(self, limit: int) -> Sequence[Backtest]:
        found = [
            replace(each, draft=None)
            for (tenant, _), each in self._backtests.backtests.items()
            if tenant == self._tenant_id and each.result is None
        ]
        return sorted(found, key=lambda each: each.backtest_id, reverse=True)[:limit]


class MemoryCheckpoints:
    """Implements `Checkpoints`."""

    def __init__(self, rows: MemoryBacktestRows) -> None:
        self._rows = rows

    async def begin(self, tenant_id: str, backtest_id: str, token: int) -> BacktestCheckpoint | None:
        latest, reached = self._rows.reached.get((tenant_id, backtest_id), (0, None))
        if token < latest:
            raise SupersededError
        self._rows.reached[tenant_id, backtest_id] = token, reached
        return BacktestCheckpoint(*reached[:2], tally_from_json(reached[2])) if reached else None

    async def store(self, tenant_id: str, backtest_id: str, token: int, reached: BacktestCheckpoint) -> None:
        self._check(tenant_id, backtest_id, token)
        kept = reached.after, reached.total, tally_to_json(reached.tally)
        self._rows.reached[tenant_id, backtest_id] = token, kept

    async def finish(self, tenant_id: str, backtest_id: str, token: int, tally: BacktestTally) -> None:
        self._check(tenant_id, backtest_id, token)
        place = tenant_id, backtest_id
        self._rows.reached[place] = token, None
        kept = tally_from_json(tally_to_json(tally))
        self._rows.backtests[place] = replace(
            self._rows.backtests[place], result=kept, values=BacktestValues(tally.values)
        )

    def _check(self, tenant_id: str, backtest_id: str, token: int) -> None:
        if self._rows.reached[tenant_id, backtest_id][0] != token:
            raise SupersededError
