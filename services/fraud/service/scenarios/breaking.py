"""Runs the breaker: counts what this process decides, adds it to what the others did, and trips versions."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

from prometheus_client import Counter

from meshkit.errors import MeshError
from services.fraud.domain.check import Decided
from services.fraud.domain.scenarios.breaker import (
    NOTHING_COUNTED,
    BreakerLimits,
    OutcomeCounts,
    Trip,
    recent,
    tripped,
)
from services.fraud.domain.scenarios.deployment import Deployment
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.domain.verdict import DECLINE, REVIEW
from services.fraud.ports.scenarios import BreakerCounts, CountKey

__all__ = ["Breaker", "Guarded", "OutcomeCounter", "Trips", "count_outcome"]

_log = logging.getLogger(__name__)
_trips = Counter("scenario_breaker_trips", "Versions that were rolled back because they declined or reviewed too much.")
_blind = Counter("scenario_breaker_failures", "Looks at the counts of versions that failed.")

PACE_SECONDS = 0.5
LOOK_BACK_SECONDS = 3_600
KEPT_SECONDS = 120
"""Of counts that cannot be stored: longer outages lose what they began with."""
MOST_KEYS = 20_000
PRUNE_SECONDS = 60.0


class Guarded(NamedTuple):
    """What decides the events of a type, and when that is too much."""

    deployment: Deployment
    limits: BreakerLimits


DeploymentOf = Callable[[str, str], Guarded | None]
"""Returns what a tenant has deployed for an event type, as far as this process knows."""


class Trips(Protocol):
    """Rolls versions back."""

    async def trip(self, tenant_id: str, ref: VersionRef, reason: str) -> object:
        """Raises STATE_NOT_ALLOWED for a version that no longer decides, and for a live one after another."""
        ...


class OutcomeCounter:
    """Counts the outcomes of this process by version and second. Bounded: of too many versions the idlest go."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._counts: OrderedDict[CountKey, dict[int, OutcomeCounts]] = OrderedDict()

    def count(self, key: CountKey, outcome: str) -> None:
        """Counts a decision that was committed."""
        seconds = self._counts.get(key)
        if seconds is None:
            seconds = self._counts[key] = {}
            if len(self._counts) > MOST_KEYS:
                self._counts.popitem(last=False)
        second = int(self._clock())
        decisions, declines, reviews = seconds.get(second, NOTHING_COUNTED)
        seconds[second] = OutcomeCounts(decisions + 1, declines + (outcome == DECLINE), reviews + (outcome == REVIEW))
        self._counts.move_to_end(key)

    def counted(self) -> Mapping[CountKey, Mapping[int, OutcomeCounts]]:
        """Returns what is not stored yet, and the second that still goes on."""
        return {key: dict(seconds) for key, seconds in self._counts.items()}

    def stored(self, counts: Mapping[CountKey, Mapping[int, OutcomeCounts]]) -> None:
        """Forgets what was stored and counts no further: the second under way is stored again."""
        now = int(self._clock())
        for key, seconds in counts.items():
            mine = self._counts.get(key, {})
            for second, known in seconds.items():
                if second < now and mine.get(second) == known:
                    del mine[second]
        self._drop(lambda second: second < now - KEPT_SECONDS)

    def missed(self) -> None:
        """Forgets what is too old to be of use, since it could not be stored."""
        oldest = int(self._clock()) - KEPT_SECONDS
        self._drop(lambda second: second < oldest)

    def _drop(self, gone: Callable[[int], bool]) -> None:
        for key in list(self._counts):
            seconds = self._counts[key]
            for second in [each for each in seconds if gone(each)]:
                del seconds[second]
            if not seconds:
                del self._counts[key]


def count_outcome(counter: OutcomeCounter, made: Decided) -> None:
    """Counts a decision that was committed, if a scenario made it."""
    if made.scenario is not None:
        check = made.check
        counter.count(CountKey(check.tenant_id, check.event_type, made.scenario), made.verdict.outcome)


class Breaker:
    """Looks twice a second at the versions that this process decides by."""

    def __init__(
        self,
        counter: OutcomeCounter,
        counts: BreakerCounts,
        trips: Trips,
        deployment_of: DeploymentOf,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._counter = counter
        self._counts = counts
        self._trips = trips
        self._deployment_of = deployment_of
        self._clock = clock
        self._prune_at = 0.0

    async def run(self) -> None:
        """Looks until cancelled. An outage is waited out; counts are kept meanwhile."""
        while True:
            try:
                await self.look()
            except MeshError as error:
                _blind.inc()
                self._counter.missed()
                _log.warning("the breaker cannot see what versions decide: %s", error.message)
            await asyncio.sleep(PACE_SECONDS)

    async def look(self) -> None:
        """Stores what was counted, and trips versions that decline or review too much. Raises MeshError UNAVAILABLE."""
        now, counted = int(self._clock()), self._counter.counted()
        if now >= self._prune_at:
            self._prune_at = now + PRUNE_SECONDS
            await self._counts.prune(now - 2 * LOOK_BACK_SECONDS - 60)
        if not counted:
            return
        await self._counts.add(counted)
        self._counter.stored(counted)
        watched = dict(self._watched(counted))
        keys = {key for key, _ in watched.items()} | {_rival(key, each) for key, each in watched.items()}
        seconds = await self._counts.read(keys, now - LOOK_BACK_SECONDS)
        for key, guarded in watched.items():
            if trip := _judged(key, guarded, seconds, now):
                await self._trip(key, trip)

    async def usual(self, tenant_id: str, event_type: str, ref: VersionRef) -> OutcomeCounts:
        """Returns what a version decided of late; nothing if that cannot be read."""
        key, now = CountKey(tenant_id, event_type, ref), int(self._clock())
        try:
            return recent((await self._counts.read([key], now - LOOK_BACK_SECONDS))[key], now)[0]
        except MeshError as error:
            _log.warning("what %s decided cannot be read: %s", ref, error.message)
            return NOTHING_COUNTED

    def _watched(self, keys: Iterable[CountKey]) -> Iterable[tuple[CountKey, Guarded]]:
        """Returns the versions that could be rolled back: with a share, or live with one before."""
        for key in keys:
            guarded = self._deployment_of(key.tenant_id, key.event_type)
            if guarded is None:
                continue
            deployment = guarded.deployment
            shared = deployment.share is not None and deployment.share.ref == key.ref
            if shared or (deployment.live == key.ref and deployment.before and not deployment.tripped):
                yield key, guarded

    async def _trip(self, key: CountKey, trip: Trip) -> None:
        try:
            await self._trips.trip(key.tenant_id, key.ref, str(trip))
        except MeshError as error:
            if error.reason != "STATE_NOT_ALLOWED":
                raise
            return  # Another process was faster, or somebody.
        _trips.inc()
        told = {"tenant_id": key.tenant_id, "event_type": key.event_type, "version": str(key.ref)}
        _log.error("the breaker rolled a version back: %s", trip, extra={"fields": told})


def _rival(key: CountKey, guarded: Guarded) -> CountKey:
    """Returns what a version is compared with while both decide: the live one, for one with a share."""
    live = guarded.deployment.live
    return key._replace(ref=live) if live is not None else key


def _judged(
    key: CountKey, guarded: Guarded, seconds: Mapping[CountKey, Mapping[int, OutcomeCounts]], now: int
) -> Trip | None:
    deployment = guarded.deployment
    if deployment.live == key.ref:
        since, usual = deployment.live_since, deployment.usual
    else:
        since = deployment.share_since
        rival = _rival(key, guarded)
        usual = recent(seconds.get(rival, {}), now)[0] if rival != key else NOTHING_COUNTED
    mine = {second: counts for second, counts in seconds[key].items() if second >= since}
    return tripped(mine, usual, guarded.limits, now)
