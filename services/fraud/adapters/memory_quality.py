"""Keeps reports of quality in memory: the twin of the adapters on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from meshkit.named_requests import Answered
from meshkit.storage.named_requests import MemoryClaims
from services.fraud.convert import quality_result_to_record
from services.fraud.domain.quality.report import QualityReport, QualityResult
from services.fraud.ports.backtests import SupersededError
from services.fraud.ports.quality import QualityChanges

__all__ = [
    "MemoryQuality",
    "MemoryQualityAttempts",
    "MemoryQualityChanges",
    "MemoryQualityRows",
    "MemoryQualityWriter",
]


@dataclass
class MemoryQualityRows:
    """What the others here share, as a database is."""

    reports: dict[tuple[str, str], QualityReport] = field(default_factory=dict)
    tokens: dict[tuple[str, str], int] = field(default_factory=dict)
    """Of the latest attempt at each."""
    requests: dict[tuple[str, UUID], Answered] = field(default_factory=dict)

    def of(self, tenant_id: str) -> Sequence[QualityReport]:
        """Returns the reports of a tenant, newest first, without their results."""
        found = [replace(each, result=None) for (owner, _), each in self.reports.items() if owner == tenant_id]
        return sorted(found, key=lambda each: each.report_id, reverse=True)


class MemoryQuality:
    """Implements `QualityReads`."""

    def __init__(self, rows: MemoryQualityRows) -> None:
        self._rows = rows

    async def get(self, tenant_id: str, report_id: UUID) -> QualityReport | None:
        return self._rows.reports.get((tenant_id, str(report_id)))

    async def page(self, tenant_id: str, before: UUID | None, limit: int) -> Sequence[QualityReport]:
        return [each for each in self._rows.of(tenant_id) if before is None or each.report_id < str(before)][:limit]


class MemoryQualityWriter:
    """Implements `QualityWriter`: one transaction at a time."""

    def __init__(self, rows: MemoryQualityRows) -> None:
        self._rows = rows
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[QualityChanges]:
        async with self._lock:
            before, requests = dict(self._rows.reports), dict(self._rows.requests)
            try:
                yield MemoryQualityChanges(self._rows, tenant_id)
            except BaseException:
                self._rows.reports = before
                self._rows.requests.clear()
                self._rows.requests.update(requests)
                raise


class MemoryQualityChanges(MemoryClaims):
    """Implements `QualityChanges`."""

    def __init__(self, rows: MemoryQualityRows, tenant_id: str) -> None:
        super().__init__(rows.requests, tenant_id)
        self._rows = rows

    async def add(self, report: QualityReport) -> None:
        self._rows.reports[report.tenant_id, report.report_id] = report

    async def get(self, report_id: UUID) -> QualityReport | None:
        return self._rows.reports.get((self._tenant_id, str(report_id)))

    async def delete(self, report_id: UUID) -> None:
        self._rows.reports.pop((self._tenant_id, str(report_id)), None)

    async def without_result(self, limit: int) -> Sequence[QualityReport]:
        return [each for each in self._rows.of(self._tenant_id) if each.finished_at is None][:limit]


class MemoryQualityAttempts:
    """Implements `QualityAttempts`."""

    def __init__(self, rows: MemoryQualityRows) -> None:
        self._rows = rows

    async def begin(self, tenant_id: str, report_id: str, token: int) -> bool:
        place = tenant_id, report_id
        found = self._rows.reports.get(place)
        if found is not None and found.finished_at is not None:
            return False
        if found is None or token < self._rows.tokens.get(place, 0):
            raise SupersededError
        self._rows.tokens[place] = token
        return True

    async def finish(self, tenant_id: str, report_id: str, token: int, result: QualityResult) -> None:
        place = tenant_id, report_id
        found = self._rows.reports.get(place)
        if found is None or found.finished_at is not None or self._rows.tokens.get(place) != token:
            raise SupersededError
        stored = quality_result_to_record(result)
        self._rows.reports[place] = replace(found, result=stored, finished_at=datetime.now(UTC))
