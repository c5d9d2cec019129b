"""Reads logs for batches that wait for something else, so that none that came after them is read before.

A batch waits for what one of its logs lacks while the others are at hand. To read them later, as of when it came, all
that others have added since would have to be undone for each of its checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from services.fraud.domain.declared.records import any_restored
from services.fraud.ports import LogKey
from services.fraud.service.logs.fold_cache import CachedFold
from services.fraud.service.logs.groups import LogGroup
from services.fraud.service.logs.reads import read_log

__all__ = ["UnreadGroups"]


class UnreadGroups:
    """The groups of batches that wait, by their log and in the order in which they were answered."""

    def __init__(self) -> None:
        self._waiting: dict[LogKey, list[LogGroup]] = {}

    @contextmanager
    def noted(self, groups: Sequence[LogGroup]) -> Iterator[None]:
        """Has groups read by whoever comes to their records, for as long as their batch waits."""
        for group in groups:
            self._waiting.setdefault(group.key, []).append(group)
        try:
            yield
        finally:
            for group in groups:
                waiting = self._waiting[group.key]
                waiting.remove(group)
                if not waiting:
                    del self._waiting[group.key]

    def extend(self, key: LogKey, cached: CachedFold, records: bytes) -> None:
        """Adds records to the fold of a log. Those of batches that wait are read for them on the way."""
        for group in self._waiting.get(key, ()):
            at, size = group.own_in(records), group.recorder.layout.size
            if at >= 0 and group.fold is None and not any_restored(records[at:], size):
                cached.fold.extend(records[:at])
                group.cached, group.fold = cached, cached.fold
                group.seen_before = [read_log(group, place) for place in range(len(group.records))]
                records = records[at + len(group.packed) :]
        cached.fold.extend(records)
