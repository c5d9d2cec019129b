"""Loads logs that a process does not know, or not as far as they go by now."""

from __future__ import annotations

import asyncio

from services.fraud.domain.logs.fold import Fold
from services.fraud.ports import EntityLogs, LogKey, LogPart, LogSlice
from services.fraud.service.logs.fold_cache import CachedFold, FoldCache
from services.fraud.service.logs.groups import LogGroup

__all__ = ["LogLoader"]

SOON_SLICES = 4
"""Slices of a log that are loaded while others wait."""


class LogLoader:
    """Loads logs for groups of checks, and keeps what it read of a whole one. Raises LogsUnavailableError."""

    def __init__(self, logs: EntityLogs, cache: FoldCache) -> None:
        self._logs = logs
        self._cache = cache
        self._loading: dict[LogKey, asyncio.Lock] = {}

    async def load(self, group: LogGroup, patient: bool) -> None:
        """Loads what is not known of a log, which holds the records of this batch by now; all of it if patient."""
        if group.seen is not None:
            group.loaded = await self._slices(group, group.seen, None if patient else SOON_SLICES)
            if group.loaded is not None:
                return
            self._cache.drop(group.key)
        if patient:
            await self.load_whole(group, to_own=True)

    async def load_whole(self, group: LogGroup, *, to_own: bool = False) -> None:
        """Loads all of a log. Of what comes after the records of this batch nothing is kept if it goes `to_own`."""
        # One at a time: the others find it kept.
        lock = self._loading.setdefault(group.key, asyncio.Lock())
        try:
            async with lock:
                await self._load_all(group, to_own)
        finally:
            if not lock.locked():
                self._loading.pop(group.key, None)

    async def _load_all(self, group: LogGroup, to_own: bool) -> None:
        kept = self._cache.get(group.key, group.recorder.plan)
        if kept is not None:
            group.cached, group.loaded = kept, await self._slices(group, kept.part, None)
            if group.loaded is not None:
                return
            group.cached = None
            self._cache.drop(group.key)
        size, built = group.recorder.layout.size, None
        rest: list[LogSlice] = []
        async for each in self._logs.load(group.key, size, group.retain_seconds):
            if rest:
                rest.append(each)
                continue
            if built is None:
                built = CachedFold(Fold(group.recorder.plan), group.part(each.place, 0, b""), _now())
            own = group.own_in(each.records) if to_own else -1
            records = each.records if own < 0 else each.records[:own]
            for _ in built.fold.extend_in_steps(records):
                await asyncio.sleep(0)
            if records:
                reached = each.place + len(records) // size
                built.part = group.part(each.start, reached - each.start, records[-size:])
            if own >= 0:
                rest.append(LogSlice(each.start, each.place + own // size, each.records[own:]))
        if built is not None:
            self._cache.keep(group.key, built)
            group.cached, group.loaded = built, rest or [LogSlice(built.part.start, built.reached, b"")]

    async def _slices(self, group: LogGroup, after: LogPart, most: int | None) -> list[LogSlice] | None:
        slices: list[LogSlice] = []
        size = group.recorder.layout.size
        async for each in self._logs.load(group.key, size, group.retain_seconds, after):
            slices.append(each)
            if most is not None and len(slices) > most:
                return None
        return slices or None


def _now() -> float:
    return asyncio.get_running_loop().time()
