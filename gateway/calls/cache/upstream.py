"""Caches responses: a decorator of `Upstream`.

A method may be cached for `cache` in its policy. With a `cache_topic`, a change that the service tells of, or that went
through this process, ends that at once; while nobody can tell of changes, nothing that depends on them is used.
Authorisation is not cached: the guard has admitted every call that comes here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from prometheus_client import Counter

from gateway.calls.cache.store import AnswerStore, CachedAnswer, Key
from gateway.calls.upstream import CacheUse, Upstream
from gateway.compile.plan import MethodPlan
from meshkit.context import CallContext
from meshkit.identity.policy import Policy
from meshkit.storage.changes import Change, Freshness

__all__ = ["AnswerCache", "cache_use", "topic_of"]

_reads = Counter("cache_reads", "Calls that a cached answer might serve, by what became of them.", ["method", "result"])

_AGAIN = re.compile(rb"(?:^|[\s,])(no-cache|no-store|max-age=0)(?:$|[\s,=])", re.IGNORECASE)


def topic_of(change: Change) -> tuple[str, str]:
    """Returns what a change ends the use of, as the key of the cache's `Freshness`: a tenant's answers on a topic."""
    return change.topic, change.tenant_id


def cache_use(cache_control: bytes | None) -> CacheUse:
    """Returns what a caller's `Cache-Control` (RFC 9111, section 5.2.1) means for one call."""
    return CacheUse(fresh=cache_control is not None and _AGAIN.search(cache_control) is not None)


class AnswerCache:
    """Answers from memory what it can. `freshness` has the keys of `topic_of`, and is not live without a feed."""

    def __init__(
        self,
        inner: Upstream,
        store: AnswerStore,
        freshness: Freshness,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner = inner
        self._store = store
        self._freshness = freshness
        self._clock = clock

    async def call(self, method: MethodPlan, request: bytes, call: CallContext, use: CacheUse | None = None) -> bytes:
        """Sends a serialised request, or returns the answer to the same one before. Raises MeshError."""
        policy = method.policy
        if policy.cache:
            return await self._read(method, request, call, use or CacheUse())
        if policy.cache_topic:
            return await self._write(method, request, call)
        return await self._inner.call(method, request, call)

    async def _read(self, method: MethodPlan, request: bytes, call: CallContext, use: CacheUse) -> bytes:
        policy = method.policy
        tenant = call.principal.tenant_id if call.principal is not None else ""
        topic = (policy.cache_topic, tenant)
        use.generation = self._freshness.last(*topic)
        if not self._usable(policy):
            _reads.labels(method.full_name, "bypass").inc()
            return await self._inner.call(method, request, call, use)
        key: Key = (tenant, method.full_name, request)
        now = self._clock()
        known = None if use.fresh else self._store.get(key, now)
        if known is not None and self._freshness.holds(known.since, *topic):
            _reads.labels(method.full_name, "hit").inc()
            use.age = now - known.stored_at
            return known.data
        _reads.labels(method.full_name, "fresh" if use.fresh else "miss").inc()
        since = self._freshness.now()
        data = await self._inner.call(method, request, call, use)
        if self._freshness.holds(since, *topic):
            self._store.put(key, CachedAnswer(data, now, now + policy.cache, since))
        return data

    async def _write(self, method: MethodPlan, request: bytes, call: CallContext) -> bytes:
        try:
            return await self._inner.call(method, request, call)
        finally:
            # Also after an error: the change may have happened. Who reads next through this process sees it.
            tenant = call.principal.tenant_id if call.principal is not None else ""
            self._freshness.changed(method.policy.cache_topic, tenant)

    def _usable(self, policy: Policy) -> bool:
        return self._freshness.live if policy.cache_topic else True
