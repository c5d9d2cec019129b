"""Limits how much of the history is read at once, by how long that takes at the moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from prometheus_client import Counter, Gauge

__all__ = ["HistoryAdmission"]

_seconds = Gauge("history_seconds_per_log", "What reading the history of a log takes now, of the time of all.")
_shed = Counter("history_logs_shed", "Logs whose history was not read at once, because too much was being read.")

BUDGET_SECONDS = 0.1
"""For so long at most a read that is admitted should take, with all that are under way."""
OWN_COST = 1
"""What a read costs beside its logs, in logs."""
WEIGHT = 0.2
"""Of what a read took against what those before it did."""


class HistoryAdmission:
    """An adaptive limit: reads share a processor, so each of them takes as long as all that are under way.

    What is not admitted is not waited for: under more than can be read, waiting only makes everybody late.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._under_way = 0
        self._seconds = 0.0

    def admitted(self, count: int) -> int:
        """Returns how many of so many logs may be read now: one at least while none is."""
        if not self._seconds:
            return count
        room = int(BUDGET_SECONDS / self._seconds) - self._under_way - OWN_COST
        admitted = max(min(count, room), 0 if self._under_way else min(count, 1))
        _shed.inc(count - admitted)
        return admitted

    @contextmanager
    def reading(self, count: int) -> Iterator[None]:
        """Notes that so many logs are read until the block ends, however it does."""
        cost, begun = count + OWN_COST, self._clock()
        self._under_way += cost
        at_once = self._under_way
        try:
            yield
        finally:
            self._under_way -= cost
            self._seconds += ((self._clock() - begun) / at_once - self._seconds) * WEIGHT
            _seconds.set(self._seconds)
