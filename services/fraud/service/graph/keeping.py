"""Keeps the graphs of tenants that have features of them.

What is decided is followed by the outbox, a page at a time; the place moves in the transaction of the effect, so that
nothing counts twice. What was decided before a tenant had a graph is filled in from the store. If the place is lost,
because of a restored database for example, all graphs are made anew in this way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from prometheus_client import Counter, Gauge

from meshkit.errors import MeshError
from services.fraud.domain.graph.batch import GraphEvent, sum_up
from services.fraud.domain.graph.links import EventLinks
from services.fraud.domain.outbox import Place, PlaceProof
from services.fraud.ports import FeatureHeads
from services.fraud.ports.graph import GraphChanges, GraphEvents, GraphPage, GraphReach, GraphStore
from services.fraud.service.graph.forgetting import forget
from services.fraud.service.graph.tenants import GraphTenants
from services.fraud.service.graph.writing import GraphWriter
from services.fraud.service.tenants.feature_sets import FeatureSets

__all__ = ["GraphKeeper"]

_log = logging.getLogger(__name__)
_events = Counter("graph_events", "Decided events and labels that took effect on a graph.")
_lag = Gauge("graph_lag_seconds", "Age of what the graphs know at least: all that was committed before is in them.")

POSITION_LOST = "STREAM_POSITION_LOST"
ROUND_SECONDS = 0.25
IDLE_SECONDS = 5.0
"""From one look for tenants with graphs to the next, as long as there is none."""
LOOK_SECONDS = 2.0
"""From one look for changed features to the next."""
AHEAD_SECONDS = 2.0
"""Decisions that are made from so long after the beginning of a graph are followed: more than clocks are apart."""
SETTLED_SECONDS = 15.0
"""After which nothing is stored any more of what was decided: ten seconds, and what clocks may be apart."""
PAGE = 500
DOUBTED = 32
"""Entities of which it is found out at once who is near fraud: each looks at 4,096 others at most."""
REST = timedelta(minutes=1)
"""For which a graph is left alone that could not be kept: each attempt may take as long as a statement may."""
TOLD_SECONDS = 1.0
"""After which it is said that there was nothing to follow."""


class GraphKeeper:
    """Keeps the graphs of all tenants. One process does it at a time; what two do at once is done by one of them.

    One that cannot be filled, forgotten or found out about holds up no other. A page that is followed is one for all.
    """

    def __init__(
        self,
        *,
        store: GraphStore,
        events: GraphEvents,
        heads: FeatureHeads,
        sets: FeatureSets,
        kept: timedelta,
        ahead_seconds: float = AHEAD_SECONDS,
        settled_seconds: float = SETTLED_SECONDS,
        look_seconds: float = LOOK_SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Edges are kept for so long after their last event, by its own time."""
        self._store = store
        self._events = events
        self._tenants = GraphTenants(heads, sets, look_seconds)
        self._kept = kept
        self._ahead = timedelta(seconds=ahead_seconds)
        self._settled = timedelta(seconds=settled_seconds)
        self._clock = clock
        self._place: tuple[Place, PlaceProof] | None = None
        self._told: datetime | None = None
        self._forgotten: dict[str, datetime] = {}
        self._resting: dict[str, datetime] = {}
        """Until when the graphs of tenants are left alone."""

    async def keep(self) -> None:
        """Works until cancelled. Failures of the store are met by the next round."""
        self._place = None
        try:
            while True:
                seconds = IDLE_SECONDS
                try:
                    seconds = await self.round()
                except MeshError as error:
                    _log.warning("graphs cannot be kept: %s", error.message)
                if self._told is not None:
                    _lag.set(max(0.0, (self._clock() - self._told).total_seconds()))
                await asyncio.sleep(seconds)
        finally:
            # Whoever leads next tells.
            _lag.set(0)

    async def round(self) -> float:
        """Goes on with every graph. Returns for how long to rest. Raises MeshError if nobody's can be followed."""
        links, reach = dict(await self._tenants.links()), await self._store.reach()
        behind = False
        for tenant_id in [each for each, known in reach.items() if known.dropped or each not in links]:
            # One that is wanted again is begun once all of it is gone.
            links.pop(tenant_id, None)
            behind |= await self._apart(tenant_id, partial(self._store.drop, tenant_id))
        if not links:
            self._place = self._told = None
            return 0.0 if behind else (ROUND_SECONDS if reach else IDLE_SECONDS)
        if self._place is None:
            self._place = await self._begin(is_new=not reach)
        for tenant_id, own in links.items():
            behind |= await self._apart(tenant_id, partial(self._go_on, tenant_id, reach.get(tenant_id), own))
        # What was begun or filled just now is followed accordingly.
        behind |= await self._follow(self._place, links, await self._store.reach())
        return 0.0 if behind else ROUND_SECONDS

    async def _apart(self, tenant_id: str, work: Callable[[], Awaitable[bool]]) -> bool:
        """Works on the graph of one tenant, without the others if that fails. True if there is more to do."""
        until = self._resting.get(tenant_id)
        if until is not None and self._clock() < until:
            return False
        try:
            return await work()
        except MeshError as error:
            fields = {"tenant": tenant_id}
            _log.warning("the graph of a tenant cannot be kept: %s", error.message, extra={"fields": fields})
            self._resting[tenant_id] = self._clock() + REST
            return False

    async def _begin(self, *, is_new: bool) -> tuple[Place, PlaceProof]:
        """Returns the place to go on from; where there is no graph yet, the newest one."""
        async with self._store.begin(()) as changes:
            known = await changes.place()
            if known is not None and not is_new:
                return known
            newest = await self._events.newest()
            await changes.move(*newest, self._clock())
            return newest

    async def _go_on(self, tenant_id: str, reach: GraphReach | None, links: Mapping[str, EventLinks]) -> bool:
        """Begins the graph of a tenant, fills it, and finds out what is doubted. True if it is not done."""
        now = self._clock()
        if reach is None:
            await self._store.begin_tenant(tenant_id, _first_id(now - self._kept), _first_id(now + self._ahead))
            return False
        if not reach.whole:
            return await self._fill(tenant_id, reach, links)
        behind = await self._find_out(tenant_id)
        if now - self._forgotten.get(tenant_id, datetime.min.replace(tzinfo=UTC)) > timedelta(days=1):
            if await forget(self._store, tenant_id, now - self._kept):
                return True
            self._forgotten[tenant_id] = now
        return behind

    async def _fill(self, tenant_id: str, reach: GraphReach, links: Mapping[str, EventLinks]) -> bool:
        """Enters a page of what was decided before the graph began. True if there is more at once."""
        until = min(reach.begun, _first_id(self._clock() - self._settled))
        found = await self._events.stored(tenant_id, reach.filled, until, PAGE)
        full = len(found) == PAGE
        reached = found[-1].decision_id if full else max(until, reach.filled)
        async with self._store.begin([tenant_id]) as changes:
            if await changes.filled(tenant_id, reach.filled, reached, whole=reached == reach.begun):
                await self._write(changes, tenant_id, found, links)
        return full

    async def _follow(
        self,
        place: tuple[Place, PlaceProof],
        links: Mapping[str, Mapping[str, EventLinks]],
        reach: Mapping[str, GraphReach],
    ) -> bool:
        """Enters what was committed since. True if there is more."""
        try:
            page = await self._events.follow(*place, [each for each in reach if each in links])
        except MeshError as error:
            if error.reason != POSITION_LOST:
                raise
            _log.error("the graphs are made anew, as their place in the outbox is lost: %s", error.message)
            await self._lose(reach)
            return True
        if page.last != place[0] or self._told is None or page.reached - self._told > timedelta(seconds=TOLD_SECONDS):
            await self._enter(place, page, links, reach)
        return page.more

    async def _enter(
        self,
        place: tuple[Place, PlaceProof],
        page: GraphPage,
        links: Mapping[str, Mapping[str, EventLinks]],
        reach: Mapping[str, GraphReach],
    ) -> None:
        """Lets a page take effect, unless somebody else has: then the place is read again."""
        self._place = None
        async with self._store.begin(page.events) as changes:
            if await changes.place() != place:
                return
            for tenant_id, events in sorted(page.events.items()):
                own = [each for each in events if _is_followed(each, reach[tenant_id])]
                await self._write(changes, tenant_id, own, links[tenant_id])
            await changes.move(page.last, page.proof, page.reached)
        self._place, self._told = (page.last, page.proof), page.reached

    async def _write(
        self, changes: GraphChanges, tenant_id: str, events: Sequence[GraphEvent], links: Mapping[str, EventLinks]
    ) -> None:
        """Lets events take effect but those that are too old by their own time, whenever they were decided."""
        since = self._clock() - self._kept
        kept = [each for each in events if each.time >= since]
        if kept:
            await GraphWriter(changes, tenant_id).write(sum_up(kept, links))
            _events.inc(len(kept))

    async def _find_out(self, tenant_id: str) -> bool:
        """Finds out for some entities how near fraud is. True if there may be more of them."""
        async with self._store.begin([tenant_id]) as changes:
            doubted = await changes.doubted(tenant_id, DOUBTED)
            if doubted:
                await changes.settle(tenant_id, await changes.frauds_near(tenant_id, doubted))
        return len(doubted) == DOUBTED

    async def _lose(self, reach: Mapping[str, GraphReach]) -> None:
        """Deletes all graphs, and follows from the newest place on: what is before it is filled in."""
        self._place = None
        for tenant_id in reach:
            while await self._store.drop(tenant_id):
                pass
        await self._begin(is_new=True)


def _is_followed(event: GraphEvent, reach: GraphReach) -> bool:
    """Tells whether an event of the outbox takes effect: what is filled in does so with what is known of it then."""
    return event.decision_id > reach.begun or (not event.is_new and event.decision_id <= reach.filled)


def _first_id(when: datetime) -> UUID:
    """Returns what every identifier of a decision comes after that is made from a time on (UUIDv7)."""
    return UUID(int=max(0, int(when.timestamp() * 1000)) << 80)
