"""Brings the folds of logs up to date with what a batch was answered.

What has to be waited for comes first: histories, and logs that are loaded. Then all that is answered is taken without a
pause, because batches of this process share the folds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache

from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.declared.records import EVENT, KIND_AT, LABEL, any_restored
from services.fraud.domain.logs.fold import Fold
from services.fraud.ports import EntityLogs, LogPart, LogSlice, LogState
from services.fraud.service.logs.completing import Completer
from services.fraud.service.logs.fold_cache import CachedFold, FoldCache
from services.fraud.service.logs.groups import LogGroup
from services.fraud.service.logs.loading import LogLoader
from services.fraud.service.logs.slow import SlowLogs
from services.fraud.service.logs.unlogged import UnloggedDecisions, add_missing
from services.fraud.service.logs.unread import UnreadGroups

__all__ = ["LogFolds"]

MISSING_SECONDS = 0.25
"""For so long it is waited for what logs lack. Without it all is read from the history."""
_new = tuple.__new__
_ARRIVED = (bytes([EVENT]), bytes([LABEL]))
"""The kinds of records that were appended when they came: each stands at one place of one log alone."""


class LogFolds:
    """Keeps the folds of this process."""

    def __init__(self, logs: EntityLogs, completer: Completer, cache: FoldCache, unlogged: UnloggedDecisions) -> None:
        self._cache = cache
        self._unlogged = unlogged
        self._slow = SlowLogs(completer, LogLoader(logs, cache))
        self._unread = UnreadGroups()

    def known(self, groups: Sequence[LogGroup]) -> None:
        """Looks up what is known of logs before their records are appended."""
        get = self._cache.get
        for group in groups:
            group.cached = cached = get(group.key, group.recorder.plan)
            if cached is not None and cached.part.last[KIND_AT : KIND_AT + 1] not in _ARRIVED:
                # What came from the history tells no log from another that has begun in its place and got the same.
                self._cache.drop(group.key)
                group.cached = None

    async def prepare(
        self,
        groups: Sequence[LogGroup],
        gapped: Collection[str],
        now: datetime,
        *,
        patient: bool,
        seconds: float,
    ) -> set[LogGroup]:
        """Waits for what is needed to fold the groups, `seconds` at most: others than `patient` ones not for long.

        Returns those that are completed from the history. What could not be had in time has no fold.
        """
        completed: set[LogGroup] = set()
        if gapped:
            missing = await self._unlogged.read(gapped, min(seconds, MISSING_SECONDS))
            gapped = set(gapped).difference(missing)
            for group in groups:
                tenant = group.key.stream.tenant_id
                if tenant in missing:
                    group.missing = missing[tenant].of(group)
                    completed.add(group)
        waiting = self._slow.of(groups, gapped, now)
        if waiting is not None:
            with self._unread.noted(waiting.complete(groups)):
                completed |= await self._slow.get(waiting, now, patient=patient, seconds=seconds)
        return completed

    def fill(self, groups: Collection[LogGroup]) -> None:
        """Sees to it that the next checks of some logs find them whole. Never waits."""
        self._slow.fill(groups)

    def take(self, group: LogGroup) -> None:
        """Gives a group its fold, if there is one by now. Nothing may be awaited until its records are added."""
        self._take(group)
        if group.missing and group.fold is not None:
            add_missing(group, group.missing)

    def _take(self, group: LogGroup) -> None:
        if group.fold is not None or (group.loaded is None and self._follow(group)):
            return
        if group.loaded is not None:
            before_own = _before_own(group, group.loaded)
            if before_own is not None:
                self._add_before_own(group, before_own)
            else:
                self._extend(group, group.loaded)
                group.holds_own = True
        elif group.answer.state is LogState.WHOLE and not self._begin(group):
            answer = group.answer
            place = group.seen.start + group.seen.read if group.seen else answer.start
            self._add_before_own(group, [LogSlice(answer.start, place, answer.unseen)])

    def _add_before_own(self, group: LogGroup, slices: Sequence[LogSlice]) -> None:
        """Adds what stands before the records of this batch, which are added as they are read."""
        size, last = group.recorder.layout.size, slices[-1]
        cached = self._extend(group, slices)
        first_own = last.place + len(last.records) // size
        reached = first_own + len(group.records)
        group.holds_own = cached.reached > first_own
        if cached.reached < reached:
            cached.part = group.part(cached.part.start, reached - cached.part.start, group.packed[-size:])

    def _follow(self, group: LogGroup) -> bool:
        """Takes what was answered if the fold is where it was when that was asked for, which it nearly always is."""
        cached, answer = group.cached, group.answer
        if cached is None or cached.part is not group.seen or answer.state is not LogState.WHOLE:
            return False
        unseen, packed, part = answer.unseen, group.packed, cached.part
        size = group.recorder.layout.size
        if unseen:
            self._unread.extend(group.key, cached, unseen)
        read = part.read + (len(unseen) + len(packed)) // size
        cached.part = _new(LogPart, (part.start, read, packed[-size:], group.generation))
        group.fold = cached.fold
        return True

    @staticmethod
    def _begin(group: LogGroup) -> bool:
        """Reads a log that begins with a single check as it is: empty. Most keys are seen once, and need no fold."""
        answer = group.answer
        begins = group.cached is None and not answer.unseen and not answer.start and len(group.records) == 1
        if begins:
            group.fold = _empty(group.recorder.plan)
            group.begins = True
        return begins

    def keep(self, groups: Sequence[LogGroup]) -> None:
        """Keeps the folds of groups, now that their records are added."""
        for group in groups:
            cached = group.cached
            if cached is not None and cached.fold is group.fold and not cached.is_noted:
                self._cache.keep(group.key, cached)

    def _extend(self, group: LogGroup, slices: Sequence[LogSlice]) -> CachedFold:
        """Adds what the fold does not hold; another batch may have been there first."""
        size, cached = group.recorder.layout.size, self._current(group, slices[0].place)
        for each in slices:
            count = len(each.records) // size
            held = min(max(cached.reached - each.place, 0), count)
            if held < count:
                self._unread.extend(group.key, cached, each.records[held * size :])
                cached.part = group.part(each.start, each.place + count - each.start, each.records[-size:])
            elif each.start > cached.part.start:
                # The part that was open is sealed, and nothing was appended since.
                cached.part = group.part(each.start, cached.reached - each.start, b"")
        group.cached, group.fold = cached, cached.fold
        return cached

    def _current(self, group: LogGroup, place: int) -> CachedFold:
        """Returns the fold that holds the most of a log, and everything before a place."""
        plan = group.recorder.plan
        known = [each for each in (self._cache.get(group.key, plan), group.cached) if each is not None]
        found = [each for each in known if each.reached >= place and each.part.generation == group.generation]
        if found:
            return max(found, key=lambda each: each.reached)
        assert group.seen is None, "what was seen of a log is at hand"
        return CachedFold(Fold(group.recorder.plan), group.part(place, 0, b""), _now())


def _before_own(group: LogGroup, loaded: Sequence[LogSlice]) -> Sequence[LogSlice] | None:
    """Returns what was loaded before the records of this batch; None if they are not there, or see what comes after."""
    for number, each in enumerate(loaded):
        at = group.own_in(each.records)
        if at >= 0:
            size = group.recorder.layout.size
            after = (each.records[at:], *(rest.records for rest in loaded[number + 1 :]))
            if any(any_restored(records, size) for records in after):
                return None
            return [*loaded[:number], each._replace(records=each.records[:at])]
    return None


def _now() -> float:
    return asyncio.get_running_loop().time()


@lru_cache(maxsize=4_096)
def _empty(plan: KindPlan) -> Fold:
    return Fold(plan)
