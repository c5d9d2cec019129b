"""Decisions, labels and stores for tests of alerts and cases."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from meshkit.errors import MeshError, unavailable
from meshkit.following.batches import FIRST, Batch, Cursor, DecidedPage, Position, Proof
from services.cases.domain.alerts import Evidence
from services.cases.domain.events import DecidedEvent, EventOfFraud
from services.cases.ports import CaseReads, CaseWriter, TenantsWithCases
from services.cases.service.alerts import AlertDesk
from services.cases.service.cases import CaseDesk
from services.cases.service.closing import CaseClosing
from services.cases.service.keeping import CaseKeeper
from services.cases.service.raising import AlertRaising

__all__ = ["NEWEST", "NOON", "PROOF", "CaseWorld", "PagedDecisions", "ToldLabels", "decided_event"]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NEWEST, PROOF = Position(90, 1), Proof("cluster", b"event")


def decided_event(
    tenant_id: str, name: str, *rules: str, score: float = 0.97, minutes: float = 0, minor: int = 12_50, **more: Any
) -> DecidedEvent:
    """Returns a declined payment of `user-1`, `minutes` after noon."""
    time = NOON + timedelta(minutes=minutes)
    evidence = Evidence(
        name, str(uuid.uuid5(uuid.NAMESPACE_OID, tenant_id + name)), "user-1", "", minor, 2, "USD", score, "rules",
        "decline", ("BURST",), time, time + timedelta(seconds=1),
    )  # fmt: skip
    return DecidedEvent(tenant_id, evidence._replace(**more), rules)


@dataclass
class ToldLabels:
    """Labels as they were told. `failure` is raised once instead, and `meanwhile` is awaited once before."""

    told: list[tuple[tuple[str, ...], str, str]] = field(default_factory=list)
    failure: MeshError | None = None
    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def store(self, transaction_ids: Sequence[str], label: str, reason: str) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure
        self.told.append((tuple(transaction_ids), label, reason))

    def be_away(self) -> None:
        self.failure = unavailable("fraud")


class PagedDecisions:
    """Decisions in pages; the first read fails. `broken` is raised once instead of that page."""

    def __init__(self, events: Sequence[DecidedEvent], size: int = 2, broken: int | None = None) -> None:
        self.events = events
        self.size = size
        self.broken = broken
        self.failures = 1
        self.reads = 0

    async def read(self, after: Cursor, limit: int) -> DecidedPage[EventOfFraud]:
        if self.failures:
            self.failures -= 1
            raise unavailable("fraud")
        self.reads += 1
        if self.reads == self.broken:
            raise RuntimeError
        start = int(after.decision_id) if after != FIRST else 0
        found = self.events[start : start + min(limit, self.size)]
        more = Cursor("tenant", str(start + len(found))) if start + len(found) < len(self.events) else None
        return DecidedPage(Batch(Position(0, 0), NEWEST, found, [b""] * len(found), proof=PROOF), more)


class CaseWorld:
    """All use cases on one store, with a clock that a test moves."""

    def __init__(
        self, reads: CaseReads, writer: CaseWriter, tenants: TenantsWithCases, claiming: CaseWriter | None = None
    ) -> None:
        self.now = NOON
        self.reads, self.writer, self.claiming = reads, writer, claiming or writer
        self.tenants = tenants
        self.labels = ToldLabels()
        self.raising = AlertRaising(self._clock)
        self.closing = CaseClosing(writer, self.labels, self.raising, self._clock)
        self.alerts = AlertDesk(reads, writer, self.closing, self._clock)
        self.desk = CaseDesk(reads, self._clock)
        self.keeper = CaseKeeper(tenants, writer, self.raising, self._clock)
        self.tenant = str(uuid.uuid4())

    def _clock(self) -> datetime:
        return self.now

    async def decide(self, name: str, *rules: str, tenant: str = "", **more: Any) -> None:
        """Has a decision take effect."""
        event = decided_event(tenant or self.tenant, name, *rules, **more)
        async with self.writer.begin(event.tenant_id) as changes:
            await self.raising.take(changes, event)
