"""Groups the records of a batch of checks by the logs that they belong to."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from services.fraud.domain.check import Check
from services.fraud.domain.declared.recording import currency_of
from services.fraud.domain.declared.records import LogRecord
from services.fraud.domain.declared.written import NOT_READ
from services.fraud.domain.event import StoredEvent, transaction_hash
from services.fraud.domain.ip_signals import ADDRESS, IpSignals
from services.fraud.domain.logs.fold import Fold
from services.fraud.ports import LogAnswer, LogKey, LogPart, LogSlice, LogState, LogWrite
from services.fraud.service.logs.fold_cache import CachedFold
from services.fraud.service.tenants.feature_sets import FeatureSets
from services.fraud.service.tenants.features import Recording, TenantFeatures

__all__ = ["SLACK_SECONDS", "TIME", "CheckRecords", "LogGroup", "LookUp", "group_checks", "to_milliseconds", "to_time"]

SLACK_SECONDS = 25 * 3600
"""For so much longer than the widest window a log is kept: checks may be late by a day."""
EXPIRY_SECONDS = 3_600.0
"""A log is told that often how long to stay."""
ATTEMPTS = (1 << 16) - 1
_new = tuple.__new__
TIME = struct.Struct("<q")
"""The time of a record, as it is packed."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
LookUp = Callable[[str], IpSignals | None]
"""Returns the signals of an address."""


class LogGroup:
    """A log, what checks of this batch append to it in their order, and the fold that is read for them."""

    cached: CachedFold | None = None
    seen: LogPart | None = None
    """What was known of the log when the records were appended."""
    packed = b""
    generation = b""
    """Of the logs that the records were appended to."""
    fold: Fold | None = None
    """None while the log is not known to be whole."""
    begins = False
    """True if the log begins with the one record of this batch: the fold is an empty one, and not the log's own."""
    as_of_first = False
    """True if transactions that came before are read as of their first attempts, which takes long."""
    holds_own = False
    """True if the fold holds the records of this batch already."""
    exhausted = False
    """True if there is no fold of it, and waiting longer would bring none: its history is too long, or not admitted."""
    answer = LogAnswer(LogState.BROKEN)
    missing: Sequence[StoredEvent] = ()
    """What the log may lack, because it was decided without the logs."""
    loaded: Sequence[LogSlice] | None = None
    """What was loaded of the log, the records of this batch with it."""
    seen_before: Sequence[tuple[LogRecord, Sequence[Any] | None]] = ()
    """What each record saw, if another batch has read it first: see `UnreadGroups`."""

    def __init__(self, key: LogKey, recording: Recording, features: TenantFeatures, untimed: bool) -> None:
        self.key = key
        self.recorder, _, self.start = recording
        self.is_read = self.start != NOT_READ
        """False for a log that is only written, until it is filled."""
        self.features = features
        """Those of the tenant, as they were when the batch came."""
        self.untimed = untimed
        self.records: list[LogRecord] = []

    @property
    def retain_seconds(self) -> int:
        return self.recorder.plan.retention_ms // 1000 + SLACK_SECONDS

    def write(self, now: float) -> LogWrite:
        """Returns what to append. `now` is monotonic."""
        layout, cached = self.recorder.layout, self.cached
        records = self.records
        self.packed = layout.pack(records[0]) if len(records) == 1 else layout.pack_all(records)
        stays = cached is not None and cached.expiry > now - EXPIRY_SECONDS
        if cached is not None and not stays:
            cached.expiry = now
        self.seen = cached.part if cached is not None else None
        retain = self.recorder.plan.retention_ms // 1000 + SLACK_SECONDS
        told = self.seen, self.untimed, not stays, self.is_read
        return _new(LogWrite, (self.key, self.packed, layout.size, retain, *told))

    def part(self, start: int, read: int, last: bytes) -> LogPart:
        """Says how far the log was read."""
        return LogPart(start, read, last, self.generation)

    def own_in(self, records: bytes) -> int:
        """Returns where the records of this batch begin among those of a log, in bytes; -1 if they are not there."""
        size = self.recorder.layout.size
        own = self.packed[:size]
        at = records.find(own)
        while at >= 0 and at % size:
            at = records.find(own, at + 1)
        return at

    def answered(self, answer: LogAnswer, generation: bytes) -> None:
        """Takes an answer of a generation of the logs: what was read in another one is none of it."""
        self.answer = answer
        if self.seen is not None and self.seen.generation != generation:
            self.seen = self.cached = None

    def arrived(self, milliseconds: int, stamp: bytes, generation: bytes) -> None:
        """Gives the records the time at which they arrived, which `stamp` is packed, if they have none of their own."""
        self.generation = generation
        if not self.untimed:
            return
        packed, records = self.packed, self.records
        if len(records) == 1:
            records[0] = _new(LogRecord, (milliseconds, *records[0][1:]))
            self.packed = stamp + packed[8:]
            return
        size = self.recorder.layout.size
        self.records = [_new(LogRecord, (milliseconds, *record[1:])) for record in records]
        self.packed = b"".join([stamp + packed[at + 8 : at + size] for at in range(0, len(packed), size)])


class CheckRecords:
    """What a check appends: to which logs, and at which place among the records of each."""

    __slots__ = ("features", "first_attempt", "ip", "places", "transaction", "unread")

    def __init__(self, transaction: int, features: TenantFeatures) -> None:
        self.transaction = transaction
        self.features = features
        self.ip: IpSignals | None = None
        """Those of the event's address, if a log was to know its place."""
        self.first_attempt = 0
        """The attempt at the transaction that was in a log already, if there was one."""
        self.places: list[tuple[LogGroup, int]] = []
        """In logs that are read."""
        self.unread: list[tuple[LogGroup, int]] = []
        """In logs that are only written."""


def group_checks(
    checks: Sequence[Check], sets: FeatureSets, look_up: LookUp, now: datetime
) -> tuple[Sequence[LogGroup], Sequence[CheckRecords]]:
    """Groups checks by log, in their order. Those without a time of their own get that of their arrival.

    Where a log is written to with and without, all of the batch get the time `now`.
    """
    grouped = _group(checks, sets, look_up, None)
    if grouped is None:
        grouped = _group(checks, sets, look_up, to_milliseconds(now))
        assert grouped is not None
    return grouped


def _group(
    checks: Sequence[Check], sets: FeatureSets, look_up: LookUp, now: int | None
) -> tuple[Sequence[LogGroup], Sequence[CheckRecords]] | None:
    """Returns None if a log has checks with a time and without, and no `now` to give these."""
    groups: dict[LogKey, LogGroup] = {}
    found: list[CheckRecords] = []
    for check in checks:
        untimed = check.event_time is None and now is None
        time = to_milliseconds(check.event_time) if check.event_time is not None else now or 0
        records = CheckRecords(transaction_hash(check.tenant_id, check.transaction_id), sets.of(check.tenant_id))
        if check.event_type in records.features.placed:
            address = check.fields.get(ADDRESS)
            records.ip = look_up(address) if isinstance(address, str) else None
        if not _add(groups, records, check, time, untimed):
            return None
        found.append(records)
    return list(groups.values()), found


def _add(groups: dict[LogKey, LogGroup], records: CheckRecords, check: Check, time: int, untimed: bool) -> bool:
    attempt, fields, transaction = int(random.random() * ATTEMPTS) + 1, check.fields, records.transaction
    currency, features = currency_of(fields), records.features
    where = records.ip.place if records.ip is not None else None
    for recording in features.recordings(check.tenant_id, check.event_type):
        recorder, stream, start = recording
        value = fields.get(recorder.field) if recorder.field else recorder.key(fields)
        if type(value) is not str:
            continue
        key = _new(LogKey, (stream, value))
        group = groups.get(key)
        if group is None:
            group = groups[key] = LogGroup(key, recording, features, untimed)
        elif group.untimed != untimed:
            return False
        (records.unread if start == NOT_READ else records.places).append((group, len(group.records)))
        group.records.append(recorder.record(fields, currency, time, transaction, attempt, where))
    return True


def to_milliseconds(when: datetime) -> int:
    return (when - _EPOCH) // _MILLISECOND


def to_time(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)
