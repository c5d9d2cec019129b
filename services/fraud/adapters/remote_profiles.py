"""Reads risk profiles from the user service, many in one call, cached for five minutes or until a change.

While changes are not heard of, a profile is used for `UNHEARD_SECONDS` only. When the service does not answer,
decisions go on without profiles: after a few failures it is asked only now and then.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import Counter
from rampart.user.v1 import user_service_pb2

from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError
from meshkit.rpc.batches import BatchClient
from meshkit.storage.changes import Change, Freshness
from services.fraud.domain.profile import Profile

__all__ = ["RemoteRiskProfiles", "profile_of"]

_log = logging.getLogger(__name__)
_reads = Counter("profile_reads", "Risk profiles read, by where they came from.", ["source"])
_cached, _fetched, _missing = (_reads.labels(source) for source in ("cache", "user", "none"))

CACHE_SECONDS = 300.0
UNHEARD_SECONDS = 10.0
CACHE_ENTRIES = 100_000
READ_TIMEOUT = 0.25
FAILURES_TO_OPEN = 3
TOPIC = "user"
OPEN_SECONDS = 1.0
_OF_THE_SERVICE = frozenset({
    Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED, Kind.RESOURCE_EXHAUSTED, Kind.CANCELLED, Kind.ABORTED, Kind.INTERNAL
})  # fmt: skip
"""Errors that say how the service is, not what a call brought."""

Call = tuple[CallContext, str, str]
CacheKey = tuple[str, str]
"""Tenant and user."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A profile, when it was read, and what `Freshness.now` said before."""

    profile: Profile
    read_at: float
    since: int


def profile_of(change: Change) -> CacheKey | None:
    """Returns whose profile a change ends the use of, as the key of the profiles' `Freshness`."""
    return (change.tenant_id, change.key) if change.topic == TOPIC else None


class RemoteRiskProfiles:
    """Implements `RiskProfiles` through a batch client of `UserService.GetRiskProfile`.

    `freshness` has the keys that `profile_of` gives.
    """

    def __init__(self, client: BatchClient, freshness: Freshness) -> None:
        self._client = client
        self._freshness = freshness
        self._cache: OrderedDict[CacheKey, _Known] = OrderedDict()
        self._failures = 0
        self._open_until = 0.0

    async def read(self, calls: Sequence[Call], seconds: float) -> Sequence[Profile | None]:
        now = asyncio.get_running_loop().time()
        missing: dict[CacheKey, CallContext] = {}
        for context, tenant_id, user_id in calls:
            if self._lookup((tenant_id, user_id), now) is None:
                missing.setdefault((tenant_id, user_id), context)
        _cached.inc(len(calls) - len(missing))
        fresh = await self._fetch(missing, now, seconds) if missing and now >= self._open_until else {}
        _missing.inc(len(missing) - len(fresh))
        return [fresh.get(key) or self._lookup(key, now) for key in ((tenant, user) for _, tenant, user in calls)]

    def _lookup(self, key: CacheKey, now: float) -> Profile | None:
        known = self._cache.get(key)
        if known is None or now - known.read_at > (CACHE_SECONDS if self._freshness.live else UNHEARD_SECONDS):
            return None
        return known.profile if self._freshness.holds(known.since, *key) else None

    async def _fetch(self, missing: dict[CacheKey, CallContext], now: float, seconds: float) -> dict[CacheKey, Profile]:
        since = self._freshness.now()
        futures = {
            key: self._client.submit(
                user_service_pb2.GetRiskProfileRequest(user_id=key[1]).SerializeToString(), context
            )
            for key, context in missing.items()
        }
        await asyncio.wait(futures.values(), timeout=min(READ_TIMEOUT, seconds))
        answered = {_is_answered(future, missing[key], seconds < READ_TIMEOUT) for key, future in futures.items()}
        found = {key: profile for key, future in futures.items() if (profile := _profile(future)) is not None}
        self._judge_service(answered, now)
        if len(found) < len(missing):
            _log.warning("%d of %d risk profiles could not be read", len(missing) - len(found), len(missing))
        for key, profile in found.items():
            self._cache[key] = _Known(profile, now, since)
        while len(self._cache) > CACHE_ENTRIES:
            self._cache.popitem(last=False)
        _fetched.inc(len(found))
        return found

    def _judge_service(self, answered: set[bool | None], now: float) -> None:
        """Opens the circuit after reads that the service did not answer; one read a second then tries again.

        What a single call brings says nothing of the service, and must cost others no profile.
        """
        if True in answered:
            self._failures = 0
        elif False in answered:
            self._failures += 1
        if self._failures >= FAILURES_TO_OPEN:
            self._open_until = now + OPEN_SECONDS


def _is_answered(future: asyncio.Future[bytes], call: CallContext, hurried: bool) -> bool | None:
    """Tells whether the service answered, be it to refuse this one call; None where it was not given the time."""
    if future.done():
        error = future.exception()
        if error is None or (isinstance(error, MeshError) and error.kind not in _OF_THE_SERVICE):
            return True
    return None if call.remaining == 0 or (hurried and not future.done()) else False


def _profile(future: asyncio.Future[bytes]) -> Profile | None:
    """Reads an answer; a future that is not done is given up."""
    if not future.done():
        future.cancel()
        return None
    error = future.exception()
    if error is not None:
        if not isinstance(error, MeshError) or error.kind is Kind.INTERNAL:
            _log.error("a risk profile failed: %s", error)
        return None
    profile = user_service_pb2.GetRiskProfileResponse.FromString(future.result()).risk_profile
    return Profile(profile.known, profile.base_risk, profile.tier, profile.chargeback_count)
