"""Completes logs that are not whole from the history of their keys, and restores them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from contextvars import Context
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter

from services.fraud.domain.declared.recording import KindRecorder, currency_of
from services.fraud.domain.declared.records import HEAD_BYTES
from services.fraud.domain.event import StoredEvent, transaction_hash
from services.fraud.domain.logs.fold import Fold
from services.fraud.ports import (
    EntityLogs,
    History,
    HistoryKey,
    KeyHistory,
    LogKey,
    LogState,
    LogsUnavailableError,
    Restored,
)
from services.fraud.service.logs.admission import HistoryAdmission
from services.fraud.service.logs.groups import SLACK_SECONDS, LogGroup, to_milliseconds

__all__ = ["PROMPT_EVENTS", "Completer", "restored_records"]

_log = logging.getLogger(__name__)

PROMPT_EVENTS = 500
"""Events of a key that are read while others wait. One with more is read apart."""
PATIENT_EVENTS = 200_000
SLACK = timedelta(seconds=SLACK_SECONDS)
LONG, LONG_KEYS = timedelta(seconds=5), 1_000
STEP = 100
"""Records that are made while everything else waits: about a millisecond."""
RESTORING = 2_000
"""Logs that wait to be restored, at most: what is not restored now is when it is next asked for."""


class Completer:
    """Reads histories, and puts what is missing into logs, beside the checks that asked."""

    def __init__(self, logs: EntityLogs, history: History) -> None:
        self._logs = logs
        self._history = history
        self._first: dict[str, datetime] = {}
        self._restored: list[Restored] = []
        self._long: dict[LogKey, datetime] = {}
        """Until when histories are not asked for of which even who is patient does not get all."""
        self._restorer: asyncio.Task[None] | None = None
        self._admission = HistoryAdmission()

    async def complete(self, groups: Sequence[LogGroup], now: datetime, *, patient: bool, restore: bool) -> None:
        """Gives groups a fold of history and log together; none to those whose history is too long for now.

        Those are exhausted that are left out because too much is being read: who is patient reads all.
        Raises MeshError UNAVAILABLE.
        """
        if not patient:
            groups = self._admitted(groups)
        elif self._long:
            groups = [group for group in groups if not self._is_long(group, now)]
        if not groups:
            return
        # What who is patient waits for says nothing of what a read takes.
        with nullcontext() if patient else self._admission.reading(len(groups)):
            found = await self._read(groups, now, PROMPT_EVENTS, apart=patient)
            long = [
                group for group, each in zip(groups, found, strict=True) if not await self._use(group, each, restore)
            ]
        for group in long if patient else ():
            # Each for itself: what one takes costs others nothing that is known already.
            (history,) = await self._read([group], now, PATIENT_EVENTS, apart=True)
            if not await self._use(group, history, restore):
                group.exhausted = True
                self._note_long(group.key, now)

    async def fill(self, group: LogGroup, now: datetime) -> None:
        """Puts into a log what it lacks, with all the time that this takes.

        Raises MeshError UNAVAILABLE and LogsUnavailableError.
        """
        proof = await self._logs.proof()
        (history,) = await self._read([group], now, PATIENT_EVENTS, apart=True)
        if history.whole:
            records = await restored_records(group, history.events)
            # Of a log that was lost meanwhile, and begun anew, the history that was read may lack something.
            if await self._logs.proof() == proof:
                await self._logs.restore([_restored(group, records)])

    def _admitted(self, groups: Sequence[LogGroup]) -> Sequence[LogGroup]:
        """Returns the first of them, which are those of the first checks."""
        count = self._admission.admitted(len(groups))
        for group in groups[count:]:
            group.exhausted = True
        return groups[:count]

    def _is_long(self, group: LogGroup, now: datetime) -> bool:
        """Tells whether a history was found too long a moment ago, and says of the group that it gets none."""
        group.exhausted = self._long.get(group.key, now) > now
        return group.exhausted

    def _note_long(self, key: LogKey, now: datetime) -> None:
        if len(self._long) >= LONG_KEYS:
            self._long.clear()
        self._long[key] = now + LONG

    async def first_decided(self, tenants: Collection[str]) -> Mapping[str, datetime]:
        """Returns when tenants had the first decision that is still stored; those without any lack."""
        missing = [tenant for tenant in tenants if tenant not in self._first]
        if missing:
            self._first.update(await self._history.first_decided(missing))
        return self._first

    async def _use(self, group: LogGroup, history: KeyHistory, restore: bool) -> bool:
        """Folds a history. Returns False if it is not all of it."""
        if history.whole:
            records = await restored_records(group, history.events)
            group.fold = await _folded(group, records)
            if restore:
                self._restore(group, records)
        return history.whole

    async def _read(self, groups: Sequence[LogGroup], now: datetime, most: int, *, apart: bool) -> Sequence[KeyHistory]:
        first = await self.first_decided({group.key.stream.tenant_id for group in groups})
        return await self._history.read([self._asked(group, first, now) for group in groups], most, apart=apart)

    def _asked(self, group: LogGroup, first: Mapping[str, datetime], now: datetime) -> HistoryKey:
        """Asks for what windows can reach: everything, if the tenant is younger than that."""
        plan, tenant = group.recorder.plan, group.key.stream.tenant_id
        start, since = now - timedelta(milliseconds=plan.retention_ms) - SLACK, None
        if tenant in first and first[tenant] < start:
            earliest = min(record.time for record in group.records)
            since = start + min(timedelta(0), timedelta(milliseconds=earliest - to_milliseconds(now)))
        values = tuple(zip(plan.key, group.key.value.split("\0", len(plan.key) - 1), strict=True))
        return HistoryKey(
            tenant, values, plan.types, group.features.set.columns(plan), since, plan.has_place, plan.labelled
        )

    def _restore(self, group: LogGroup, records: bytes) -> None:
        if len(self._restored) >= RESTORING:
            return
        self._restored.append(_restored(group, records))
        if self._restorer is None or self._restorer.done():
            self._restorer = asyncio.create_task(self._restore_all(), context=Context())

    async def _restore_all(self) -> None:
        while self._restored:
            logs, self._restored = self._restored, []
            try:
                await self._logs.restore(logs)
            except LogsUnavailableError as error:
                _log.warning("%d logs are restored later: %s", len(logs), error)


async def restored_records(group: LogGroup, events: Sequence[StoredEvent]) -> bytes:
    """Packs what a log should hold of stored events, each in the order of its commit. Others go on meanwhile."""
    in_order, parts = await _sorted(events), list[bytes]()
    packed = partial(_packed, group, {})
    for start in range(0, len(in_order), STEP):
        parts += map(packed, in_order[start : start + STEP])
        if start + STEP < len(in_order):
            await asyncio.sleep(0)
    return b"".join(parts)


async def _sorted(events: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
    def ordered() -> Sequence[StoredEvent]:
        return sorted(events, key=attrgetter("create_time"))

    return await asyncio.to_thread(ordered) if len(events) > PROMPT_EVENTS else ordered()


def _packed(group: LogGroup, recorders: dict[str, KindRecorder], event: StoredEvent) -> bytes:
    recorder = recorders.get(event.event_type)
    if recorder is None:
        recorder = recorders[event.event_type] = group.features.set.recorder(group.recorder.plan, event.event_type)
    transaction = transaction_hash(group.key.stream.tenant_id, event.transaction_id)
    record = recorder.restored(
        event.fields, currency_of(event.fields), to_milliseconds(event.event_time), transaction, event.place
    )
    return record + recorder.layout.restored_labels(transaction, event.labels) if event.labels else record


def _restored(group: LogGroup, records: bytes) -> Restored:
    """Returns the history of the log that a group was answered of, and of no other that has begun in its place."""
    first = (group.answer.unseen or group.packed)[:HEAD_BYTES] if group.answer.state is LogState.PARTIAL else b""
    return Restored(group.key, records, group.recorder.layout.size, group.retain_seconds, first=first)


async def _folded(group: LogGroup, restored: bytes) -> Fold:
    fold = Fold(group.recorder.plan)
    for data in (b"" if group.seen else group.answer.unseen, restored):
        for _ in fold.extend_in_steps(data):
            await asyncio.sleep(0)
    return fold
