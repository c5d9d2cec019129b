"""Keeps alerts and cases in memory: the twin of the adapters on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from meshkit.named_requests import Answered
from meshkit.storage.named_requests import MemoryClaims
from services.cases.domain.added import AttachedFile, CaseNote, DoneWithCase
from services.cases.domain.alerts import MOST_EVIDENCE, AlertedEntity, Evidence, RaisedFor, StoredAlert
from services.cases.domain.cases import CaseState, StoredCase
from services.cases.domain.events import LabelledEvent
from services.cases.domain.jobs import StoredJob
from services.cases.domain.levels import CaseSettings, UrgencyLevel, priority_at
from services.cases.ports import AddedTexts, CaseChanges, CaseTold, QueuePlace

__all__ = ["MemoryCaseChanges", "MemoryCaseRows", "MemoryCaseWriter", "queue_place"]

Added = TypeVar("Added")


@dataclass
class MemoryCaseRows:
    """What the others here share, as a database is. Keys begin with the tenant."""

    settings: dict[str, CaseSettings] = field(default_factory=dict)
    alerts: dict[tuple[str, str], StoredAlert] = field(default_factory=dict)
    evidence: dict[tuple[str, str], tuple[Evidence, ...]] = field(default_factory=dict)
    """By alert, the newest first."""
    dropped: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    """When those were decided that are not kept: by tenant, transaction and alert."""
    cases: dict[tuple[str, str], StoredCase] = field(default_factory=dict)
    notes: dict[tuple[str, str], tuple[CaseNote, ...]] = field(default_factory=dict)
    attachments: dict[tuple[str, str], tuple[AttachedFile, ...]] = field(default_factory=dict)
    history: dict[tuple[str, str], tuple[DoneWithCase, ...]] = field(default_factory=dict)
    requests: dict[tuple[str, UUID], Answered] = field(default_factory=dict)
    jobs: dict[tuple[str, str], StoredJob] = field(default_factory=dict)
    told: dict[int, tuple[str, CaseTold]] = field(default_factory=dict)


def queue_place(case: StoredCase) -> QueuePlace:
    """Returns what sorts cases in the order of the queue, as a place with what comes first negated."""
    return QueuePlace(-case.priority, -case.money, case.created_at, case.case_id)


class MemoryCaseWriter:
    """Implements `CaseWriter`: one transaction at a time."""

    def __init__(self, rows: MemoryCaseRows) -> None:
        self._rows = rows
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[CaseChanges]:
        async with self._lock:
            before = {each.name: dict(getattr(self._rows, each.name)) for each in fields(self._rows)}
            try:
                yield MemoryCaseChanges(self._rows, tenant_id)
            except BaseException:
                for name, found in before.items():
                    getattr(self._rows, name).clear()
                    getattr(self._rows, name).update(found)
                raise


class MemoryCaseChanges(MemoryClaims):
    """Implements `CaseChanges`."""

    def __init__(self, rows: MemoryCaseRows, tenant_id: str) -> None:
        super().__init__(rows.requests, tenant_id)
        self._rows = rows

    async def settings(self) -> CaseSettings:
        return self._rows.settings.get(self._tenant_id, CaseSettings())

    async def save_settings(self, settings: CaseSettings) -> None:
        self._rows.settings[self._tenant_id] = settings

    async def alert(self, alert_id: UUID) -> StoredAlert | None:
        return self._rows.alerts.get((self._tenant_id, str(alert_id)))

    async def live_alert(self, raised_for: RaisedFor) -> StoredAlert | None:
        return next((each for each in self._alerts() if each.state.live and each.raised_for == raised_for), None)

    async def alerts_of(self, case_id: str) -> Sequence[StoredAlert]:
        return sorted((each for each in self._alerts() if each.case_id == case_id), key=lambda each: each.alert_id)

    async def save_alert(self, alert: StoredAlert) -> None:
        self._rows.alerts[self._tenant_id, alert.alert_id] = alert

    async def raised_before(self, transaction_id: str, raised_for: RaisedFor) -> bool:
        same = [each for each in self._alerts() if each.raised_for[1:] == raised_for[1:]]
        return any(
            (self._tenant_id, transaction_id, each.alert_id) in self._rows.dropped
            or any(known.transaction_id == transaction_id for known in self._evidence(each))
            for each in same
        )

    async def add_evidence(self, alert_id: str, evidence: Evidence) -> None:
        key = self._tenant_id, alert_id
        known = self._rows.evidence.get(key, ())
        if all(each.transaction_id != evidence.transaction_id for each in known):
            newest = sorted((*known, evidence), key=_newest, reverse=True)
            self._rows.evidence[key] = tuple(newest[:MOST_EVIDENCE])
            for each in newest[MOST_EVIDENCE:]:
                self._rows.dropped[self._tenant_id, each.transaction_id, alert_id] = each.decide_time

    async def label(self, event: LabelledEvent) -> None:
        def labelled(each: Evidence) -> Evidence:
            later = each.label_known is not None and each.label_known > event.known_at
            if each.transaction_id != event.transaction_id or later:
                return each
            return each._replace(label=event.label, label_known=event.known_at)

        for key, known in self._rows.evidence.items():
            if key[0] == self._tenant_id:
                self._rows.evidence[key] = tuple(map(labelled, known))

    async def case(self, case_id: UUID) -> StoredCase | None:
        return self._rows.cases.get((self._tenant_id, str(case_id)))

    async def open_case(self, entity: AlertedEntity) -> StoredCase | None:
        found = self._cases(lambda each: each.entity == entity and each.split_from is None)
        return next(iter(found), None)

    async def next_case(self, priority: UrgencyLevel) -> StoredCase | None:
        waiting = self._cases(lambda each: each.state is CaseState.OPEN and each.priority >= priority)
        return min(waiting, key=queue_place, default=None)

    async def late_cases(self, now: datetime, limit: int) -> Sequence[StoredCase]:
        late = self._cases(lambda each: not each.overdue and each.due_at <= now)
        return sorted(late, key=lambda each: each.due_at)[:limit]

    async def age_cases(self, now: datetime, limit: int) -> int:
        waiting = self._cases(lambda each: each.state is CaseState.OPEN)
        aged = [replace(each, priority=priority_at(each.level, each.waits_since, now)) for each in waiting]
        changed = [new for new, old in zip(aged, waiting, strict=True) if new != old][:limit]
        self._rows.cases |= {(self._tenant_id, each.case_id): each for each in changed}
        return len(changed)

    async def save_case(self, case: StoredCase) -> None:
        self._rows.cases[self._tenant_id, case.case_id] = case

    async def transactions_of(self, case_id: str, *, dismissed: bool = False) -> Sequence[str]:
        alerts = [each for each in await self.alerts_of(case_id) if dismissed or each.state.counts]
        return sorted({known.transaction_id for each in alerts for known in self._evidence(each)})

    async def add_note(self, case_id: str, note: CaseNote) -> None:
        self._add(self._rows.notes, case_id, note)

    async def add_attachment(self, case_id: str, attachment: AttachedFile) -> None:
        self._add(self._rows.attachments, case_id, attachment)

    async def added(self, case_id: str) -> AddedTexts:
        key = self._tenant_id, case_id
        notes, files = self._rows.notes.get(key, ()), self._rows.attachments.get(key, ())
        text_bytes = sum(each.bytes for each in notes) + sum(each.bytes for each in files)
        return AddedTexts(len(notes) + len(files), text_bytes)

    async def record(self, case_id: str, action: str, actor: str, at: datetime, details: Mapping[str, str]) -> None:
        number = len(self._rows.history.get((self._tenant_id, case_id), ())) + 1
        self._add(self._rows.history, case_id, DoneWithCase(number, action, actor, at, dict(details)))

    async def add_job(self, job: StoredJob) -> None:
        self._rows.jobs[self._tenant_id, job.job_id] = job

    async def advance(self, job: StoredJob, looked_at: int, changed: int) -> bool:
        known = self._rows.jobs[self._tenant_id, job.job_id]
        if known.done != job.done:
            return False
        refused = known.refused + looked_at - changed
        moved = replace(known, done=known.done + looked_at, changed=known.changed + changed, refused=refused)
        self._rows.jobs[self._tenant_id, job.job_id] = moved
        return True

    async def tell(self, told: CaseTold) -> None:
        self._rows.told[len(self._rows.told)] = self._tenant_id, told

    def _alerts(self) -> Sequence[StoredAlert]:
        return [each for (tenant, _), each in self._rows.alerts.items() if tenant == self._tenant_id]

    def _evidence(self, alert: StoredAlert) -> Sequence[Evidence]:
        return self._rows.evidence.get((self._tenant_id, alert.alert_id), ())

    def _cases(self, wanted: Callable[[StoredCase], bool]) -> Sequence[StoredCase]:
        """Returns those that are not closed."""
        own = [each for (tenant, _), each in self._rows.cases.items() if tenant == self._tenant_id]
        return [each for each in own if each.state is not CaseState.CLOSED and wanted(each)]

    def _add(self, table: dict[tuple[str, str], tuple[Added, ...]], case_id: str, new: Added) -> None:
        key = self._tenant_id, case_id
        table[key] = (*table.get(key, ()), new)


def _newest(evidence: Evidence) -> tuple[datetime, str]:
    return evidence.event_time, evidence.transaction_id
