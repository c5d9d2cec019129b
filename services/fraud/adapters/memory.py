"""Windows, decisions, rates and profiles in memory: plain enough to be believed, to hold the real ones against."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from meshkit.context import CallContext
from meshkit.errors import MeshError
from services.fraud.convert import DecisionRecord, decided_to_record
from services.fraud.domain.check import Decided, Features, Key, WindowEntry
from services.fraud.domain.features import WINDOWS_MS
from services.fraud.domain.rates import DatedRate
from services.fraud.domain.rules import Profile
from services.fraud.ports import Admits, CommitResult, DecisionFilter, Stored

__all__ = ["MemoryRates", "MemoryRiskProfiles", "MemoryStore", "MemoryWindows"]

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Seen:
    key: Key
    time: datetime
    amount: int
    currency: str
    subjects: tuple[str, str, str, str]


class MemoryWindows:
    """Recounts everything for each transaction."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._seen: list[_Seen] = []
        self._answers: dict[Key, Features] = {}

    async def reserve(self, entries: Sequence[WindowEntry]) -> Sequence[Features]:
        return [self._reserve(entry) for entry in entries]

    def settle(self, committed: Sequence[Key], withdrawn: Sequence[Key]) -> None:
        self._seen = [seen for seen in self._seen if seen.key not in withdrawn]
        for key in withdrawn:
            self._answers.pop(key, None)

    def _reserve(self, entry: WindowEntry) -> Features:
        known = self._answers.get(entry.key)
        if known is not None:
            return Features(known.values, known.event_time, whole=known.whole, elsewhere=known.elsewhere)
        now = _Seen(
            entry.key,
            entry.event_time or self._clock(),
            entry.amount_minor,
            entry.currency,
            (entry.user_id, entry.device, entry.ip, entry.merchant),
        )
        mine = [seen for seen in self._seen if seen.key[0] == entry.tenant_id]
        values = [value for place in range(4) for value in _nine(mine, now, place)]
        devices = {seen.subjects[1] for seen in mine if seen.subjects[0] == entry.user_id}
        values.append(int(bool(entry.device) and entry.device not in devices))
        spent = _spent(mine, now)
        values.append(sum(seen.currency == now.currency for seen in spent))
        late = any(
            seen.time - now.time > DAY
            for seen in mine
            for place in range(4)
            if now.subjects[place] and seen.subjects[place] == now.subjects[place]
        )
        elsewhere: dict[str, int] = {}
        for seen in spent:
            if seen.currency != now.currency and seen.amount:
                elsewhere[seen.currency] = elsewhere.get(seen.currency, 0) + seen.amount
        answer = Features(values, now.time, reserved=True, whole=not late, elsewhere=elsewhere)
        self._seen.append(now)
        self._answers[entry.key] = answer
        return answer


def _spent(mine: Sequence[_Seen], now: _Seen) -> Sequence[_Seen]:
    """Returns the user's transactions of the last 24 hours."""
    return [seen for seen in mine if seen.subjects[0] == now.subjects[0] and _inside(seen.time, now.time, DAY)]


def _nine(mine: Sequence[_Seen], now: _Seen, place: int) -> list[int]:
    subject = now.subjects[place]
    if not subject:
        return [0] * 9
    same = [seen for seen in mine if seen.subjects[place] == subject]
    last_seen: dict[str, datetime] = {}
    for seen in same:
        counterpart = seen.subjects[1 if place == 0 else 0]
        if counterpart:
            last_seen[counterpart] = max(seen.time, last_seen.get(counterpart, seen.time))
    windows = [timedelta(milliseconds=milliseconds) for milliseconds in WINDOWS_MS.values()]
    inside = [[seen for seen in same if _inside(seen.time, now.time, window)] for window in windows]
    return [
        *(len(each) for each in inside),
        *(sum(seen.amount for seen in each if seen.currency == now.currency) for each in inside),
        *(sum(_inside(time, now.time, window) for time in last_seen.values()) for window in windows),
    ]


def _inside(when: datetime, now: datetime, window: timedelta) -> bool:
    """Differences, because the year 1 has no day before it."""
    return timedelta(0) <= now - when < window


class MemoryStore:
    """Keeps decisions in the order of their commits; computes features with a `MemoryWindows` of its own."""

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

    async def get(self, tenant_id: str, decision_id: UUID) -> tuple[bytes, bytes] | None:
        for made, record in self._decided.values():
            if made.check.tenant_id == tenant_id and made.decision_id == str(decision_id):
                return record.answer, record.inputs
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

    async def features(
        self, entries: Sequence[WindowEntry], now: datetime, *, apart: bool = False
    ) -> Sequence[Features | MeshError]:
        windows = MemoryWindows(lambda: now)
        await windows.reserve([made.check for made, _ in self._decided.values()])
        found = await windows.reserve(entries)
        return [
            Features(each.values, each.event_time, ("features_slow_path",), elsewhere=each.elsewhere) for each in found
        ]


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

    async def read(self, calls: Sequence[tuple[CallContext, str, str]]) -> Sequence[Profile | None]:
        if not self.available:
            return [None] * len(calls)
        return [self.profiles.get((tenant, user), Profile()) for _, tenant, user in calls]
