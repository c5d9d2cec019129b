"""Keeps the entity logs true to the store: a task of every replica, of which one does the work.

It withdraws what was reserved and never committed, puts into the logs what was decided without them, and sweeps the
history of tenants into logs that Redis has lost and into those of new columns, so that a log that is not there was
never written. It sees to it that no tenant's logs take the place of others'.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from prometheus_client import Counter

from meshkit.errors import MeshError
from services.fraud.domain.declared.recording import currency_of
from services.fraud.domain.event import StoredEvent, transaction_hash
from services.fraud.ports import (
    DecisionStore,
    EntityLogs,
    FeatureHeads,
    Gap,
    History,
    LogGaps,
    LogKey,
    LogShares,
    LogsUnavailableError,
    LogWrite,
    OldDecisions,
)
from services.fraud.ports.restoring import LogRestorer
from services.fraud.service.logs.groups import SLACK_SECONDS, to_milliseconds
from services.fraud.service.logs.pressure import LogPressure
from services.fraud.service.logs.sweep import LogSweep
from services.fraud.service.tenants.feature_sets import FeatureSets
from services.fraud.service.tenants.features import TenantFeatures

__all__ = ["LogKeeper"]

_log = logging.getLogger(__name__)
_withdrawn = Counter("logs_withdrawn", "Transactions withdrawn from the logs because they were never committed.")
_filled = Counter("log_gaps_filled", "Decisions that were put into the logs after they had been made without them.")

ROUND_SECONDS = 1.0
OVERDUE_SECONDS = 10.0
LONGEST_COMMIT = timedelta(seconds=10)
"""How long a decision may take from reading the logs to its commit."""
FILLED_AT_ONCE = 200
"""Decisions that are put into the logs in one step."""


class LogKeeper:
    """Does one round of everything after the other. Each failure of a store is met by the next round."""

    def __init__(
        self,
        *,
        logs: EntityLogs,
        shares: LogShares,
        history: History,
        restorer: LogRestorer,
        store: DecisionStore,
        gaps: LogGaps,
        tenants: OldDecisions,
        sets: FeatureSets,
        heads: FeatureHeads,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._logs = logs
        self._history = history
        self._store = store
        self._gaps = gaps
        self._sets = sets
        self._pressure = LogPressure(shares)
        self._sweep = LogSweep(logs=logs, restorer=restorer, tenants=tenants, sets=sets, heads=heads, clock=clock)

    async def keep(self) -> None:
        """Works until cancelled."""
        ended = asyncio.Event()
        works = self._sweep.sweep, self._pressure.relieve
        beside = [asyncio.create_task(self._forever(work, ended)) for work in works]
        try:
            await self._forever(self._round, ended)
        finally:
            # Said as well: whatever they wait for may lose a cancellation.
            ended.set()
            for each in beside:
                each.cancel()

    async def _forever(self, work: Callable[[], Awaitable[None]], ended: asyncio.Event) -> None:
        while not ended.is_set():
            try:
                await work()
            except (LogsUnavailableError, MeshError) as error:
                _log.warning("the logs cannot be kept: %s", error)
            await asyncio.sleep(ROUND_SECONDS)

    async def _round(self) -> None:
        await self._withdraw()
        for gap in await self._gaps.open():
            await self._fill(gap)

    async def _withdraw(self) -> None:
        for batch in await self._logs.overdue(OVERDUE_SECONDS):
            stored = await self._store.existing(batch.transactions)
            gone = set(batch.transactions) - stored
            await self._logs.withdraw(batch, gone)
            _withdrawn.inc(len(gone))

    async def _fill(self, gap: Gap) -> None:
        """Puts into the logs what they lack, and closes the gap once nobody decides from how they were before."""
        if gap.filled is not None:
            if gap.filled > LONGEST_COMMIT:
                await self._gaps.close(gap)
            return
        decisions = await self._gaps.decisions(gap)
        for start in range(0, len(decisions), FILLED_AT_ONCE):
            events = await self._history.decided_events(gap.tenant_id, decisions[start : start + FILLED_AT_ONCE])
            await self._append(gap.tenant_id, events)
            _filled.inc(len(events))
        await self._gaps.fill(gap)

    async def _append(self, tenant_id: str, events: Sequence[StoredEvent]) -> None:
        await self._sets.prepare([tenant_id])
        features = self._sets.of(tenant_id)
        writes = [write for event in events for write in _writes(tenant_id, features, event)]
        appended = await self._logs.append([], writes)
        self._logs.settle(appended.ticket, [])


def _writes(tenant_id: str, features: TenantFeatures, event: StoredEvent) -> Sequence[LogWrite]:
    """Returns what puts a stored event into its logs. A transaction that is there already counts once."""
    time, transaction = to_milliseconds(event.event_time), transaction_hash(tenant_id, event.transaction_id)
    currency = currency_of(event.fields)
    writes = []
    for recording in features.recordings(tenant_id, event.event_type):
        recorder = recording.recorder
        value = recorder.key(event.fields)
        if value is not None:
            plan, layout = recorder.plan, recorder.layout
            record = recorder.restored(event.fields, currency, time, transaction, event.place)
            key, retain = LogKey(recording.stream, value), plan.retention_ms // 1000 + SLACK_SECONDS
            writes.append(LogWrite(key, record, layout.size, retain, refresh=False, is_read=recording.is_read))
    return writes
