"""Sweeps the history of tenants into their logs: after a loss, and into logs of new columns before they are read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias
from uuid import UUID

from prometheus_client import Counter, Gauge

from services.fraud.domain.declared.plan import KindPlan
from services.fraud.ports import (
    EntityLogs,
    FeatureHead,
    FeatureHeads,
    LogProof,
    LogStream,
    OldDecisions,
)
from services.fraud.ports.restoring import LogRestorer, RestoreOrder
from services.fraud.service.logs.groups import SLACK_SECONDS
from services.fraud.service.tenants.feature_sets import FeatureSets, StarterFeatures
from services.fraud.service.tenants.features import TenantFeatures

__all__ = ["LogSweep"]

_log = logging.getLogger(__name__)
_swept = Counter("logs_swept", "Stored events that were put back into the logs.")
_behind = Gauge("tenants_unswept", "Tenants whose logs are not all there yet.")

QUIET_SECONDS = 10.0
"""For how long no log may have been evicted before a sweep begins: what was being decided then is stored by now."""
AGAIN_SECONDS = 60.0
"""After which tenants are looked at again though nothing was lost or declared: should a proof be gone by hand."""
FIRST = str(UUID(int=0))
REMEMBERED = 50_000
"""Tenants whose streams are remembered, so that nobody has to compile their features to ask about them."""
_STARTER = StarterFeatures()
Heads: TypeAlias = Mapping[str, tuple[FeatureHead, bool]]
"""By tenant: which sets of features there are, and whether every process knows of the newest."""


class _Resting(NamedTuple):
    """A tenant whose features are not about to change."""

    head: FeatureHead
    streams: Collection[LogStream]


class LogSweep:
    """Goes through all tenants, and sweeps those whose streams are not whole."""

    def __init__(
        self,
        *,
        logs: EntityLogs,
        restorer: LogRestorer,
        tenants: OldDecisions,
        sets: FeatureSets,
        heads: FeatureHeads,
        clock: Callable[[], datetime],
    ) -> None:
        self._logs = logs
        self._restorer = restorer
        self._tenants = tenants
        self._sets = sets
        self._heads = heads
        self._clock = clock
        self._lost = 0
        self._since = 0.0
        self._resting: dict[str, _Resting] = {}
        self._whole: tuple[LogProof, Heads] | None = None
        """What was so when all tenants were found whole."""
        self._again_at = 0.0

    async def sweep(self) -> None:
        """Sweeps what has to be, once. Raises LogsUnavailableError and MeshError."""
        proof, now = await self._logs.proof(), asyncio.get_running_loop().time()
        if proof.lost != self._lost:
            self._lost, self._since = proof.lost, now
        if proof.lost and now - self._since < QUIET_SECONDS:
            return
        behind, heads = 0, await self._heads.all()
        if self._whole == (proof, heads) and now < self._again_at:
            # Anew, so that logs of before that were begun by who had not heard of it are known to be whole.
            await self._logs.prove_all(proof)
            return
        async for tenant in self._all_tenants(heads):
            if tenant in heads:
                behind += not await self._sweep_declared(tenant, *heads[tenant], proof)
            else:
                behind += not await self._sweep_tenant(tenant, _STARTER.of(tenant), (), proof)
        _behind.set(behind)
        if not behind and await self._logs.prove_all(proof):
            self._whole, self._again_at = (proof, heads), now + AGAIN_SECONDS

    async def _all_tenants(self, heads: Collection[str]) -> AsyncIterator[str]:
        """Yields the tenants that have decisions, then those that have declared features and nothing else."""
        seen, after = set(), FIRST
        while (tenant := await self._tenants.next_tenant(after)) is not None:
            seen.add(tenant)
            yield tenant
            after = tenant
        for tenant in heads:
            if tenant not in seen:
                yield tenant

    async def _sweep_declared(self, tenant_id: str, head: FeatureHead, settled: bool, proof: LogProof) -> bool:
        resting = self._resting.get(tenant_id)
        if resting is not None and resting.head == head and all((await self._logs.whole(resting.streams)).values()):
            return True
        await self._sets.prepare([tenant_id])
        features = self._sets.of(tenant_id)
        if features.head != head:
            # Just changed: this process goes by it in a moment.
            return False
        filled = features.filled(tenant_id) if settled else ()
        if not await self._sweep_tenant(tenant_id, features, filled, proof):
            return False
        after = head.next()
        if after == head:
            self._rest(tenant_id, _Resting(head, list(features.streams(tenant_id))))
        elif settled:
            await self._heads.move(tenant_id, head, after)
        return True

    def _rest(self, tenant_id: str, resting: _Resting) -> None:
        if len(self._resting) >= REMEMBERED:
            self._resting.clear()
        self._resting[tenant_id] = resting

    async def _sweep_tenant(
        self, tenant_id: str, features: TenantFeatures, filled: Collection[LogStream], proof: LogProof
    ) -> bool:
        """Sweeps the streams that are not whole. `filled` are those that are to be, of those that never were."""
        if not await self._logs.may_be_swept(tenant_id):
            # Its checks read the history meanwhile, also of what would have to be filled.
            return True
        streams, unfilled = features.streams(tenant_id), features.filled(tenant_id)
        said = await self._logs.whole(streams)
        # Of a stream that was never filled nothing was said: the tenant did not have it.
        whole = {stream for stream in streams if said[stream] and stream not in unfilled}
        wanted = {
            stream: plan
            for stream, plan in streams.items()
            if stream in filled or not (stream in whole or stream in unfilled)
        }
        if not wanted:
            return True
        _behind.inc()
        await self._restore(tenant_id, features, wanted, proof)
        return await self._logs.prove([*whole, *wanted], proof)

    async def _restore(
        self, tenant_id: str, features: TenantFeatures, wanted: Mapping[LogStream, KindPlan], proof: LogProof
    ) -> None:
        now, count = self._clock(), 0
        since = {
            stream.schema: now - timedelta(milliseconds=plan.retention_ms, seconds=SLACK_SECONDS)
            for stream, plan in wanted.items()
        }
        async with aclosing(self._restorer.restore(RestoreOrder(tenant_id, features.head, since, proof))) as restored:
            async for more in restored:
                count += more
                _swept.inc(more)
                if not await self._logs.may_be_swept(tenant_id):
                    break
        _log.info("swept the history of a tenant", extra={"fields": {"tenant": tenant_id, "events": count}})
