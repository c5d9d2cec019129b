"""What one check reads of its logs, and what is said of that."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

from services.fraud.domain.check import FEATURES_SLOW_PATH, Basis
from services.fraud.domain.declared.records import WITHDRAWAL, LogRecord
from services.fraud.ports import LogWrite
from services.fraud.service.logs.groups import CheckRecords, LogGroup

__all__ = ["Places", "basis_of", "read_log", "sums_to_convert", "withdrawals"]

LARGEST = 2**63 - 1
"""Largest value that is stored."""
Places: TypeAlias = Sequence[tuple[LogGroup, int]]
"""Logs, with the places of a check among the records of each."""


def read_log(group: LogGroup, place: int) -> tuple[LogRecord, Sequence[Any] | None]:
    """Returns what a record sees of its log, and adds it.

    Of a transaction that is there the record of the first attempt, and what that saw only if the group is to tell it.
    """
    if group.seen_before:
        return group.seen_before[place]
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
    if known.attempt != record.attempt and not group.as_of_first:
        return known, None
    # Event types that only read have another number once others do.
    known = known._replace(type=record.type)
    return known, fold.read_as_of(known, arrival)


def sums_to_convert(values: list[Any], places: Sequence[int]) -> Mapping[str, int] | None:
    """Takes out the sums by currency that are to be converted. Returns None if any sum is too large."""
    sums: Mapping[str, int] = {}
    for place in places:
        value = values[place]
        if isinstance(value, dict):
            sums, values[place] = value, None
        elif value is not None and value > LARGEST:
            return None
    return None if sums and max(sums.values()) > LARGEST else sums


def basis_of(places: Places, slow: Collection[LogGroup]) -> tuple[Basis, tuple[str, ...]]:
    """Tells where the features of a check come from if some logs are completed from the history, and how it is said."""
    from_history = [group in slow for group, _ in places]
    # One log that was relied on is enough for the decision to depend on what logs may lack.
    return Basis.HISTORY if all(from_history) else Basis.LOGS, (FEATURES_SLOW_PATH,) if any(from_history) else ()


def withdrawals(records: CheckRecords) -> Sequence[LogWrite]:
    writes = []
    for group, place in (*records.places, *records.unread):
        layout = group.recorder.layout
        gone = layout.pack(group.records[place]._replace(kind=WITHDRAWAL))
        write = LogWrite(group.key, gone, layout.size, group.retain_seconds, refresh=False, is_read=group.is_read)
        writes.append(write)
    return writes
