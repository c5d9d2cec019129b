"""Keeps labels in memory: the twin of the adapters on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from meshkit.named_requests import Answered
from meshkit.storage.named_requests import MemoryClaims
from services.fraud.domain.backtests.arrived import ArrivedLabel
from services.fraud.domain.event import StoredEvent
from services.fraud.domain.labels.imports import MOST_REFUSED, ImportedRows, LabelImport, RefusedRow
from services.fraud.domain.labels.label import LabelledTransaction, StoredLabel, in_effect
from services.fraud.ports.labels import LabelChanges, LabelFilter, MatchedLabels, PlacedLabel

__all__ = [
    "MemoryLabelArrivals",
    "MemoryLabelChanges",
    "MemoryLabelImports",
    "MemoryLabelRows",
    "MemoryLabelWriter",
    "MemoryLabels",
    "MemoryUntoldLabels",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass
class MemoryLabelRows:
    """What the others here share, as a database is."""

    labels: dict[tuple[str, str], list[StoredLabel]] = field(default_factory=dict)
    """By tenant and transaction, in the order of their numbers."""
    events: dict[tuple[str, str], tuple[str, StoredEvent]] = field(default_factory=dict)
    """Decisions, each with its event, by tenant and transaction."""
    arrivals: dict[str, int] = field(default_factory=dict)
    imports: dict[tuple[str, str], LabelImport] = field(default_factory=dict)
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    refused: dict[tuple[str, str], list[RefusedRow]] = field(default_factory=dict)
    requests: dict[tuple[str, UUID], Answered] = field(default_factory=dict)

    def decide(self, tenant_id: str, decision_id: str, event: StoredEvent) -> None:
        self.events[tenant_id, event.transaction_id] = decision_id, event

    def of(self, tenant_id: str) -> Sequence[StoredLabel]:
        return [each for (owner, _), labels in self.labels.items() if owner == tenant_id for each in labels]


class MemoryLabels:
    """Implements `LabelReads`."""

    def __init__(self, rows: MemoryLabelRows) -> None:
        self._rows = rows

    async def get(self, tenant_id: str, label_id: UUID) -> StoredLabel | None:
        return next((each for each in self._told(tenant_id) if each.label_id == str(label_id)), None)

    async def page(self, tenant_id: str, only: LabelFilter, before: UUID | None, limit: int) -> Sequence[StoredLabel]:
        found = [
            each
            for each in self._told(tenant_id)
            if only.transaction_id in ("", each.transaction_id)
            and only.kind in (None, each.kind)
            and only.source in ("", each.source)
            and not (only.pending and (each.decision_id is not None or each.refused))
            and (before is None or each.label_id < str(before))
        ]
        return sorted(found, key=lambda each: each.label_id, reverse=True)[:limit]

    def _told(self, tenant_id: str) -> Sequence[StoredLabel]:
        found = []
        for each in self._rows.of(tenant_id):
            current = in_effect(self._rows.labels[tenant_id, each.transaction_id])
            found.append(replace(each, effective=current is not None and current.number == each.number))
        return found


class MemoryLabelWriter:
    """Implements `LabelWriter`: one transaction at a time."""

    def __init__(self, rows: MemoryLabelRows) -> None:
        self._rows = rows
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[LabelChanges]:
        rows = self._rows
        kept = ("labels", "imports", "files", "refused", "requests")
        async with self._lock:
            before = {name: dict(getattr(rows, name)) for name in kept}
            before["labels"] = {key: list(labels) for key, labels in rows.labels.items()}
            try:
                yield MemoryLabelChanges(rows, tenant_id)
            except BaseException:
                for name, found in before.items():
                    getattr(rows, name).clear()
                    getattr(rows, name).update(found)
                raise


class MemoryLabelChanges(MemoryClaims):
    """Implements `LabelChanges`."""

    def __init__(self, rows: MemoryLabelRows, tenant_id: str) -> None:
        super().__init__(rows.requests, tenant_id)
        self._rows = rows

    async def transactions(self, transaction_ids: Collection[str]) -> Mapping[str, LabelledTransaction]:
        found = {}
        for each in transaction_ids:
            decided = self._rows.events.get((self._tenant_id, each))
            decision_id, event_at = (decided[0], decided[1].event_time) if decided else (None, None)
            labels = list(self._rows.labels.get((self._tenant_id, each), ()))
            found[each] = LabelledTransaction(decision_id, event_at, labels)
        return found

    async def add(self, labels: Sequence[StoredLabel]) -> None:
        for each in labels:
            self._rows.labels.setdefault((self._tenant_id, each.transaction_id), []).append(each)

    async def add_import(self, new: LabelImport, data: bytes) -> None:
        self._rows.imports[self._tenant_id, new.import_id] = new
        self._rows.files[self._tenant_id, new.import_id] = data

    async def unfinished_imports(self) -> int:
        own = [each for (tenant, _), each in self._rows.imports.items() if tenant == self._tenant_id]
        return sum(each.done < each.rows for each in own)

    async def advance(self, import_id: str, done: int, rows: ImportedRows, *, whole: bool) -> bool:
        key = self._tenant_id, import_id
        found = self._rows.imports[key]
        if found.done != done:
            return False
        kept = [*self._rows.refused.get(key, ()), *rows.refused]
        self._rows.refused[key] = kept[:MOST_REFUSED]
        self._rows.imports[key] = replace(
            found,
            done=done + rows.rows,
            stored=found.stored + rows.stored,
            unchanged=found.unchanged + rows.unchanged,
            refused=found.refused + len(rows.refused),
        )
        if whole:
            self._rows.files[key] = b""
        return True


class MemoryUntoldLabels:
    """Implements `UntoldLabels`."""

    def __init__(self, rows: MemoryLabelRows) -> None:
        self._rows = rows

    async def tenants(self) -> Sequence[str]:
        untold = {tenant for tenant, each in self._all() if each.label_id not in self._rows.arrivals}
        return sorted(untold)

    async def match(self, tenant_id: str, after: str, limit: int) -> MatchedLabels:
        waiting = sorted(
            {each.transaction_id for each in self._rows.of(tenant_id) if each.decision_id is None}
            - {each.transaction_id for each in self._rows.of(tenant_id) if each.transaction_id <= after}
        )[:limit]
        matched = []
        for name in waiting:
            decided = self._rows.events.get((tenant_id, name))
            if decided is None:
                continue
            decision_id, event = decided
            labels = self._rows.labels[tenant_id, name]
            for at, each in enumerate(labels):
                labels[at] = replace(each, decision_id=decision_id, refused=each.known_at < event.event_time)
                if labels[at].refused:
                    self._rows.arrivals[each.label_id] = 0
                else:
                    matched.append(labels[at])
        return MatchedLabels(matched, waiting[-1] if len(waiting) == limit else "")

    async def untold(self, tenant_id: str, stored_before: datetime, limit: int) -> Sequence[StoredLabel]:
        found = [
            each
            for each in self._rows.of(tenant_id)
            if each.label_id not in self._rows.arrivals and each.decision_id and each.created_at < stored_before
        ]
        return sorted(found, key=lambda each: each.label_id)[:limit]

    async def of(self, transaction_ids: Collection[str], tenant_id: str) -> Sequence[StoredLabel]:
        names = sorted(transaction_ids)
        found = [each for name in names for each in self._rows.labels.get((tenant_id, name), ())]
        return [each for each in found if not each.refused]

    async def events(self, tenant_id: str, decisions: Collection[UUID]) -> Sequence[StoredEvent]:
        found = [each for (tenant, _), each in self._rows.events.items() if tenant == tenant_id]
        return [event for decision_id, event in found if UUID(decision_id) in decisions]

    async def told(self, tenant_id: str, labels: Sequence[StoredLabel], arrival: int) -> None:
        for each in labels:
            self._rows.arrivals.setdefault(each.label_id, arrival)

    def _all(self) -> Sequence[tuple[str, StoredLabel]]:
        return [(tenant, each) for (tenant, _), labels in self._rows.labels.items() for each in labels]


class MemoryLabelArrivals:
    """Implements `LabelArrivals`."""

    def __init__(self, rows: MemoryLabelRows) -> None:
        self._rows = rows

    async def pages(
        self, tenant_id: str, since: datetime, until: datetime
    ) -> AsyncGenerator[Sequence[PlacedLabel], None]:
        start, end = ((when - _EPOCH) // _MICROSECOND for when in (since, until))
        placed = []
        for (tenant, name), labels in self._rows.labels.items():
            decided = self._rows.events.get((tenant, name))
            if tenant != tenant_id or decided is None:
                continue
            _, event = decided
            for each in labels:
                known_ms = (each.known_at - _EPOCH) // timedelta(milliseconds=1)
                said = ArrivedLabel(name, event.event_type, event.fields, known_ms, each.number, each.kind.is_fraud)
                placed.append(PlacedLabel(self._rows.arrivals.get(each.label_id, 0), said))
        yield sorted((each for each in placed if start <= each.arrival < end), key=lambda each: each.arrival)


class MemoryLabelImports:
    """Implements `LabelImports`."""

    def __init__(self, rows: MemoryLabelRows) -> None:
        self._rows = rows

    async def get(self, tenant_id: str, import_id: UUID) -> LabelImport | None:
        return self._rows.imports.get((tenant_id, str(import_id)))

    async def data(self, tenant_id: str, import_id: UUID) -> bytes:
        return self._rows.files.get((tenant_id, str(import_id)), b"")

    async def errors(self, tenant_id: str, import_id: UUID, after: int, limit: int) -> Sequence[RefusedRow]:
        found = self._rows.refused.get((tenant_id, str(import_id)), ())
        return [each for each in found if each.row > after][:limit]
