"""A keeper ends when it is told to, whatever it waits for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.adapters.logs.memory_shares import MemoryLogShares
from services.fraud.adapters.memory import MemoryStore
from services.fraud.ports import Gap
from services.fraud.service.logs import keeping
from services.fraud.service.logs.keeping import LogKeeper
from services.fraud.service.logs.restoring import HistoryRestorer
from tests.unit.services.fraud.service.logs.test_sweep import Bench


class NoGaps:
    """Implements `LogGaps` where none was ever open."""

    async def open(self) -> Sequence[Gap]:
        return ()

    async def decisions(self, gap: Gap) -> Sequence[UUID]:
        raise AssertionError("there is none")

    async def fill(self, gap: Gap) -> None:
        raise AssertionError("there is none")

    async def close(self, gap: Gap) -> None:
        raise AssertionError("there is none")


def _keeper() -> LogKeeper:
    bench, logs, store = Bench(), MemoryLogs(time.time, whole=True), MemoryStore()
    return LogKeeper(
        logs=logs,
        shares=MemoryLogShares(logs, time.time),
        history=store,
        restorer=HistoryRestorer(logs, store, bench.sets),
        store=store,
        gaps=NoGaps(),
        tenants=bench.tenants,
        sets=bench.sets,
        heads=bench.heads,
        clock=lambda: datetime.now(UTC),
    )


async def test_no_work_goes_on_after_the_end_though_a_cancellation_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "ROUND_SECONDS", 0.001)
    keeper, waiting = _keeper(), asyncio.Event()
    begun: list[float] = []

    async def swept() -> None:
        begun.append(time.monotonic())
        waiting.set()
        if len(begun) == 1:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(10)

    monkeypatch.setattr(keeper._sweep, "sweep", swept)
    working = asyncio.create_task(keeper.keep())
    await waiting.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    await asyncio.sleep(0.05)
    assert len(begun) == 1
