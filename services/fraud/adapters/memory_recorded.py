"""The decisions of a store in memory with the values of their features."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta

from services.fraud.adapters.memory import MemoryStore
from services.fraud.convert import intact_from_record, recorded_check_from_record
from services.fraud.domain.verification.recorded import RecordedCheck, RecordedExtent

__all__ = ["MemoryRecorded"]


class MemoryRecorded:
    """Implements `RecordedChecks`. `deleted` says that what was decided before the first decision was deleted."""

    def __init__(self, store: MemoryStore, page: int = 10, *, deleted: bool = False) -> None:
        self._store = store
        self._page = page
        self._deleted = deleted

    async def extent(self, tenant_id: str, since: datetime, until: datetime) -> RecordedExtent:
        found = self._all(tenant_id, since, until)
        late = max((each.create_time - each.event_time for each in found), default=timedelta())
        sets = tuple(each.vector.version for each in (*found[:1], *found[-1:]))
        first = min((made.create_time for made, _ in self._store.decided(tenant_id)), default=None)
        return RecordedExtent(len(found), late.total_seconds(), sets, first if self._deleted else None)

    async def pages(
        self, tenant_id: str, since: datetime, until: datetime
    ) -> AsyncGenerator[Sequence[RecordedCheck], None]:
        found = self._all(tenant_id, since, until)
        for start in range(0, len(found), self._page):
            yield found[start : start + self._page]

    async def intact(self, tenant_id: str, decision_id: str) -> bool:
        return any(
            made.decision_id == decision_id and intact_from_record(record.answer, record.fields, record.inputs)
            for made, record in self._store.decided(tenant_id)
        )

    def _all(self, tenant_id: str, since: datetime, until: datetime) -> Sequence[RecordedCheck]:
        rows = [
            {
                "decision_id": made.decision_id,
                "transaction_id": made.check.transaction_id,
                "event_type": made.check.event_type,
                "event_time": made.features.event_time,
                "create_time": made.create_time,
                "event": record.fields,
                "inputs": record.inputs,
            }
            for made, record in self._store.decided(tenant_id)
            if since <= made.create_time < until
        ]
        return sorted(map(recorded_check_from_record, rows), key=lambda each: each.decision_id)
