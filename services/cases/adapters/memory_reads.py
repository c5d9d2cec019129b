"""Reads alerts and cases in memory, and follows the decisions there: twins of the adapters on PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from uuid import UUID

from meshkit.following.batches import BEGINNING, UNKNOWN, Batch, Position, Proof
from services.cases.adapters.memory import MemoryCaseChanges, MemoryCaseRows, queue_place
from services.cases.domain.added import AttachedFile, CaseNote, DoneWithCase
from services.cases.domain.alerts import Evidence, StoredAlert
from services.cases.domain.cases import CaseState, StoredCase
from services.cases.domain.events import OVERLAP, EventOfFraud
from services.cases.domain.jobs import StoredJob
from services.cases.domain.levels import CaseSettings, priority_at
from services.cases.ports import AlertFilter, CaseChanges, CaseFilter, QueuePlace, WatchedCases

__all__ = ["MemoryCaseFollower", "MemoryCaseReads", "MemoryTenantsWithCases"]


class MemoryCaseReads:
    """Implements `CaseReads`."""

    def __init__(self, rows: MemoryCaseRows) -> None:
        self._rows = rows

    async def alert(self, tenant_id: str, alert_id: UUID) -> StoredAlert | None:
        return self._rows.alerts.get((tenant_id, str(alert_id)))

    async def alerts(self, tenant_id: str, only: AlertFilter, before: UUID | None, limit: int) -> Sequence[StoredAlert]:
        found = [
            each
            for (tenant, _), each in self._rows.alerts.items()
            if tenant == tenant_id
            and only.state in (None, each.state)
            and only.cause in (None, each.raised_for.cause)
            and only.entity_kind in ("", each.raised_for.entity.kind)
            and only.entity in ("", each.raised_for.entity.value)
            and only.case_id in ("", each.case_id)
            and each.severity >= only.severity
            and (each.state.live or not only.live)
            and (before is None or each.alert_id < str(before))
        ]
        return sorted(found, key=lambda each: each.alert_id, reverse=True)[:limit]

    async def evidence(self, tenant_id: str, alert_id: UUID) -> Sequence[Evidence]:
        return self._rows.evidence.get((tenant_id, str(alert_id)), ())

    async def case(self, tenant_id: str, case_id: UUID) -> StoredCase | None:
        return self._rows.cases.get((tenant_id, str(case_id)))

    async def cases(
        self, tenant_id: str, only: CaseFilter, after: QueuePlace | None, limit: int
    ) -> Sequence[StoredCase]:
        behind = after and after._replace(priority=-after.priority, money=-after.money)
        found = [
            each
            for (tenant, _), each in self._rows.cases.items()
            if tenant == tenant_id
            and only.state in (None, each.state)
            and only.assignee in ("", each.assignee)
            and only.entity in ("", each.entity.value)
            and (each.overdue or not only.overdue)
            and (each.state is not CaseState.CLOSED or not only.live)
            and each.priority >= only.priority
            and (behind is None or queue_place(each) > behind)
        ]
        return sorted(found, key=queue_place)[:limit]

    async def notes(self, tenant_id: str, case_id: UUID) -> Sequence[CaseNote]:
        return self._rows.notes.get((tenant_id, str(case_id)), ())

    async def attachments(self, tenant_id: str, case_id: UUID) -> Sequence[AttachedFile]:
        return self._rows.attachments.get((tenant_id, str(case_id)), ())

    async def transactions(
        self, tenant_id: str, case_id: UUID, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[Evidence]:
        found: dict[tuple[datetime, str], Evidence] = {}
        for (tenant, alert_id), known in self._rows.evidence.items():
            if tenant == tenant_id and self._rows.alerts[tenant, alert_id].case_id == str(case_id):
                found |= {(each.event_time, each.transaction_id): each for each in known}
        places = sorted((place for place in found if after is None or place < after), reverse=True)
        return [found[place] for place in places[:limit]]

    async def history(self, tenant_id: str, case_id: UUID, after: int, limit: int) -> Sequence[DoneWithCase]:
        return self._rows.history.get((tenant_id, str(case_id)), ())[after : after + limit]

    async def settings(self, tenant_id: str) -> CaseSettings:
        return self._rows.settings.get(tenant_id, CaseSettings())

    async def job(self, tenant_id: str, job_id: UUID) -> StoredJob | None:
        return self._rows.jobs.get((tenant_id, str(job_id)))


class MemoryTenantsWithCases:
    """Implements `TenantsWithCases`."""

    def __init__(self, rows: MemoryCaseRows) -> None:
        self._rows = rows

    async def watched(self, now: datetime) -> WatchedCases:
        found = {key: each for key, each in self._rows.cases.items() if each.state is not CaseState.CLOSED}
        due = {tenant for (tenant, _), each in found.items() if _is_due(each, now)}
        return WatchedCases(Counter(each.priority for each in found.values()), sorted(due))


def _is_due(case: StoredCase, now: datetime) -> bool:
    late = not case.overdue and case.due_at <= now
    return late or (case.state is CaseState.OPEN and case.priority != priority_at(case.level, case.waits_since, now))


class MemoryCaseFollower:
    """Implements `CaseFollowing`."""

    def __init__(self, rows: MemoryCaseRows, take: Callable[[CaseChanges, EventOfFraud], Awaitable[None]]) -> None:
        self._rows = rows
        self._take = take
        self._position = BEGINNING
        self._proof = UNKNOWN
        self._lost = ""
        self._newest: datetime | None = None

    async def position(self) -> Position:
        return self._position

    async def proof(self) -> Proof:
        return self._proof

    async def lost(self) -> str:
        return self._lost

    async def note(self, lost: str) -> None:
        self._lost = lost

    async def newest(self) -> datetime | None:
        return self._newest

    async def apply(self, batch: Batch[EventOfFraud]) -> Position:
        if not batch.continues(self._position):
            return self._position
        await self.enter(batch.items)
        for event in batch.items:
            self._newest = max(self._newest or event.decide_time, event.decide_time)
        if self._newest is not None:
            self._forget(batch.tenants, self._newest - OVERLAP)
        await self.go_on(batch.last, batch.proof)
        return batch.last

    async def enter(self, events: Sequence[EventOfFraud]) -> None:
        for event in events:
            await self._take(MemoryCaseChanges(self._rows, event.tenant_id), event)

    async def go_on(self, last: Position, proof: Proof) -> None:
        self._position, self._proof, self._lost = last, proof, ""

    def _forget(self, tenants: Collection[str], before: datetime) -> None:
        for key, decided in list(self._rows.dropped.items()):
            if key[0] in tenants and decided < before:
                del self._rows.dropped[key]
