"""Reads the features of checks: appends them to the logs of their keys and folds what is there.

Everything is done for a batch at once: one append, whatever the number of checks. A log that is not whole is completed
from the history of its key, and only the checks that need it are decided from there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from meshkit.apart import TravelsApart
from meshkit.errors import MeshError, unavailable
from services.fraud import errors
from services.fraud.domain.check import Basis, Check, Features, Key
from services.fraud.domain.declared.records import WITHDRAWAL, LogRecord
from services.fraud.ports import (
    WRITES_AT_ONCE,
    Appended,
    EntityLogs,
    IpIntelligence,
    LogsUnavailableError,
    LogWrite,
    Ticket,
)
from services.fraud.service.daily_reading import DailyBatch, DailyReader
from services.fraud.service.feature_sets import FeatureSets
from services.fraud.service.log_folds import LogFolds
from services.fraud.service.log_groups import TIME, CheckRecords, LogGroup, group_checks, to_milliseconds, to_time

__all__ = ["DEGRADED", "FeatureReader", "Reading"]

_log = logging.getLogger(__name__)
DEGRADED = "features_slow_path"
LARGEST = 2**63 - 1
"""Largest value that is stored."""


class Reading(NamedTuple):
    """What reading for a batch has led to."""

    features: Sequence[Features | MeshError]
    """Of each check, in order, or why it has none; `TravelsApart` for one that would hold up the others."""
    records: Sequence[CheckRecords]
    ticket: Ticket | None
    """Names what was reserved; None if nothing could be."""


class FeatureReader:
    """Reads for many checks at once. One whose features cannot be had fails for itself."""

    def __init__(
        self,
        logs: EntityLogs,
        folds: LogFolds,
        sets: FeatureSets,
        ip: IpIntelligence,
        daily: DailyReader,
        clock: Callable[[], datetime],
    ) -> None:
        self._logs = logs
        self._folds = folds
        self._sets = sets
        self._ip = ip
        self._daily = daily
        self._clock = clock

    async def read(self, checks: Sequence[Check], *, patient: bool, gapped: Collection[str] = frozenset()) -> Reading:
        """Appends the checks to their logs and reads the features of each, in order.

        What takes long to read is left to a call that is `patient`. The logs of `gapped` tenants lack decisions.
        Raises MeshError UNAVAILABLE.
        """
        if not checks:
            return Reading((), (), None)
        await self._sets.prepare({check.tenant_id for check in checks})
        first, *others = self._steps(checks)
        reading = await self._read(first, patient, gapped)
        for step in others:
            await self._sets.prepare({check.tenant_id for check in step})
            reading = _together(reading, await self._read(step, patient, gapped))
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

    async def _read(self, checks: Sequence[Check], patient: bool, gapped: Collection[str]) -> Reading:
        now = self._clock()
        groups, records = group_checks(checks, self._sets, self._ip.look_up, now)
        daily = self._daily.begin(checks, records)
        appended = await self._append(checks, groups)
        if daily is not None:
            await daily.read()
        arrival = appended.arrival_ms if appended else to_milliseconds(now)
        order = appended.order if appended else arrival * 1_000
        stamp, generation = TIME.pack(arrival), appended.generation if appended else b""
        for group in groups:
            group.arrived(arrival, stamp, generation)
        read = [group for group in groups if group.is_read]
        slow = await self._folds.prepare(read, gapped, to_time(arrival), patient=patient)
        for group in read:
            self._folds.take(group)
        apart = {group for group in read if group.fold is None}
        features = [
            _held_up(patient)
            if apart and any(group in apart for group, _ in each.places)
            else self._features(check, each, slow, appended, arrival, order + place, daily)
            for place, (check, each) in enumerate(zip(checks, records, strict=True))
        ]
        self._folds.keep(read)
        again = [place for place, each in enumerate(records) if each.came_before]
        if again:
            await self._place_as_at_first(checks, features, again)
        return Reading(features, records, appended.ticket if appended else None)

    def settle(self, reading: Reading, checks: Sequence[Check], withdrawn: Collection[Key]) -> None:
        """Says which checks of a batch were not committed. Never waits."""
        if reading.ticket is not None:
            gone = [each for check, each in zip(checks, reading.records, strict=True) if check.key in withdrawn]
            self._logs.settle(reading.ticket, [write for each in gone for write in _withdrawals(each)])

    async def _place_as_at_first(
        self, checks: Sequence[Check], features: list[Features | MeshError], again: Sequence[int]
    ) -> None:
        """Gives checks that came before the place in the order of arrival that they read as of."""
        try:
            first = await self._logs.first_arrivals([checks[place].key for place in again])
        except LogsUnavailableError:
            return
        for place in again:
            found, arrival = features[place], first.get(checks[place].key)
            if arrival is not None and isinstance(found, Features):
                features[place] = found._replace(arrival=arrival)

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

    def _features(
        self,
        check: Check,
        records: CheckRecords,
        slow: Collection[LogGroup],
        appended: Appended | None,
        arrival: int,
        order: int,
        daily: DailyBatch | None,
    ) -> Features | MeshError:
        """Reads the features of a check, which sees those before it. Nothing is awaited between two checks."""
        features = records.features.set
        # A sum that is to be converted is read as one of each currency.
        values: list[Any] = [None] * len(features.names)
        time = arrival if check.event_time is None else to_milliseconds(check.event_time)
        for group, place in records.places:
            record, read = _read_log(group, place)
            time, start = record.time, group.start
            if record.attempt != group.records[place].attempt:
                records.came_before = True
            values[start : start + len(read)] = read
        late = daily.complete(check, records, values, time, arrival) if features.daily and daily is not None else ()
        sums = _sums_to_convert(values, features.sums)
        if sums is None:
            return errors.sum_too_large()
        derive = features.derivation(check.event_type)
        if derive is not None:
            derive(values, check.fields)
        elsewhere = {each: total for each, total in sums.items() if total and each != check.currency} if sums else sums
        own = elsewhere, features, records.ip, order
        if appended is None:
            return Features(values, to_time(time), (DEGRADED, *late), Basis.UNLOGGED, b"", *own)
        if not slow:
            return Features(values, to_time(time), late, Basis.LOGS, appended.generation, *own)
        basis, degraded = _basis_of(records, slow)
        return Features(values, to_time(time), (*degraded, *late), basis, appended.generation, *own)


def _basis_of(records: CheckRecords, slow: Collection[LogGroup]) -> tuple[Basis, tuple[str, ...]]:
    """Tells where the features of a check come from if some logs are completed from the history, and how it is said."""
    from_history = [group in slow for group, _ in records.places]
    # One log that was relied on is enough for the decision to depend on what logs may lack.
    return Basis.HISTORY if all(from_history) else Basis.LOGS, (DEGRADED,) if any(from_history) else ()


def _held_up(patient: bool) -> MeshError:
    """Says of a check that what it has to read is more than is read now, or for any check."""
    if not patient:
        return TravelsApart()
    return unavailable("history", "the history of a key is longer than what is read for a check")


def _together(one: Reading, other: Reading) -> Reading:
    tickets = [each.ticket for each in (one, other) if each.ticket is not None]
    ticket = Ticket(tuple(name for each in tickets for name in each.names)) if tickets else None
    return Reading([*one.features, *other.features], [*one.records, *other.records], ticket)


def _read_log(group: LogGroup, place: int) -> tuple[LogRecord, Sequence[Any]]:
    """Returns what a record sees of its log, and adds it. A transaction that is there reads what it read at first."""
    fold, record, size = group.fold, group.records[place], group.recorder.layout.size
    assert fold is not None
    if group.begins:
        return record, fold.read(record)
    if not group.holds_own:
        packed = group.packed
        values = fold.admit(record, packed if len(packed) == size else packed[place * size : place * size + size])
        if values is not None:
            return record, values
        fold.add(record)
    first = fold.first(record.transaction)
    if first is None:
        # Withdrawn before it was read: by whoever found it overdue.
        return record, fold.read(record)
    known, arrival = first
    # Event types that only read have another number once others do.
    known = known._replace(type=record.type)
    return known, fold.read_as_of(known, arrival)


def _sums_to_convert(values: list[Any], places: Sequence[int]) -> Mapping[str, int] | None:
    """Takes out the sums by currency that are to be converted. Returns None if any sum is too large."""
    sums: Mapping[str, int] = {}
    for place in places:
        value = values[place]
        if isinstance(value, dict):
            sums, values[place] = value, None
        elif value is not None and value > LARGEST:
            return None
    return None if sums and max(sums.values()) > LARGEST else sums


def _withdrawals(records: CheckRecords) -> Sequence[LogWrite]:
    writes = []
    for group, place in (*records.places, *records.unread):
        layout = group.recorder.layout
        gone = layout.pack(group.records[place]._replace(kind=WITHDRAWAL))
        write = LogWrite(group.key, gone, layout.size, group.retain_seconds, refresh=False, is_read=group.is_read)
        writes.append(write)
    return writes
