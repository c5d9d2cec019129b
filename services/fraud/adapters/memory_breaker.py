"""Adds up in memory what processes decided. Views with the same rows are processes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from services.fraud.domain.scenarios.breaker import OutcomeCounts, merged
from services.fraud.ports.scenarios import CountKey

__all__ = ["MemoryBreakerCounts"]

Rows = dict[tuple[UUID, CountKey], dict[int, OutcomeCounts]]


class MemoryBreakerCounts:
    """Implements `BreakerCounts`."""

    def __init__(self, rows: Rows, process: UUID) -> None:
        self._rows = rows
        self._process = process

    async def add(self, counts: Mapping[CountKey, Mapping[int, OutcomeCounts]]) -> None:
        for key, seconds in counts.items():
            self._rows.setdefault((self._process, key), {}).update(seconds)

    async def read(self, keys: Collection[CountKey], since: int) -> Mapping[CountKey, Mapping[int, OutcomeCounts]]:
        return {key: self._latest(key, since) for key in keys}

    async def prune(self, before: int) -> int:
        gone = [(rows, second) for rows in self._rows.values() for second in rows if second < before]
        for rows, second in gone:
            del rows[second]
        return len(gone)

    def _latest(self, key: CountKey, since: int) -> Mapping[int, OutcomeCounts]:
        whole = merged(rows for (_, of), rows in self._rows.items() if of == key)
        latest = sorted((second for second in whole if second >= since), reverse=True)[:200]
        return {second: whole[second] for second in latest}
