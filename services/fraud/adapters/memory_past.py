"""The decisions of a store in memory as those of the past."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from datetime import datetime
from uuid import UUID

from services.fraud.adapters.memory import MemoryStore
from services.fraud.convert import past_from_record
from services.fraud.domain.backtests.past import Extent, PastDecision

__all__ = ["MemoryPast"]


class MemoryPast:
    """Implements `PastDecisions`. Identifiers are made to be of the time at which decisions were made."""

    def __init__(self, store: MemoryStore, page: int = 10) -> None:
        self._store = store
        self._page = page

    async def extent(self, tenant_id: str, event_type: str, since: datetime, until: datetime) -> Extent:
        found = [each for each in self._all(tenant_id, since, until) if each.event_type == event_type]
        late = max(((each.create_time - each.event_time).total_seconds() for each in found), default=0.0)
        sets = tuple(each.vector.version for each in (*found[:1], *found[-1:]) if each.vector is not None)
        return Extent(len(found), late, sets)

    async def pages(
        self,
        tenant_id: str,
        since: datetime,
        until: datetime,
        after: UUID,
        whole: str,
        events: Collection[str] = (),
        *,
        places: bool = False,
    ) -> AsyncGenerator[Sequence[PastDecision], None]:
        found = []
        for each in self._all(tenant_id, since, until):
            if each.event_type == whole and each.decision_id > str(after):
                found.append(each)
            elif each.event_type in events:
                place = each.place if places else None
                found.append(each._replace(answer=None, facts=None, vector=None, place=place))
        for start in range(0, len(found), self._page):
            yield found[start : start + self._page]

    def _all(self, tenant_id: str, since: datetime, until: datetime) -> Sequence[PastDecision]:
        rows = [
            past_from_record(
                {
                    "decision_id": _dated(made.decision_id, made.create_time),
                    "transaction_id": made.check.transaction_id,
                    "event_type": made.check.event_type,
                    "event_time": made.features.event_time,
                    "create_time": made.create_time,
                    "event": record.fields,
                    "answer": record.answer,
                    "inputs": record.inputs,
                }
            )
            for made, record in self._store.decided(tenant_id)
            if since <= made.create_time < until
        ]
        return sorted(rows, key=lambda each: each.decision_id)


def _dated(decision_id: str, made: datetime) -> UUID:
    milliseconds = int(made.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | UUID(decision_id).int & ((1 << 80) - 1))
