"""Keeps in memory what versions in the shadow would have answered."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy

from services.fraud.domain.scenarios.shadows import ShadowReport, merged_reports
from services.fraud.ports.shadows import ShadowKey, ShadowPart

__all__ = ["MemoryShadowReports"]


class MemoryShadowReports:
    """Implements `ShadowReports`. `rows` may be shared by several, as a database is."""

    def __init__(self, rows: dict[ShadowPart, ShadowReport] | None = None) -> None:
        self._rows = rows if rows is not None else {}

    async def save(self, parts: Mapping[ShadowPart, ShadowReport]) -> None:
        self._rows.update(deepcopy(dict(parts)))

    async def read(self, key: ShadowKey) -> ShadowReport:
        return merged_reports(report for (of, _), report in self._rows.items() if of == key)

    async def prune(self) -> int:
        return 0
