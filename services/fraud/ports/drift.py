"""Ports of drift: what models see, added up over processes, and who is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from services.fraud.domain.scoring.drift import BinShares, LabelledAlerts, SeenDay
from services.fraud.domain.scoring.model import ModelRef

__all__ = ["DriftReads", "DriftReference", "SeenPart", "SeenStore", "SeenWatch", "WatchedModel"]


class WatchedModel(NamedTuple):
    """A version of a tenant's model."""

    tenant_id: str
    ref: ModelRef


class SeenPart(NamedTuple):
    """What a version has seen of a day since a process has loaded it."""

    watched: WatchedModel
    part: UUID
    """Another one for each time that it was loaded."""
    seen: SeenDay


class DriftReference(NamedTuple):
    """What a version is compared with."""

    shares: BinShares
    """Empty for one that was brought."""
    alert_rate: float | None


class DriftReads(Protocol):
    """What became of models. Every method raises MeshError UNAVAILABLE during an outage."""

    async def reference(self, watched: WatchedModel) -> DriftReference | None:
        """Returns None for a version that is not there, or not ready."""
        ...

    async def seen(self, watched: WatchedModel, since: date) -> Sequence[SeenDay]:
        """Returns what was seen from a day on, a day as often as it was loaded."""
        ...

    async def labelled(self, watched: WatchedModel, since: datetime) -> LabelledAlerts:
        """Returns what is known of scores that were alerts, of decisions from a time on: of the newest labels."""
        ...


class SeenStore(DriftReads, Protocol):
    """Adds up what processes see, and tells analysts."""

    async def add(self, parts: Sequence[SeenPart]) -> None:
        """Stores parts, each in the place of what was stored of it before. Versions that are gone are left out."""
        ...

    async def tell(self, watched: WatchedModel, day: date, words: str) -> bool:
        """Asks for an alert, once a day for a version. Returns False if that was done before."""
        ...

    async def prune(self, before: date) -> int:
        """Deletes a slice of what was seen before a day, of all tenants, and returns how many rows."""
        ...


class SeenWatch(Protocol):
    """What versions that this process has loaded see."""

    def take(self, today: date) -> Sequence[SeenPart]:
        """Returns the parts of all that saw anything since this was last asked."""
        ...
