"""Waits for what is not at hand of logs: loads them, and completes them from the history, within the time there is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from meshkit.errors import MeshError
from services.fraud.ports import LogAnswer, LogState, LogsUnavailableError
from services.fraud.service.logs.completing import Completer
from services.fraud.service.logs.filling import LogFiller
from services.fraud.service.logs.groups import SLACK_SECONDS, LogGroup, to_milliseconds
from services.fraud.service.logs.loading import LogLoader

__all__ = ["PROMPT_SECONDS", "SlowLogs", "Waiting"]

_log = logging.getLogger(__name__)

LATE_MS = 24 * 3_600_000
PROMPT_SECONDS = 0.5
"""For so long others wait for what one check lacks, before it is read apart, and for what is being read already."""
_UNKNOWN = LogAnswer(LogState.BROKEN)


@dataclass(slots=True)
class Waiting:
    """Logs of a batch that something has to be waited for."""

    late: list[LogGroup] = field(default_factory=list)
    """Of checks that come so late that their windows may reach back beyond what logs keep."""
    stale: list[LogGroup] = field(default_factory=list)
    partial: list[LogGroup] = field(default_factory=list)
    lost: list[LogGroup] = field(default_factory=list)
    """Those of which the history has to tell everything."""
    others: list[LogGroup] = field(default_factory=list)
    """Those that are being read already, for whoever comes next."""

    def complete(self, groups: Sequence[LogGroup]) -> Sequence[LogGroup]:
        """Returns those whose logs have all that they need, here or in Redis."""
        lacking = {*self.late, *self.partial, *self.lost, *self.others}
        return [group for group in groups if group not in lacking and not group.missing]


class SlowLogs:
    """Gets what is missing of logs, and what could not be waited for later."""

    def __init__(self, completer: Completer, loader: LogLoader) -> None:
        self._completer = completer
        self._loader = loader
        self._filler = LogFiller(self._fill)
        self._ending: set[asyncio.Task[None]] = set()

    def of(self, groups: Sequence[LogGroup], gapped: Collection[str], now: datetime) -> Waiting | None:
        """Sorts the logs that something has to be waited for. None if that is none."""
        waiting: Waiting | None = None
        limit = to_milliseconds(now) - LATE_MS
        for group in groups:
            is_gapped = gapped and group.key.stream.tenant_id in gapped
            is_late = not group.untimed and min(record.time for record in group.records) < limit
            if group.answer.state is LogState.WHOLE and not is_gapped and not is_late:
                continue
            waiting = waiting or Waiting()
            if is_gapped or group.answer.state is LogState.BROKEN:
                waiting.lost.append(group)
            elif is_late:
                waiting.late.append(group)
            else:
                self._sort(group, waiting)
        return waiting

    async def get(self, waiting: Waiting, now: datetime, *, patient: bool, seconds: float) -> set[LogGroup]:
        """Gets it within `seconds`. Returns the logs that are completed from the history; some may have no fold."""
        getting = asyncio.create_task(self._get(waiting, now, patient))
        try:
            await asyncio.wait({getting}, timeout=seconds if patient else min(seconds, PROMPT_SECONDS))
            if getting.done():
                getting.result()
            else:
                _log.warning("what logs lack was not read in time")
        except MeshError as error:
            _log.warning("what logs lack cannot be read: %s", error.message)
            for group in (*waiting.late, *waiting.stale, *waiting.partial, *waiting.lost):
                group.exhausted = patient
        finally:
            self._give_up(getting)
        for group in (*waiting.late, *waiting.lost):
            if group.fold is None and group.answer.state is LogState.WHOLE:
                group.answer = _UNKNOWN
        return {*waiting.partial, *waiting.lost}

    def fill(self, groups: Collection[LogGroup]) -> None:
        """Sees to it that the next checks of some logs find them whole. Never waits."""
        self._filler.add(each for each in groups if each.answer.state in (LogState.PARTIAL, LogState.STALE))

    def _give_up(self, getting: asyncio.Task[None]) -> None:
        """Ends what is not waited for, without waiting for that: a statement with many rows takes long to end."""
        if not getting.done():
            getting.cancel()
            self._ending.add(getting)
            getting.add_done_callback(self._ended)

    def _ended(self, getting: asyncio.Task[None]) -> None:
        self._ending.discard(getting)
        if not getting.cancelled() and (error := getting.exception()) is not None:
            _log.warning("what logs lack cannot be read: %s", error)

    def _sort(self, group: LogGroup, waiting: Waiting) -> None:
        if group.answer.state is LogState.STALE:
            waiting.stale.append(group)
        elif group.answer.state is LogState.PARTIAL:
            (waiting.others if self._filler.is_reading(group.key) else waiting.partial).append(group)

    async def _get(self, waiting: Waiting, now: datetime, patient: bool) -> None:
        """Raises MeshError UNAVAILABLE."""
        while waiting.late:
            group = waiting.late[-1]
            if await self._reaches_back(group, now):
                waiting.lost.append(group)
            else:
                self._sort(group, waiting)
            waiting.late.pop()
        for group in waiting.stale:
            if group.seen_before:
                continue
            try:
                await self._loader.load(group, patient)
            except LogsUnavailableError as error:
                _log.warning("features come from the store: %s", error)
            if group.loaded is None and patient:
                waiting.lost.append(group)
        await self._completer.complete(waiting.partial, now, patient=patient, restore=True)
        await self._completer.complete(waiting.lost, now, patient=patient, restore=False)
        if patient:
            await self._join(waiting.others)

    async def _join(self, groups: Sequence[LogGroup]) -> None:
        """Waits for logs that are being read. Checks come again for them, or go on without what takes longer."""
        try:
            async with asyncio.timeout(PROMPT_SECONDS):
                for group in groups:
                    await self._filler.finished(group.key)
        except TimeoutError:
            for group in groups:
                group.exhausted = self._filler.is_reading(group.key)

    async def _reaches_back(self, group: LogGroup, now: datetime) -> bool:
        """Tells whether there are decisions from before what logs keep. Raises MeshError UNAVAILABLE."""
        tenant = group.key.stream.tenant_id
        first = (await self._completer.first_decided([tenant])).get(tenant)
        kept = now - timedelta(milliseconds=group.recorder.plan.retention_ms, seconds=SLACK_SECONDS)
        return first is not None and first < kept

    async def _fill(self, group: LogGroup) -> None:
        """Raises MeshError UNAVAILABLE and LogsUnavailableError."""
        if group.answer.state is LogState.STALE:
            await self._loader.load_whole(group)
        if group.loaded is None:
            await self._completer.fill(group, datetime.now(UTC))
