"""Decisions, rates and profiles in memory: plain enough to be believed, to hold the real ones against."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from meshkit.context import CallContext
from meshkit.errors import MeshError
from services.fraud.convert import DecisionRecord, decided_to_record
from services.fraud.domain.check import Basis, Decided, Key
from services.fraud.domain.event import StoredEvent
from services.fraud.domain.profile import Profile
from services.fraud.domain.rates import DatedRate
from services.fraud.ports import Admits, CommitResult, DecisionFilter, HistoryKey, KeyHistory, Stored, StoredDecision

__all__ = ["MemoryRates", "MemoryRiskProfiles", "MemoryStore"]


class MemoryStore:
    """Keeps decisions in the order of their commits, and is their history."""

    def __init__(self) -> None:
        self._decided: dict[Key, tuple[Decided, DecisionRecord]] = {}

    async def commit(self, decided: Sequence[Decided]) -> CommitResult:
        answers: dict[Key, bytes] = {}
        earlier: dict[Key, Stored | MeshError] = {}
        for made in decided:
            key, known = made.check.key, self._decided.get(made.check.key)
            if known is None:
                self._decided[key] = made, decided_to_record(made)
                answers[key] = self._decided[key][1].answer
            else:
                earlier[key] = _stored(*known)
        return CommitResult(answers, earlier)

    async def get(self, tenant_id: str, decision_id: UUID) -> StoredDecision | None:
        for made, record in self._decided.values():
            if made.check.tenant_id == tenant_id and made.decision_id == str(decision_id):
                return StoredDecision(record.answer, record.inputs, record.fields)
        return None

    async def list(self, tenant_id: str, only: DecisionFilter, before: UUID | None, limit: int) -> Sequence[bytes]:
        found = {
            made.decision_id: record.answer
            for made, record in self._decided.values()
            if made.check.tenant_id == tenant_id
            and only.user_id in ("", made.check.user_id)
            and only.outcome in ("", made.verdict.outcome)
            and only.transaction_id in ("", made.check.transaction_id)
            and (before is None or made.decision_id < str(before))
        }
        return [found[decision_id] for decision_id in sorted(found, reverse=True)[:limit]]

    async def existing(self, keys: Sequence[Key]) -> set[Key]:
        return {key for key in keys if key in self._decided}

    async def stored(self, keys: Sequence[Key]) -> Mapping[Key, Stored]:
        return {key: _stored(*self._decided[key]) for key in keys if key in self._decided}

    def decided(self, tenant_id: str) -> Sequence[tuple[Decided, DecisionRecord]]:
        """Returns the decisions of a tenant, in the order of their commits."""
        return [each for each in self._decided.values() if each[0].check.tenant_id == tenant_id]

    async def read(self, keys: Sequence[HistoryKey], most: int, *, apart: bool = False) -> Sequence[KeyHistory]:
        return [self._history(key, most) for key in keys]

    async def first_decided(self, tenants: Collection[str]) -> Mapping[str, datetime]:
        first: dict[str, datetime] = {}
        for made, _ in self._decided.values():
            if made.check.tenant_id in tenants:
                first[made.check.tenant_id] = min(made.create_time, first.get(made.check.tenant_id, made.create_time))
        return first

    async def has_more_than(self, count: int, tenant_id: str, since: datetime) -> bool:
        return sum(made.create_time >= since for made, _ in self.decided(tenant_id)) > count

    async def unlogged(self, tenants: Collection[str]) -> Mapping[str, Collection[UUID]]:
        return {
            tenant: [place for place, made in self._by_id(tenant) if made.features.basis is Basis.UNLOGGED]
            for tenant in tenants
        }

    async def decided_events(self, tenant_id: str, decisions: Collection[UUID]) -> Sequence[StoredEvent]:
        return [_stored_event(made, True) for place, made in self._by_id(tenant_id) if place in decisions]

    async def events(
        self, tenant_id: str, since: datetime, *, places: bool = False, labels: bool = False
    ) -> AsyncIterator[Sequence[StoredEvent]]:
        own = [made for made, _ in self._decided.values() if made.check.tenant_id == tenant_id]
        found = sorted(own, key=lambda made: made.decision_id)
        yield [_stored_event(made, places) for made in found if made.create_time >= since]

    def _by_id(self, tenant_id: str) -> Sequence[tuple[UUID, Decided]]:
        return [(UUID(made.decision_id), made) for made, _ in self.decided(tenant_id)]

    def _history(self, key: HistoryKey, most: int) -> KeyHistory:
        own = (made for made, _ in self._decided.values() if made.check.tenant_id == key.tenant_id)
        events = [_stored_event(made, key.places) for made in own]
        found = [
            event
            for event in events
            if event.event_type in key.event_types
            and (key.since is None or event.event_time > key.since)
            and all(event.fields.get(field) == value for field, value in key.values)
        ]
        found.sort(key=lambda event: event.event_time, reverse=True)
        return KeyHistory(found[:most], len(found) <= most)


def _stored_event(made: Decided, places: bool) -> StoredEvent:
    check, ip = made.check, made.facts.ip
    place = ip.place if places and ip is not None else None
    times = made.features.event_time, made.create_time
    return StoredEvent(check.transaction_id, check.event_type, *times, check.fields, place)


class MemoryRates:
    """Exchange rates by tenant."""

    def __init__(self) -> None:
        self.rates: dict[str, Sequence[DatedRate]] = {}

    async def read(self, tenants: Collection[str]) -> Mapping[str, Sequence[DatedRate]]:
        return {tenant: self.rates[tenant] for tenant in tenants if tenant in self.rates}

    async def replace(self, tenant_id: str, rates: Sequence[DatedRate], admits: Admits | None = None) -> bool:
        if admits is not None and not admits(self.rates.get(tenant_id, ())):
            return False
        self.rates[tenant_id] = list(rates)
        return True


def _stored(made: Decided, record: DecisionRecord) -> Stored:
    return Stored(made.check.fingerprint, record.answer, made.create_time)


class MemoryRiskProfiles:
    """Profiles by (tenant_id, user_id). `available` off stands for a user service that does not answer."""

    def __init__(self, profiles: Mapping[Key, Profile] | None = None) -> None:
        self.profiles = dict(profiles or {})
        self.available = True

    async def read(self, calls: Sequence[tuple[CallContext, str, str]], seconds: float) -> Sequence[Profile | None]:
        if not self.available:
            return [None] * len(calls)
        return [self.profiles.get((tenant, user), Profile()) for _, tenant, user in calls]
