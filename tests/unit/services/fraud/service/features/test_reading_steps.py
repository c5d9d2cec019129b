"""A check is appended to all of its logs in one step, so that checks have one order of arrival."""

from __future__ import annotations

import time
from collections.abc import Sequence

from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.adapters.memory import MemoryStore
from services.fraud.domain.check import Key
from services.fraud.ports import WRITES_AT_ONCE, Appended, LogWrite
from tests.support.fraud import check, named, new_tenant, read
from tests.support.readers import patiently, reader_of


class Steps(MemoryLogs):
    """Remembers what was appended together."""

    def __init__(self) -> None:
        super().__init__(time.time)
        self.steps: list[tuple[int, int]] = []

    async def append(self, transactions: Sequence[Key], writes: Sequence[LogWrite]) -> Appended:
        self.steps.append((len(transactions), len(writes)))
        return await super().append(transactions, writes)


async def test_a_large_batch_is_divided_by_checks_and_keeps_its_order() -> None:
    tenant, logs = new_tenant(), Steps()
    checks = [check(tenant, str(n), device=f"d{n}", ip=f"192.0.2.{n}") for n in range(100)]
    reading = await reader_of(logs, MemoryStore()).read(checks, patiently())
    found = read(reading.features)
    assert [each for each, _ in logs.steps] == [32, 32, 32, 4]
    assert all(writes <= WRITES_AT_ONCE for _, writes in logs.steps)
    assert [named(each)["user_count_1h"] for each in found] == list(range(100))
    assert [each.arrival for each in found] == sorted({each.arrival for each in found})
    assert reading.ticket is not None and len(reading.ticket.names) == 4
    assert len(reading.records) == 100


async def test_a_batch_that_fits_is_one_step() -> None:
    tenant, logs = new_tenant(), Steps()
    await reader_of(logs, MemoryStore()).read([check(tenant) for _ in range(32)], patiently())
    assert [each for each, _ in logs.steps] == [32]
