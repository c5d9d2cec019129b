"""Reads the features of checks: appends them to the logs of their keys and folds what is there.

Everything is done for a batch at once: one append, whatever the number of checks. A log that is not whole is completed
from the history of its key, and only the checks that need it are decided from there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple

from meshkit.apart import TravelsApart
from meshkit.errors import MeshError, deadline_exceeded
from services.fraud import errors
from services.fraud.domain.check import FEATURES, FEATURES_SLOW_PATH, Basis, Check, Features, Key
from services.fraud.ports import WRITES_AT_ONCE, Appended, EntityLogs, IpIntelligence, LogsUnavailableError
from services.fraud.service.checks.waits import Waits
from services.fraud.service.features.beside import BesideBatch, BesideLogs
from services.fraud.service.features.readings import CameBefore, Manner, Reading, together, unprepared
from services.fraud.service.graph.reading import GraphAnswer
from services.fraud.service.logs import reads as log_reads
from services.fraud.service.logs.folds import LogFolds
from services.fraud.service.logs.groups import TIME, CheckRecords, LogGroup, group_checks, to_milliseconds, to_time
from services.fraud.service.logs.reads import Places
from services.fraud.service.tenants.feature_sets import FeatureSets

__all__ = ["FeatureReader"]

_log = logging.getLogger(__name__)
UNLOGGED_SECONDS = 0.1
"""For so long the logs are waited for before anything is decided without a record in them: see `Basis.UNLOGGED`."""
_NOTHING = GraphAnswer()
LIVE_MS = 300_000
"""An event that is older, by its own time, was decided upon elsewhere, and is put in later."""


class _Batch(NamedTuple):
    """What was read for some checks, and what could not be."""

    appended: Appended | None
    arrival: int
    unread: set[LogGroup]
    slow: Collection[LogGroup]
    """Logs that were completed from the history."""
    beside: BesideBatch | None
    manner: Manner


class FeatureReader:
    """Reads for many checks at once. One whose features cannot be had fails for itself."""

    def __init__(
        self,
        logs: EntityLogs,
        folds: LogFolds,
        sets: FeatureSets,
        ip: IpIntelligence,
        beside: BesideLogs,
        clock: Callable[[], datetime],
    ) -> None:
        self._logs = logs
        self._folds = folds
        self._sets = sets
        self._ip = ip
        self._beside = beside
        self._clock = clock

    async def read(self, checks: Sequence[Check], manner: Manner) -> Reading:
        """Appends the checks to their logs and reads the features of each, in order.

        What is not read in time has no value. Raises MeshError UNAVAILABLE.
        """
        if not checks:
            return Reading((), (), None)
        waits = manner.waits
        if not await self._prepare(checks, waits):
            return unprepared(checks, waits)
        first, *others = self._steps(checks)
        reading = await self._read(first, manner)
        for step in others:
            prepared = await self._prepare(step, waits)
            more = await self._read(step, manner) if prepared else unprepared(step, waits)
            reading = together(reading, more)
        return reading

    def _steps(self, checks: Sequence[Check]) -> Sequence[Sequence[Check]]:
        """Divides checks so that each is appended to all of its logs in one step: the order of arrival is one then."""
        steps, begun, writes = [], 0, 0
        for place, check in enumerate(checks):
            own = len(self._sets.of(check.tenant_id).recordings(check.tenant_id, check.event_type))
            if writes + own > WRITES_AT_ONCE and place > begun:
                steps.append(checks[begun:place])
                begun, writes = place, 0
            writes += own
        return [*steps, checks[begun:]] if steps else [checks]

    async def _prepare(self, checks: Sequence[Check], waits: Waits) -> bool:
        """Tells whether the features of the checks' tenants are known in time. Raises MeshError UNAVAILABLE."""
        try:
            async with asyncio.timeout(waits.left):
                await self._sets.prepare({check.tenant_id for check in checks})
        except TimeoutError:
            return False
        return True

    async def _read(self, checks: Sequence[Check], manner: Manner) -> Reading:
        waits = manner.waits
        now, began = self._clock(), monotonic()
        groups, records = group_checks(checks, self._sets, self._ip.look_up, now)
        beside = self._beside.begin(checks, records)
        try:
            async with asyncio.timeout(waits.left):
                appended = await self._append(checks, groups)
        except TimeoutError:
            _log.warning("%d checks go on without the logs: they do not answer", len(checks))
            return self._unlogged(checks, records, waits, monotonic() - began)
        if beside is not None:
            await beside.read(waits.left)
        arrival = appended.arrival_ms if appended else to_milliseconds(now)
        order = appended.order if appended else arrival * 1_000
        stamp, generation = TIME.pack(arrival), appended.generation if appended else b""
        for group in groups:
            group.arrived(arrival, stamp, generation)
        read = [group for group in groups if group.is_read]
        if manner.as_of_first:
            for group in read:
                group.as_of_first = True
        slow = await self._folds.prepare(
            read, manner.gapped, to_time(arrival), patient=manner.patient, seconds=waits.left
        )
        for group in read:
            self._folds.take(group)
        unread = {group for group in read if group.fold is None}
        batch = _Batch(appended, arrival, unread, slow, beside, manner)
        features = [
            self._partly(check, each, order + place, batch)
            if unread and any(group in unread for group, _ in each.places)
            else self._features(check, each, each.places, order + place, batch)
            for place, (check, each) in enumerate(zip(checks, records, strict=True))
        ]
        self._folds.keep(read)
        if manner.as_of_first:
            await self._place_as_at_first(checks, records, features, waits.left)
        return Reading(features, records, appended.ticket if appended else None)

    def settle(self, reading: Reading, checks: Sequence[Check], withdrawn: Collection[Key]) -> None:
        """Says which checks of a batch were not committed. Never waits."""
        if reading.ticket is not None:
            both = zip(checks, reading.records, strict=True)
            gone = [each for check, each in both if each is not None and check.key in withdrawn]
            self._logs.settle(reading.ticket, [write for each in gone for write in log_reads.withdrawals(each)])

    async def _place_as_at_first(
        self,
        checks: Sequence[Check],
        records: Sequence[CheckRecords],
        features: list[Features | MeshError],
        seconds: float,
    ) -> None:
        """Gives checks that came before the place in the order of arrival that they read as of, if that is known."""
        both = zip(checks, records, strict=True)
        again = {check.key: each.first_attempt for check, each in both if each.first_attempt}
        if not again:
            return
        try:
            async with asyncio.timeout(seconds):
                first = await self._logs.arrivals(again)
        except (LogsUnavailableError, TimeoutError):
            _log.warning("%d checks that came before get a place of their own: theirs cannot be asked for", len(again))
            return
        for place, (check, found) in enumerate(zip(checks, features, strict=True)):
            if check.key in first and isinstance(found, Features):
                features[place] = found._replace(arrival=first[check.key])

    async def _append(self, checks: Sequence[Check], groups: Sequence[LogGroup]) -> Appended | None:
        now = asyncio.get_running_loop().time()
        self._folds.known([group for group in groups if group.is_read])
        try:
            appended = await self._logs.append([each.key for each in checks], [group.write(now) for group in groups])
        except LogsUnavailableError as error:
            _log.warning("features come from the store: %s", error)
            return None
        for group, answer in zip(groups, appended.answers, strict=True):
            group.answered(answer, appended.generation)
        return appended

    def _partly(self, check: Check, records: CheckRecords, order: int, batch: _Batch) -> Features | MeshError:
        """Reads what there is for a check, unless there is time to have it read again, and that may bring more."""
        missing = [group for group, _ in records.places if group in batch.unread]
        live = check.event_time is None or to_milliseconds(check.event_time) > batch.arrival - LIVE_MS
        if not batch.manner.is_enough(missing, live=live) and batch.manner.waits.can_wait(check.key):
            return TravelsApart()
        self._folds.fill([group for group in missing if not group.exhausted])
        places = [place for place in records.places if place[0] not in batch.unread]
        found = self._features(check, records, places, order, batch)
        if isinstance(found, MeshError):
            return found
        # Nothing of a log was used: nothing of the decision hangs on what they may lack.
        basis = Basis.HISTORY if found.basis is Basis.LOGS and not places else found.basis
        return found._replace(degraded=(*found.degraded, FEATURES), basis=basis)

    def _unlogged(
        self, checks: Sequence[Check], records: Sequence[CheckRecords], waits: Waits, waited: float
    ) -> Reading:
        """Goes on without the logs and what is read of them, where they were given the time to answer."""
        features: list[Features | MeshError] = []
        for place, (check, each) in enumerate(zip(checks, records, strict=True)):
            if waits.can_wait(check.key):
                features.append(TravelsApart())
            elif waited < UNLOGGED_SECONDS:
                features.append(deadline_exceeded())
            else:
                known, now = each.features.set, self._clock()
                missing = [None] * len(known.names), check.event_time or now, (FEATURES,), Basis.UNLOGGED
                order = to_milliseconds(now) * 1_000 + place
                features.append(Features(*missing, set=known, ip=each.ip, arrival=order))
        return Reading(features, records, None)

    def _features(
        self, check: Check, records: CheckRecords, places: Places, order: int, batch: _Batch
    ) -> Features | MeshError:
        """Reads the features of a check, which sees those before it. Nothing is awaited between two checks."""
        features, beside, appended = records.features.set, batch.beside, batch.appended
        # A sum that is to be converted is read as one of each currency.
        values: list[Any] = [None] * len(features.names)
        arrival, unseen = batch.arrival, False
        time = arrival if check.event_time is None else to_milliseconds(check.event_time)
        for group, place in places:
            record, read = log_reads.read_log(group, place)
            time, start = record.time, group.start
            if record.attempt != group.records[place].attempt:
                records.first_attempt = record.attempt
            if read is None:
                unseen = True
            else:
                values[start : start + len(read)] = read
        if unseen:
            return CameBefore()
        late, graph = beside.complete(check, records, values, time, arrival) if beside is not None else _NOTHING
        sums = log_reads.sums_to_convert(values, features.sums)
        if sums is None:
            return errors.sum_too_large()
        derive = features.derivation(check.event_type)
        if derive is not None:
            derive(values, check.fields)
        elsewhere = {each: total for each, total in sums.items() if total and each != check.currency} if sums else sums
        own = elsewhere, features, records.ip, order, graph
        if appended is None:
            return Features(values, to_time(time), (FEATURES_SLOW_PATH, *late), Basis.UNLOGGED, b"", *own)
        if not batch.slow:
            return Features(values, to_time(time), late, Basis.LOGS, appended.generation, *own)
        basis, degraded = log_reads.basis_of(places, batch.slow)
        return Features(values, to_time(time), (*degraded, *late), basis, appended.generation, *own)
