"""Reads what is beside the logs, while these are appended to: daily totals and the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.fraud.domain.check import Check
from services.fraud.service.daily.reading import DailyBatch, DailyReader
from services.fraud.service.graph.reading import GraphAnswer, GraphReadBatch, GraphReader
from services.fraud.service.logs.groups import CheckRecords

__all__ = ["BesideBatch", "BesideLogs"]


class BesideLogs:
    """Reads for many checks at once. What cannot be had in time is missing, and the check says so."""

    def __init__(self, daily: DailyReader, graph: GraphReader) -> None:
        self.daily = daily
        self.graph = graph

    def begin(self, checks: Sequence[Check], records: Sequence[CheckRecords]) -> BesideBatch | None:
        """Begins to read what checks ask for; None if none of them asks for anything."""
        daily, graph = self.daily.begin(checks, records), self.graph.begin(checks, records)
        return None if daily is None and graph is None else BesideBatch(daily, graph)


class BesideBatch:
    """What a batch of checks reads."""

    def __init__(self, daily: DailyBatch | None, graph: GraphReadBatch | None) -> None:
        self._daily = daily
        self._graph = graph

    async def read(self, seconds: float) -> None:
        """Waits for what is being read, so long at most."""
        if self._daily is not None:
            await self._daily.read(seconds)
        if self._graph is not None:
            await self._graph.read(seconds)

    def complete(self, check: Check, records: CheckRecords, values: list[Any], time: int, now: int) -> GraphAnswer:
        """Puts values into their places. Returns what could not be used, and what is kept of the graph."""
        late: tuple[str, ...] = ()
        if self._daily is not None and records.features.set.daily:
            late = self._daily.complete(check, records, values, time, now)
        if self._graph is None:
            return GraphAnswer(late)
        found = self._graph.complete(check, records, values, time)
        return found._replace(degraded=(*late, *found.degraded)) if late else found
