"""Puts the history of a tenant back into its logs: in this process, or in another one if there is much of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import NamedTuple

from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.declared.recording import KindRecorder, currency_of
from services.fraud.domain.event import StoredEvent, transaction_hash
from services.fraud.ports import (
    EntityLogs,
    FeatureHead,
    History,
    LogKey,
    LogProof,
    LogStream,
    LogsUnavailableError,
    Restored,
)
from services.fraud.ports.restoring import LogRestorer, RestoreOrder
from services.fraud.service.logs.groups import SLACK_SECONDS, to_milliseconds
from services.fraud.service.tenants.feature_sets import FeatureSets, StarterFeatures
from services.fraud.service.tenants.features import TenantFeatures

__all__ = ["HistoryRestorer", "RestorerBySize"]

AT_ONCE = 50
"""Events whose records are made while everything else waits: a millisecond or two."""
TRIES, PAUSE_SECONDS = 5, 2.0
"""How often a page is restored, and what is waited in between."""
LARGEST = 5_000
"""Events that are put back beside everything else. For more of them it pays to start a process."""
_STARTER = StarterFeatures()


class RestorerBySize:
    """Implements `LogRestorer`: `apart` is for histories that would hold up what else this process does."""

    def __init__(self, here: LogRestorer, apart: LogRestorer, history: History, largest: int = LARGEST) -> None:
        self._here = here
        self._apart = apart
        self._history = history
        self._largest = largest

    async def restore(self, order: RestoreOrder) -> AsyncGenerator[int, None]:
        is_large = await self._history.has_more_than(self._largest, order.tenant_id, order.earliest)
        async with aclosing((self._apart if is_large else self._here).restore(order)) as counts:
            async for count in counts:
                yield count


class HistoryRestorer:
    """Implements `LogRestorer` in this process."""

    def __init__(
        self, logs: EntityLogs, history: History, sets: FeatureSets, *, gathered: int = 0, lanes: int = 1
    ) -> None:
        """Logs get what was `gathered` of so many events, or of a page if that is more, in `lanes` side by side.

        The more is gathered, the fewer logs have to be written again and again.
        """
        self._logs = logs
        self._history = history
        self._sets = sets
        self._gathered = gathered
        self._lanes = lanes

    async def restore(self, order: RestoreOrder) -> AsyncGenerator[int, None]:
        features = await self._features(order)
        streams = features.streams(order.tenant_id).items()
        places = any(plan.has_place for stream, plan in streams if stream.schema in order.since)
        labels = any(plan.labelled for stream, plan in streams if stream.schema in order.since)
        restored = _RestoredLogs(order, features)
        restoring, gathered = asyncio.create_task(_nothing()), 0
        try:
            async for events in self._history.events(order.tenant_id, order.earliest, places=places, labels=labels):
                for start in range(0, len(events), AT_ONCE):
                    restored.add(events[start : start + AT_ONCE])
                    await asyncio.sleep(0)
                gathered += len(events)
                if gathered >= self._gathered:
                    await restoring
                    # While the next are read: of each log what is older is there before.
                    restoring, gathered = asyncio.create_task(self._put(restored.take(), order.proof)), 0
                yield len(events)
            await restoring
            if gathered:
                await self._put(restored.take(), order.proof)
        finally:
            restoring.cancel()

    async def _features(self, order: RestoreOrder) -> TenantFeatures:
        # Of tenants that have declared nothing there are many: nobody has to read that they have not.
        sets = self._sets if order.head != FeatureHead() else _STARTER
        await sets.prepare([order.tenant_id])
        features = sets.of(order.tenant_id)
        if features.head != order.head:
            raise LogsUnavailableError("the features of a tenant changed before its history was put back")
        return features

    async def _put(self, logs: Sequence[Restored], proof: LogProof) -> None:
        """Restores logs, each once."""
        await asyncio.gather(*[self._put_one_by_one(logs[lane :: self._lanes], proof) for lane in range(self._lanes)])

    async def _put_one_by_one(self, logs: Sequence[Restored], proof: LogProof) -> None:
        """Restores logs. A moment without Redis does not begin everything anew, unless something was lost in it."""
        for tried in range(TRIES):
            try:
                if await self._is_void(proof):
                    break
                return await self._logs.restore(logs, proof)
            except LogsUnavailableError:
                if tried == TRIES - 1:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)
        raise LogsUnavailableError("logs were lost while they were swept")

    async def _is_void(self, proof: LogProof) -> bool:
        """Tells whether any log was lost since: all that is put back would have to be put back again."""
        now = await self._logs.proof()
        return (now.epoch, now.lost) != (proof.epoch, proof.lost)


class _Stream(NamedTuple):
    """Records of a stream by the values of its key."""

    since: datetime
    plan: KindPlan
    size: int
    logs: dict[str, bytearray]


class _RestoredLogs:
    """Gathers records of events for the streams of an order."""

    def __init__(self, order: RestoreOrder, features: TenantFeatures) -> None:
        self._tenant_id = order.tenant_id
        self._since = order.since
        self._features = features
        self._streams: dict[LogStream, _Stream] = {}
        self._places: dict[str, Sequence[tuple[KindRecorder, _Stream]]] = {}

    def add(self, events: Sequence[StoredEvent]) -> None:
        for event in events:
            places = self._places.get(event.event_type)
            if places is None:
                places = self._places[event.event_type] = self._find(event.event_type)
            fields, made = event.fields, event.create_time
            time, transaction = (
                to_milliseconds(event.event_time),
                transaction_hash(self._tenant_id, event.transaction_id),
            )
            currency = currency_of(fields)
            for recorder, (since, _, _, logs) in places:
                value = fields.get(recorder.field) if recorder.field else recorder.key(fields)
                if type(value) is not str or made < since:
                    continue
                record = recorder.restored(fields, currency, time, transaction, event.place)
                if event.labels and recorder.plan.labelled:
                    record += recorder.layout.restored_labels(transaction, event.labels)
                if value in logs:
                    logs[value] += record
                else:
                    logs[value] = bytearray(record)

    def take(self) -> Sequence[Restored]:
        """Returns what was gathered, and begins anew."""
        found: list[Restored] = []
        for stream, (_, plan, size, logs) in self._streams.items():
            retain = plan.retention_ms // 1000 + SLACK_SECONDS
            for value, records in logs.items():
                found.append(Restored(LogKey(stream, value), bytes(records), size, retain, last=False))
            logs.clear()
        return found

    def _find(self, event_type: str) -> Sequence[tuple[KindRecorder, _Stream]]:
        """Returns what records the events of a type, and where."""
        places: list[tuple[KindRecorder, _Stream]] = []
        for recorder, stream, _ in self._features.recordings(self._tenant_id, event_type):
            if stream.schema in self._since:
                new = _Stream(self._since[stream.schema], recorder.plan, recorder.layout.size, {})
                places.append((recorder, self._streams.setdefault(stream, new)))
        return places


async def _nothing() -> None:
    return
