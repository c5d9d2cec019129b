"""Adds up in memory what models see: the twin of the adapter on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from services.fraud.domain.scoring.drift import LabelledAlerts, SeenDay
from services.fraud.ports.drift import DriftReference, SeenPart, WatchedModel

__all__ = ["MemoryDrift"]


@dataclass
class MemoryDrift:
    """Implements `SeenStore`. `references` are of the versions that there are."""

    references: dict[WatchedModel, DriftReference] = field(default_factory=dict)
    alerts: dict[WatchedModel, LabelledAlerts] = field(default_factory=dict)
    told: dict[tuple[WatchedModel, date], str] = field(default_factory=dict)
    parts: dict[tuple[WatchedModel, date, UUID], SeenDay] = field(default_factory=dict)

    async def reference(self, watched: WatchedModel) -> DriftReference | None:
        return self.references.get(watched)

    async def seen(self, watched: WatchedModel, since: date) -> Sequence[SeenDay]:
        return [seen for (of, day, _), seen in self.parts.items() if of == watched and day >= since]

    async def labelled(self, watched: WatchedModel, since: datetime) -> LabelledAlerts:
        return self.alerts.get(watched, LabelledAlerts(0, 0))

    async def add(self, parts: Sequence[SeenPart]) -> None:
        for watched, part, seen in parts:
            if watched in self.references:
                self.parts[watched, seen.day, part] = seen

    async def tell(self, watched: WatchedModel, day: date, words: str) -> bool:
        return self.told.setdefault((watched, day), words) is words

    async def prune(self, before: date) -> int:
        old = [place for place in self.parts if place[1] < before]
        for place in old:
            del self.parts[place]
        return len(old)
