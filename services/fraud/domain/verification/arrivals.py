"""Puts decisions, which come in the order in which they were made, into the order in which their checks arrived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush

from services.fraud.domain.verification.recorded import RecordedCheck, made_us

__all__ = ["MOST_WAITING", "WAITING_US", "ArrivalOrder"]

WAITING_US = 30_000_000
"""How much later than it arrived a check may have been decided: it is committed within ten seconds of its reading, and
what comes again within ten more stands where it came first."""
MOST_WAITING = 50_000
"""Decisions that wait for those before them: more are not at hand at once, whatever the order."""


class ArrivalOrder:
    """The decisions that wait until all that arrived before them must have come."""

    def __init__(self, waiting_us: int = WAITING_US, most: int = MOST_WAITING) -> None:
        self._waiting_us = waiting_us
        self._most = most
        self._heap: list[tuple[int, str, RecordedCheck]] = []
        self._skew: int | None = None
        """By how much the clocks of processes are ahead of that of the logs, at most."""

    def take(self, page: Sequence[RecordedCheck]) -> Iterator[RecordedCheck]:
        """Takes the next decisions. Yields those whose turn it is."""
        for each in page:
            heappush(self._heap, (each.order, each.decision_id, each))
            if each.arrival and not each.unlogged:
                ahead = made_us(each.decision_id) - each.arrival
                self._skew = ahead if self._skew is None else min(self._skew, ahead)
        if not page:
            return
        until = made_us(page[-1].decision_id) - (self._skew or 0) - self._waiting_us
        while self._heap and (self._heap[0][0] <= until or len(self._heap) > self._most):
            yield heappop(self._heap)[-1]

    def rest(self) -> Iterator[RecordedCheck]:
        """Yields all that are left."""
        while self._heap:
            yield heappop(self._heap)[-1]
