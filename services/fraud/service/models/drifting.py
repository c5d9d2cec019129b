"""Watches what models see: keeps it, measures how far it lies from what they learned from, and has analysts told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from prometheus_client import Gauge

from services.fraud import errors
from services.fraud.domain.scoring.drift import LabelledAlerts, ModelDrift, drift_of, newest_days, summed_days
from services.fraud.domain.scoring.model import ModelRef
from services.fraud.ports.drift import DriftReads, SeenStore, SeenWatch, WatchedModel

__all__ = ["DriftKeeper", "ModelDrifts", "ToldDrift"]

_log = logging.getLogger(__name__)
_drifted = Gauge("models_drifted", "Versions of models at hand that see others than they have learned from.")
_watched = Gauge("models_watched", "Versions of models at hand that have seen events today (UTC).")

KEPT_DAYS = 90
LOOKED_BACK_DAYS = 7
"""For a model that sees few events."""
NAMED = 3
"""Features that an alert names."""


class ToldDrift(NamedTuple):
    """The drift of a version, and what became known of its alerts."""

    since: datetime
    drift: ModelDrift
    labelled: LabelledAlerts


class ModelDrifts:
    """The use cases."""

    def __init__(self, reads: DriftReads, clock: Callable[[], datetime]) -> None:
        self._reads = reads
        self._clock = clock

    async def of(self, tenant_id: str, ref: ModelRef, days: int) -> ToldDrift:
        """Returns the drift of a version over so many days, today with them. Raises RESOURCE_NOT_FOUND."""
        watched, since = WatchedModel(tenant_id, ref), _midnight(self._clock()) - timedelta(days=days - 1)
        reference = await self._reads.reference(watched)
        if reference is None:
            raise errors.found_none("model version")
        seen = summed_days(await self._reads.seen(watched, since.date()))
        drift = drift_of(reference.shares, seen, reference.alert_rate)
        return ToldDrift(since, drift, await self._reads.labelled(watched, since))


class DriftKeeper:
    """Keeps what this process sees, and measures it once in a while."""

    def __init__(
        self,
        watch: SeenWatch,
        store: SeenStore,
        clock: Callable[[], datetime],
        measure_seconds: float,
        passed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._watch = watch
        self._store = store
        self._clock = clock
        self._measure_seconds = measure_seconds
        self._passed = passed
        self._seen: dict[WatchedModel, bool] = {}
        """Those that have seen anything today, and whether they were drifted when they were last measured."""
        self._next = 0.0
        self._today = clock().date()

    async def keep(self) -> int:
        """Stores what was seen since the last time, and has analysts told of what has drifted. Returns 0."""
        today = self._clock().date()
        if today != self._today:
            self._today, self._seen = today, {}
        parts = self._watch.take(today)
        await self._store.add(parts)
        for part in parts:
            self._seen.setdefault(part.watched, False)
        if self._passed() >= self._next:
            self._next = self._passed() + self._measure_seconds
            await self._measure()
        return 0

    async def prune(self) -> int:
        """Deletes a slice of what is old, and returns how much."""
        return await self._store.prune(self._clock().date() - timedelta(days=KEPT_DAYS))

    async def _measure(self) -> None:
        since = self._today - timedelta(days=LOOKED_BACK_DAYS)
        for watched in list(self._seen):
            reference = await self._store.reference(watched)
            if reference is None:
                del self._seen[watched]
                continue
            seen = newest_days(summed_days(await self._store.seen(watched, since)))
            drift = drift_of(reference.shares, seen, reference.alert_rate)
            self._seen[watched] = bool(drift.drifted)
            if drift.drifted and await self._store.tell(watched, self._today, _words(drift)):
                fields = {"tenant": watched.tenant_id, "model": str(watched.ref)}
                _log.warning("a model has drifted", extra={"fields": fields})
        _drifted.set(sum(self._seen.values()))
        _watched.set(len(self._seen))


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _words(drift: ModelDrift) -> str:
    worst = ", ".join(f"{each.name} ({each.index:.2f})" for each in drift.drifted[:NAMED])
    more = len(drift.drifted) - NAMED
    named = f"{worst} and {more} more" if more > 0 else worst
    return f"sees others than it has learned from, in {drift.rows:,} events: population stability of {named}"
