"""Keeps daily totals in memory: the twin of the adapters on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from services.fraud.adapters.memory_event_types import MemoryDeclarations
from services.fraud.domain.event import StoredEvent
from services.fraud.domain.logs.day_recording import StreamValue
from services.fraud.domain.logs.days import Days, merged_days, pack_days
from services.fraud.ports import DailyKey, EventPage, StreamReach

__all__ = ["MemoryDailyTotals"]

FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)
BLOCK_DAYS = 32
DELETED = 5_000
Decided = Sequence[tuple[UUID, StoredEvent]]


@dataclass
class MemoryDailyTotals:
    """Implements `DailyTotals` and `TotalsKeeping`."""

    decided: Callable[[str], Decided] = lambda _: ()
    """Returns the stored events of a tenant with the identifiers of their decisions."""
    settled: Callable[[], UUID] = lambda: LAST
    """Returns up to where no other decision is stored any more."""
    not_behind: Callable[[], UUID] = lambda: FIRST
    """Returns what streams have to have reached to be used."""
    declarations: MemoryDeclarations = field(default_factory=MemoryDeclarations)
    totals: dict[DailyKey, Days] = field(default_factory=dict)
    reach: dict[tuple[str, int], StreamReach] = field(default_factory=dict)

    async def read(self, keys: Sequence[DailyKey]) -> Mapping[DailyKey, bytes]:
        self.declarations.check()
        reach = {key: self.reach.get((key.tenant_id, key.stream)) for key in keys}
        used = [key for key, each in reach.items() if each and each.whole and each.reached >= self.not_behind()]
        return {key: pack_days(self.totals.get(key, {})) for key in used}

    async def streams(self, tenant_id: str) -> Mapping[int, StreamReach]:
        self.declarations.check()
        return {stream: each for (tenant, stream), each in self.reach.items() if tenant == tenant_id}

    async def begin(self, tenant_id: str, streams: Collection[int]) -> None:
        for stream in streams:
            self.reach.setdefault((tenant_id, stream), StreamReach(FIRST, whole=False))

    async def page(
        self, tenant_id: str, types: Collection[str], after: UUID, until: UUID | None, most: int
    ) -> EventPage:
        settled = self.settled()
        bound = min(settled, until or LAST)
        found = [each for each in sorted(self.decided(tenant_id), key=lambda each: each[0]) if after < each[0] <= bound]
        events = [each for each in found if each[1].event_type in types][:most]
        if len(events) == most:
            return EventPage([event for _, event in events], events[-1][0], last=False)
        return EventPage([event for _, event in events], max(after, bound), last=bound == settled)

    async def take(
        self, tenant_id: str, streams: Collection[int], before: UUID, reached: UUID, totals: Mapping[StreamValue, Days]
    ) -> bool:
        known = [self.reach.get((tenant_id, stream)) for stream in streams]
        if any(each is None or each.dropped or each.reached != before for each in known):
            return False
        for stream in streams:
            self._reached(tenant_id, stream, reached=reached)
        for (stream, value), days in totals.items():
            key = DailyKey(tenant_id, stream, value)
            self.totals[key] = merged_days(self.totals.get(key, {}), days)
        return True

    async def finish(self, tenant_id: str, streams: Collection[int]) -> None:
        for stream in streams:
            if not self.reach[tenant_id, stream].dropped:
                self._reached(tenant_id, stream, whole=True)
        self._tell(tenant_id)

    async def drop(self, tenant_id: str, stream: int) -> bool:
        if (tenant_id, stream) in self.reach:
            self._reached(tenant_id, stream, whole=False, dropped=True)
            self._tell(tenant_id)
        gone = [key for key in self.totals if key[:2] == (tenant_id, stream)][:DELETED]
        for key in gone:
            del self.totals[key]
        if len(gone) < DELETED:
            self.reach.pop((tenant_id, stream), None)
        return len(gone) == DELETED

    async def forget(self, tenant_id: str, first_day: int) -> bool:
        first = first_day // BLOCK_DAYS * BLOCK_DAYS
        for key, days in self.totals.items():
            if key.tenant_id == tenant_id:
                self.totals[key] = {place: each for place, each in days.items() if place[0] >= first}
        return False

    def _reached(self, tenant_id: str, stream: int, **changed: object) -> None:
        self.reach[tenant_id, stream] = self.reach[tenant_id, stream]._replace(**changed)  # type: ignore[arg-type]

    def _tell(self, tenant_id: str) -> None:
        whole = [stream for (tenant, stream), each in self.reach.items() if tenant == tenant_id and each.whole]
        before = self.declarations.of(tenant_id)
        features = before.features._replace(totalled=frozenset(whole))
        changed = replace(before, revision=before.revision + 1, features=features)
        self.declarations.declared[tenant_id] = changed
        self.declarations.on_change(tenant_id)
