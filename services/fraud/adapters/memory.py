"""Twins of the ports in memory: plain enough to be believed, so that tests can hold the real adapters against them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from meshkit.context import CallContext
from meshkit.errors import MeshError
from services.fraud.domain.check import Check, Decided, Features, Key
from services.fraud.domain.features import WINDOWS_MS
from services.fraud.domain.rules import Profile
from services.fraud.ports import DecisionFilter, Stored

__all__ = ["MemoryRiskProfiles", "MemoryStore", "MemoryWindows"]

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

    async def reserve(self, checks: Sequence[Check]) -> Sequence[Features]:
        return [self._reserve(check) for check in checks]

    def settle(self, committed: Sequence[Key], withdrawn: Sequence[Key]) -> None:
        self._seen = [seen for seen in self._seen if seen.key not in withdrawn]
        for key in withdrawn:
            self._answers.pop(key, None)

    def _reserve(self, check: Check) -> Features:
        known = self._answers.get(check.key)
        if known is not None:
            return Features(known.values, known.event_time, whole=known.whole)
        now = _Seen(
            check.key,
            check.event_time or self._clock(),
            check.amount_minor,
            check.currency,
            (check.user_id, check.device, check.ip, check.merchant),
        )
        mine = [seen for seen in self._seen if seen.key[0] == check.tenant_id]
        values = [value for place in range(4) for value in _nine(mine, now, place)]
        devices = {seen.subjects[1] for seen in mine if seen.subjects[0] == check.user_id}
        values.append(int(bool(check.device) and check.device not in devices))
        late = any(
            seen.time - now.time > DAY
            for seen in mine
            for place in range(4)
            if now.subjects[place] and seen.subjects[place] == now.subjects[place]
        )
        answer = Features(values, now.time, reserved=True, whole=not late)
        self._seen.append(now)
        self._answers[check.key] = answer
        return answer


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
    inside = [[seen for seen in same if now.time - window < seen.time <= now.time] for window in windows]
    return [
        *(len(each) for each in inside),
        *(sum(seen.amount for seen in each if seen.currency == now.currency) for each in inside),
        *(sum(now.time - window < time <= now.time for time in last_seen.values()) for window in windows),
    ]


class MemoryStore:
    """Keeps decisions in the order of their commits; computes features with a `MemoryWindows` of its own."""

    def __init__(self) -> None:
        self._decided: dict[Key, Decided] = {}

    async def commit(self, decided: Sequence[Decided]) -> Mapping[Key, Stored | MeshError]:
        earlier: dict[Key, Stored | MeshError] = {}
        for made in decided:
            kept = self._decided.setdefault(made.check.key, made)
            if kept is not made:
                earlier[made.check.key] = Stored(kept.check.fingerprint, kept.answer, kept.create_time)
        return earlier

    async def get(self, tenant_id: str, decision_id: UUID) -> tuple[bytes, bytes] | None:
        for made in self._decided.values():
            if made.check.tenant_id == tenant_id and made.decision_id == str(decision_id):
                return made.answer, made.inputs
        return None

    async def list(self, tenant_id: str, only: DecisionFilter, before: UUID | None, limit: int) -> Sequence[bytes]:
        found = [
            made
            for made in self._decided.values()
            if made.check.tenant_id == tenant_id
            and only.user_id in ("", made.check.user_id)
            and only.outcome in ("", made.verdict.outcome)
            and only.transaction_id in ("", made.check.transaction_id)
            and (before is None or made.decision_id < str(before))
        ]
        return [made.answer for made in sorted(found, key=lambda made: made.decision_id, reverse=True)[:limit]]

    async def existing(self, keys: Sequence[Key]) -> set[Key]:
        return {key for key in keys if key in self._decided}

    async def features(self, checks: Sequence[Check], now: datetime) -> Sequence[Features]:
        windows = MemoryWindows(lambda: now)
        await windows.reserve([made.check for made in self._decided.values()])
        found = await windows.reserve(checks)
        return [Features(each.values, each.event_time, ("features_slow_path",)) for each in found]


class MemoryRiskProfiles:
    """Profiles by (tenant_id, user_id). `available` off stands for a user service that does not answer."""

    def __init__(self, profiles: Mapping[Key, Profile] | None = None) -> None:
        self.profiles = dict(profiles or {})
        self.available = True

    async def read(self, calls: Sequence[tuple[CallContext, str, str]]) -> Sequence[Profile | None]:
        if not self.available:
            return [None] * len(calls)
        return [self.profiles.get((tenant, user), Profile()) for _, tenant, user in calls]
