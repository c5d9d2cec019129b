"""Keeps folds of logs at hand, within a bound of bytes."""

from __future__ import annotations

from collections import OrderedDict

from prometheus_client import Counter, Gauge

from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.logs.fold import Fold
from services.fraud.ports import LogKey, LogPart

__all__ = ["CachedFold", "FoldCache"]

_bytes = Gauge("fold_cache_bytes", "Estimated size of the folds that are kept at hand.")
_misses = Counter("fold_cache_misses", "Logs that were read from their beginning.")

TABLES = 12_000
"""Folds of small logs that are kept: the collector takes about 5 us for each."""
RESIZE_RECORDS = 64
"""A fold is measured again after so many further records."""


class CachedFold:
    """A fold that holds the first records of a log that is whole, and how far that is."""

    __slots__ = ("expiry", "fold", "kept", "measured", "part", "size")

    def __init__(self, fold: Fold, part: LogPart, expiry: float) -> None:
        self.fold = fold
        self.part = part
        self.expiry = expiry
        """When the log was last told how long to stay (monotonic seconds)."""
        self.kept = False
        """True while it is in the cache."""
        self.size = 0
        self.measured = 0

    @property
    def is_noted(self) -> bool:
        """True while there is no need to keep it anew: it is in the cache, and has not grown much."""
        return self.kept and self.part.start + self.part.read < self.measured + RESIZE_RECORDS

    @property
    def reached(self) -> int:
        """Records of the log that the fold holds."""
        return self.part.start + self.part.read


class FoldCache:
    """Folds by log, the one that was used longest ago goes first. `most` bounds the bytes, which are estimated.

    Of those that are a table not many are kept: a small log is read with the batch, and as quickly made into a table
    again. The collector of garbage, for which everything waits, would look at a dozen objects of each.
    """

    def __init__(self, most: int, tables: int = TABLES) -> None:
        self._most = most
        self._most_tables = tables
        self._tables: OrderedDict[LogKey, CachedFold] = OrderedDict()
        self._divided: OrderedDict[LogKey, CachedFold] = OrderedDict()
        self._size = 0

    def get(self, key: LogKey, plan: KindPlan) -> CachedFold | None:
        """Returns the fold of a log, if it is read by this plan."""
        folds = self._tables
        found = folds.get(key)
        if found is None:
            folds = self._divided
            found = folds.get(key)
        if found is None or found.fold.plan is not plan:
            _misses.inc()
            return None
        folds.move_to_end(key)
        return found

    def keep(self, key: LogKey, cached: CachedFold) -> None:
        """Puts a fold in, or takes note that one has grown."""
        if cached.is_noted:
            return
        self._put(key, cached)
        before, cached.size = cached.size, cached.fold.size_bytes()
        cached.measured = cached.reached
        self._size += cached.size - before
        while len(self._tables) > self._most_tables:
            self._forget(self._tables.popitem(last=False)[1])
        while self._size > self._most and len(self._tables) + len(self._divided) > 1:
            self._forget((self._divided or self._tables).popitem(last=False)[1])
        _bytes.set(self._size)

    def drop(self, key: LogKey) -> None:
        gone = self._tables.pop(key, None) or self._divided.pop(key, None)
        if gone is not None:
            self._forget(gone)

    def _put(self, key: LogKey, cached: CachedFold) -> None:
        is_table = cached.fold.table is not None
        if not cached.kept:
            self.drop(key)
        elif not is_table:
            # It may have been one.
            self._tables.pop(key, None)
        (self._tables if is_table else self._divided)[key] = cached
        cached.kept = True

    def _forget(self, gone: CachedFold) -> None:
        self._size -= gone.size
        gone.kept, gone.size = False, 0
