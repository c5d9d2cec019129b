"""Searches cycles of transfers: money that comes back to where it left, each step after the one before it.

A search goes back from a transfer, a step at a time, so that what it needs of the store can be read for many searches
at once. Of the transfers between two entities it knows the first and the last: what it finds is true, and it may miss
one that went by a transfer between these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

__all__ = ["CYCLE_WINDOW", "LONGEST_CYCLE", "CycleSearch", "KnownTransfers"]

LONGEST_CYCLE = 6
SHORTEST_CYCLE = 3
"""Money that goes and comes back between two is a refund."""
CYCLE_WINDOW = timedelta(days=7)
"""From the first step to the last."""
MOST_VISITED = 256
"""Entities at one step of a search; a search that meets more of them goes on with the latest."""


class KnownTransfers(NamedTuple):
    """What is known of the transfers from one entity to another that is asked about."""

    source: int
    first_time: datetime
    last_time: datetime


class CycleSearch:
    """Searches a cycle that a transfer closes. Take a step for as long as something is `wanted`."""

    def __init__(self, source: int, target: int, time: datetime) -> None:
        self._target = target
        self._since = time - CYCLE_WINDOW
        self._paths: dict[int, tuple[datetime, tuple[int, ...]]] = {source: (time, (target, source))}
        self._length = 1
        self.found: Sequence[int] = ()
        """The entities of the cycle, against the way that the money goes; empty as long as none is found."""
        self.is_cut = False
        """True if it met more entities than it looks at."""

    @property
    def wanted(self) -> frozenset[int]:
        """The entities whose incoming transfers the next step needs."""
        return frozenset() if self.found or self._length >= LONGEST_CYCLE else frozenset(self._paths)

    def step(self, incoming: Mapping[int, Sequence[KnownTransfers]]) -> None:
        """Goes back by one transfer from each entity. Of several ways to one the latest is followed."""
        before, self._paths = self._paths, {}
        self._length += 1
        for entity, (bound, path) in before.items():
            for each in incoming.get(entity, ()):
                time = each.last_time if each.last_time < bound else each.first_time
                if not self._since <= time < bound:
                    continue
                if each.source == self._target:
                    if self._length >= SHORTEST_CYCLE:
                        self.found = path
                        return
                elif each.source not in path and self._is_later(each.source, time):
                    self._paths[each.source] = time, (*path, each.source)
        self._cut()

    def _is_later(self, entity: int, time: datetime) -> bool:
        known = self._paths.get(entity)
        return known is None or time > known[0]

    def _cut(self) -> None:
        if len(self._paths) > MOST_VISITED:
            self.is_cut = True
            latest = sorted(self._paths.items(), key=lambda each: each[1][0], reverse=True)
            self._paths = dict(latest[:MOST_VISITED])
