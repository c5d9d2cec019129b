"""Keeps one tenant's flood of new keys from taking the logs of others, when Redis gets full.

Below a mark nothing is done. Above it keys are sampled, and the logs of whoever takes more than its share go early:
some time after their last use, by their expiry and not by an eviction, which would take those of anybody. Checks of
keys that are gone read the history, of that tenant alone. Once it takes much less for a while, its logs stay again, and
the ordinary sweep makes them whole (docs/adr/0043).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping

from prometheus_client import Counter, Gauge

from services.fraud.domain.logs.shares import UsageEstimate, first_seconds, most_over, next_seconds, room_of
from services.fraud.ports import LogMemory, LogShare, LogShares, ShareState

__all__ = ["LogPressure"]

_log = logging.getLogger(__name__)
_over = Gauge("tenants_over_share", "Tenants whose logs go early because they had more than their share of Redis.")
_crowded = Counter("log_shares_exceeded", "Times that a tenant had more than its share of Redis.")
_sampled = Counter("log_keys_sampled", "Keys of Redis that were looked at for what tenants take.")

HIGH, TARGET, URGENT = 0.75, 0.70, 0.85
"""Parts of the memory: from where on tenants have shares, what these are of, and from where on nothing waits.

The rest is for what comes within a minute, and for tables of keys, which double at once: a fifth of the memory.
"""
LEAST = 0.25
"""Of the memory that is shared among logs, whatever else there is."""
UNLIMITED = float(2**62)
CALM = 0.5
"""A tenant may be back if it takes less than this part of its share."""
CALM_SECONDS, CROWDED_SECONDS, LONGEST_CROWDED = 60.0, 300, 6 * 3_600
"""For so long it has to; for so long it stays crowded at least, and twice as long each time that it comes back."""
EASED_SECONDS = 15
"""After which what was being decided is stored: a commit takes 10 s at most (see `LONGEST_COMMIT`)."""
CALLS, MORE_CALLS, AT_ONCE = 8, 64, 50
"""Keys that are sampled in a round: so many at once, about 0.2 ms, in so many calls; more while logs have to go."""
APART_SECONDS = 0.01
GROWTH_ROUNDS = 10


class LogPressure:
    """Does one round after the other. Everything that has to outlive this process is in Redis."""

    def __init__(self, shares: LogShares) -> None:
        self._shares = shares
        self._estimate = UsageEstimate()
        self._used: deque[tuple[float, int]] = deque(maxlen=GROWTH_ROUNDS)
        self._draining: set[bytes] = set()
        self._changed: dict[bytes, float] = {}
        """When it was last said for how long logs of a crowded tenant stay."""
        self._calm: dict[bytes, float] = {}
        """Since when crowded tenants take little."""
        self._times: dict[bytes, int] = {}
        """How often tenants were crowded."""

    async def relieve(self) -> None:
        """Looks how full the memory is, and does what there is to do. Raises LogsUnavailableError."""
        memory = await self._shares.memory()
        self._used.append((_now(), memory.used))
        crowded = {tag: share for tag, share in memory.shares.items() if share.state is ShareState.CROWDED}
        _over.set(len(crowded))
        await self._open(memory)
        if not crowded and (not memory.most or memory.used < HIGH * memory.most):
            self._estimate = UsageEstimate()
            self._draining.clear()
            return
        await self._sample()
        usage = self._estimate.usage(memory.keys)
        capacity = self._capacity(memory, usage)
        self._draining = {tag for tag in crowded if usage.get(tag, 0.0) > room_of(tag, usage, capacity)}
        for tag, share in crowded.items():
            await self._follow(tag, share, memory, usage.get(tag, 0.0), room_of(tag, usage, capacity))
        if memory.most and memory.used >= HIGH * memory.most:
            await self._crowd(memory, usage, capacity, set(crowded))

    async def _open(self, memory: LogMemory) -> None:
        for tag, share in memory.shares.items():
            if share.state is ShareState.EASED and await self._shares.open(tag, EASED_SECONDS):
                _log.info("the logs of a tenant are swept again", extra={"fields": {"tenant": self._name(tag)}})

    async def _sample(self) -> None:
        self._estimate.age()
        for call in range(MORE_CALLS if self._draining else CALLS):
            if call:
                await asyncio.sleep(APART_SECONDS)
            found = await self._shares.sample(AT_ONCE, self._draining)
            self._estimate.add(found)
            _sampled.inc(len(found))

    @staticmethod
    def _capacity(memory: LogMemory, usage: Mapping[bytes, float]) -> float:
        """Returns what all logs may take together: what else there is does not go."""
        if not memory.most:
            return UNLIMITED
        return max(TARGET * memory.most - max(memory.used - sum(usage.values()), 0.0), LEAST * memory.most)

    async def _crowd(
        self, memory: LogMemory, usage: Mapping[bytes, float], capacity: float, crowded: set[bytes]
    ) -> None:
        """Lets logs of the tenant go early that is over its share the most; if it is urgent, of all that are."""
        while (tag := most_over(usage, capacity, crowded)) is not None:
            crowded.add(tag)
            seconds = first_seconds((1 - URGENT) * memory.most, self._growth())
            if not await self._shares.crowd(tag, seconds):
                _log.warning("too many tenants had more than their share: another one is left alone")
                return
            self._changed[tag], self._times[tag] = _now(), self._times.get(tag, 0) + 1
            self._draining.add(tag)
            _crowded.inc()
            _over.set(len(crowded))
            self._say("a tenant has more than its share of the logs", tag, usage[tag], room_of(tag, usage, capacity))
            if memory.used < URGENT * memory.most:
                return

    async def _follow(self, tag: bytes, share: LogShare, memory: LogMemory, usage: float, room: float) -> None:
        """Lets logs of a crowded tenant stay for as long as they may, and for good once they are few."""
        now, urgent = _now(), memory.used >= URGENT * memory.most > 0
        calm = self._calm.setdefault(tag, now) if usage < CALM * room else now
        if calm == now:
            self._calm[tag] = now
        least = min(CROWDED_SECONDS * 2 ** min(self._times.get(tag, 1) - 1, 10), LONGEST_CROWDED)
        if now - calm >= CALM_SECONDS and memory.now - share.since >= least:
            if await self._shares.ease(tag):
                self._calm.pop(tag)
                self._say("a tenant no longer has more than its share of the logs", tag, usage, room)
            return
        waited = now - self._changed.setdefault(tag, now)
        seconds = next_seconds(share.seconds, usage, room, waited, urgent=urgent)
        if seconds != share.seconds and await self._shares.crowd(tag, seconds):
            self._changed[tag] = now

    def _growth(self) -> float:
        """Returns by how many bytes a second the memory has grown in the last rounds."""
        (before, least), (now, used) = self._used[0], self._used[-1]
        return (used - least) / (now - before) if now > before else 0.0

    def _say(self, what: str, tag: bytes, usage: float, room: float) -> None:
        told = {"tenant": self._name(tag), "bytes": int(usage), "level": int(room)}
        _log.warning(what, extra={"fields": told})

    def _name(self, tag: bytes) -> str:
        return self._shares.tenant(tag) or f"tag {tag.hex()}"


def _now() -> float:
    return asyncio.get_running_loop().time()
