"""Judges committed decisions by the versions in the shadow, after they were answered and beside everything else.

Nothing here can change, delay or fail an answer: a decision is put into a queue once it is stored, the queue has a
bound, and what is in it is judged a slice at a time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from uuid import UUID, uuid4

from prometheus_client import Counter

from meshkit.errors import MeshError
from services.fraud.domain.check import Decided
from services.fraud.domain.scenarios.shadows import Shadow, ShadowReport
from services.fraud.ports.shadows import ShadowKey, ShadowPart, ShadowReports

__all__ = ["ShadowRuns"]

_log = logging.getLogger(__name__)
_judged = Counter("shadow_judgements", "Decisions that versions in the shadow judged.")
_missed = Counter("shadow_judgements_missed", "Decisions that versions in the shadow did not judge for want of time.")
_failed = Counter("shadow_judgements_failed", "Decisions that versions in the shadow could not judge.")

MOST_WAITING = 5_000
"""Decisions that wait to be judged: some seconds of them, each with what it was computed from."""
SLICE_SECONDS = 0.001
PAUSE_SECONDS = 0.001
"""From a slice to the next: half of the time is everybody else's, also while many wait."""
PACE_SECONDS = 1.0
MOST_REPORTS = 2_000
"""Reports that go on being counted in memory; of more the idlest begin another part."""
LAST_SECONDS = 2.0


class ShadowRuns:
    """The shadows of one process."""

    def __init__(
        self,
        reports: ShadowReports,
        *,
        most_waiting: int = MOST_WAITING,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._reports = reports
        self._most_waiting = most_waiting
        self._clock = clock
        self._waiting: deque[Decided] = deque()
        self._added = asyncio.Event()
        self._counted: OrderedDict[ShadowKey, tuple[UUID, ShadowReport]] = OrderedDict()
        self._changed: set[ShadowKey] = set()
        self._warned: set[ShadowKey] = set()

    def add(self, made: Decided) -> None:
        """Takes a decision that was committed. Never waits and never raises."""
        if not made.shadows:
            return
        if len(self._waiting) < self._most_waiting:
            self._waiting.append(made)
            self._added.set()
            return
        for shadow in made.shadows:
            report = self._report(ShadowKey(made.check.tenant_id, shadow.ref))
            report.missed += 1
            report.seen(made.create_time)
        _missed.inc(len(made.shadows))

    async def run(self) -> None:
        """Judges what was added, until cancelled."""
        while True:
            await self._added.wait()
            self._judge_for(SLICE_SECONDS)
            if not self._waiting:
                self._added.clear()
            await asyncio.sleep(PAUSE_SECONDS)

    async def keep(self) -> None:
        """Stores every second what was counted, until cancelled. Outages are waited out."""
        while True:
            await asyncio.sleep(PACE_SECONDS)
            try:
                await self.flush()
            except MeshError as error:
                _log.warning("what shadows would have answered is stored later: %s", error.message)

    async def flush(self) -> None:
        """Stores what has changed. Raises MeshError UNAVAILABLE; then it is stored the next time."""
        changed, self._changed = self._changed, set()
        parts = {ShadowPart(key, self._counted[key][0]): self._counted[key][1] for key in changed}
        try:
            if parts:
                await self._reports.save(parts)
        except BaseException:
            self._changed |= changed
            raise
        while len(self._counted) > MOST_REPORTS:
            idlest = next((key for key in self._counted if key not in self._changed), None)
            if idlest is None:
                break
            del self._counted[idlest]

    async def close(self) -> None:
        """Judges and stores what is left, as far as there is time."""
        until = self._clock() + LAST_SECONDS / 2
        while self._waiting and self._clock() < until:
            self._judge_for(SLICE_SECONDS)
            await asyncio.sleep(0)
        try:
            async with asyncio.timeout(LAST_SECONDS / 2):
                await self.flush()
        except (MeshError, TimeoutError) as error:
            _log.warning("what shadows would have answered at the last is not stored: %s", error)

    def _judge_for(self, seconds: float) -> None:
        until = self._clock() + seconds
        while self._waiting and self._clock() < until:
            made = self._waiting.popleft()
            for shadow in made.shadows:
                self._judge(made, shadow)

    def _judge(self, made: Decided, shadow: Shadow) -> None:
        key = ShadowKey(made.check.tenant_id, shadow.ref)
        report = self._report(key)
        try:
            report.count(made.decision_id, made.judgement, shadow.judge(), made.create_time)
        except Exception as error:
            # Whatever a version brings about, it is its report that says so.
            report.failed += 1
            report.seen(made.create_time)
            _failed.inc()
            if key not in self._warned and len(self._warned) < MOST_REPORTS:
                self._warned.add(key)
                fields = {"tenant_id": key.tenant_id, "version": str(key.ref)}
                _log.error("a version cannot judge in the shadow", exc_info=error, extra={"fields": fields})
        else:
            _judged.inc()

    def _report(self, key: ShadowKey) -> ShadowReport:
        found = self._counted.get(key)
        if found is None:
            found = self._counted[key] = uuid4(), ShadowReport()
        self._counted.move_to_end(key)
        self._changed.add(key)
        return found[1]
