"""Totals by day what was decided: for tenants with features over more than 30 days, and what these need.

Every stream follows the decisions of its tenant in their order, some minutes behind: each of them is in the totals of
the day on which its event happened exactly once, however late the event came. A new stream begins with the oldest that
is kept, and is used when it has caught up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from uuid import UUID

from prometheus_client import Counter

from meshkit.errors import MeshError
from services.fraud.domain.declared.daily import first_kept
from services.fraud.domain.event import StoredEvent
from services.fraud.domain.logs.day_recording import DayRecorder, StreamValue
from services.fraud.domain.logs.days import Days, DayTotal
from services.fraud.ports import EventPage, FeatureHead, FeatureHeads, StreamReach, TotalsKeeping
from services.fraud.service.logs.groups import to_milliseconds
from services.fraud.service.tenants.feature_sets import FeatureSets

__all__ = ["DailyKeeper"]

_log = logging.getLogger(__name__)
_totalled = Counter("daily_totals_events", "Stored events that were added to daily totals.")

ROUND_SECONDS = 10.0
PAGE = 250
PAGES = 40
"""Of one tenant, before the next has its turn."""
PIECE = 50
"""Events that are totalled between two looks at what else is to be done."""


class DailyKeeper:
    """Keeps the totals of all tenants. One process does it at a time; what two do at once is done by one of them."""

    def __init__(
        self,
        *,
        totals: TotalsKeeping,
        heads: FeatureHeads,
        sets: FeatureSets,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._totals = totals
        self._heads = heads
        self._sets = sets
        self._clock = clock
        self._without: dict[str, FeatureHead] = {}
        """Tenants without such features, and the sets of which that is known."""
        self._forgotten: dict[str, int] = {}

    async def keep(self) -> None:
        """Works until cancelled. Failures of the store are met by the next round."""
        while True:
            behind = False
            try:
                behind = await self.round()
            except MeshError as error:
                _log.warning("daily totals cannot be kept: %s", error.message)
            await asyncio.sleep(0 if behind else ROUND_SECONDS)

    async def round(self) -> bool:
        """Goes on with every tenant. True if some are not done. Raises MeshError."""
        behind, heads = False, await self._heads.all()
        self._without = {tenant: head for tenant, head in self._without.items() if tenant in heads}
        for tenant_id, (head, _) in heads.items():
            if self._without.get(tenant_id) != head:
                behind |= await self._follow(tenant_id, head)
        return behind

    async def _follow(self, tenant_id: str, head: FeatureHead) -> bool:
        """Goes on with a tenant. True if it is not done."""
        await self._sets.prepare([tenant_id])
        features = self._sets.of(tenant_id)
        if features.head != head:
            # Just changed: this process goes by it in a moment.
            return False
        wanted = {each.stream.number for each in features.set.daily}
        known = await self._clean(tenant_id, wanted)
        if not wanted:
            self._without[tenant_id] = head
            return False
        if wanted - known.keys():
            await self._totals.begin(tenant_id, wanted - known.keys())
        for _ in range(PAGES):
            if await self._go_on(tenant_id):
                return False
        return True

    async def _clean(self, tenant_id: str, wanted: Collection[int]) -> Mapping[int, StreamReach]:
        """Deletes what nothing needs, and returns the streams that are left."""
        found = await self._totals.streams(tenant_id)
        gone = [stream for stream, reach in found.items() if reach.dropped or stream not in wanted]
        for stream in gone:
            more = True
            while more:
                more = await self._totals.drop(tenant_id, stream)
        first = first_kept(to_milliseconds(self._clock()))
        more = bool(wanted) and self._forgotten.get(tenant_id) != first
        while more:
            more = await self._totals.forget(tenant_id, first)
        self._forgotten[tenant_id] = first
        return {stream: reach for stream, reach in found.items() if stream not in gone}

    async def _go_on(self, tenant_id: str) -> bool:
        """Totals a page for the streams that are the furthest behind. True if that was the last page."""
        known = await self._totals.streams(tenant_id)
        places = sorted({reach.reached for reach in known.values()})
        after, until = places[0], (places[1] if len(places) > 1 else None)
        streams = [stream for stream, reach in known.items() if reach.reached == after]
        await self._sets.prepare([tenant_id])
        features = self._sets.of(tenant_id).set
        if not {each.stream.number for each in features.daily} >= known.keys():
            # What is not totalled must not go on. The next round deletes what nothing needs by now.
            return True
        recorder = DayRecorder(features, streams)
        page = await self._totals.page(tenant_id, recorder.types, after, until, PAGE)
        if not await self._take(tenant_id, streams, after, page, recorder):
            return True
        if not page.last:
            return False
        new = [stream for stream in streams if not known[stream].whole]
        if new:
            await self._totals.finish(tenant_id, new)
            _log.info("daily totals are whole", extra={"fields": {"tenant": tenant_id, "streams": len(new)}})
        return True

    async def _take(
        self, tenant_id: str, streams: Collection[int], after: UUID, page: EventPage, recorder: DayRecorder
    ) -> bool:
        """Adds a page to the totals. False if another process was there first."""
        first, totals = first_kept(to_milliseconds(self._clock())), dict[StreamValue, dict[tuple[int, int], DayTotal]]()
        for start in range(0, len(page.events), PIECE):
            for event in page.events[start : start + PIECE]:
                _add(totals, recorder, event, first)
            await asyncio.sleep(0)
        given: Mapping[StreamValue, Days] = totals
        taken = page.reached == after or await self._totals.take(tenant_id, streams, after, page.reached, given)
        _totalled.inc(len(page.events) if taken else 0)
        return taken


def _add(
    totals: dict[StreamValue, dict[tuple[int, int], DayTotal]], recorder: DayRecorder, event: StoredEvent, first: int
) -> None:
    for key, place, added in recorder.totals(event.event_type, event.fields, to_milliseconds(event.event_time)):
        if place[0] >= first:
            days = totals.setdefault(key, {})
            known = days.get(place)
            days[place] = added if known is None else known.merged(added)
